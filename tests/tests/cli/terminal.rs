//! Colours, the spinner, and text from servers.

use astropass_tests::ast::{Ast, EVIL, assert_plain, without_own_styles};
use astropass_tests::server::{Approval, User};

use super::{World, eager};

const ESCAPE: char = '\u{1b}';

#[test]
fn colours_are_for_terminals_and_not_with_no_color() {
    let world = World::signed_in();
    let terminal = world.ast("whoami").start_on_terminal().finish();
    assert!(terminal.ok().contains("\u{1b}[32m✓"), "{terminal:?}");
    let plain = world.ast("whoami").env("NO_COLOR", "1").start_on_terminal().finish();
    assert!(!plain.ok().contains(ESCAPE), "{plain:?}");
    let dumb = world.ast("whoami").env("TERM", "dumb").start_on_terminal().finish();
    assert!(!dumb.ok().contains(ESCAPE), "{dumb:?}");
    let piped = world.ast("whoami").run();
    assert!(!piped.ok().contains(ESCAPE), "{piped:?}");
    assert_eq!(plain.stdout.replace("\r\n", "\n"), piped.stdout);

    let error = world.ast("account use Nobody");
    assert!(error.start_on_terminal().finish().stdout.contains(ESCAPE));
    assert!(!world.ast("account use Nobody").run().stderr.contains(ESCAPE));
}

#[test]
fn json_and_tokens_have_no_colours_even_on_a_terminal() {
    let world = World::signed_in();
    for command in ["whoami --json", "profile list --json", "token"] {
        let output = world.ast(command).printing_a_token().start_on_terminal().finish();
        assert!(!output.ok().contains(ESCAPE), "{output:?}");
    }
}

#[test]
fn the_line_with_the_time_left_is_cleared_at_the_end() {
    let world = World::new(eager());
    let mut login = world.login("--no-browser").env("NO_COLOR", "1").start_on_terminal();
    let code = login.wait_for(|screen, _| {
        let (_, rest) = screen.split_once("Your verification code is: ")?;
        screen.contains("Waiting for approval (").then(|| rest[..9].to_owned())
    });
    world.server.approve(&code, &Approval::default()).unwrap();
    let output = login.finish();
    let (before, after) = output.ok().rsplit_once("\r\u{1b}[K").unwrap();
    assert!(before.contains("Waiting for approval (4:"), "{output:?}");
    assert!(before.contains(" left, Ctrl-C cancels)"), "{output:?}");
    assert!(after.contains("✓ Welcome, Ada Lovelace"), "{output:?}");
    assert!(!after.contains("Waiting") && !after.contains(ESCAPE), "{output:?}");
}

#[test]
fn a_narrow_terminal_cuts_the_line_with_the_time_left_off() {
    let world = World::new(eager());
    let mut login = world.login("--no-browser").start_on_terminal();
    let shown = |screen: &str, _: &str| screen.contains("Ctrl-C cancels)").then_some(());
    login.wait_for(shown);
    login.interrupt();
    let output = login.finish();
    let (before, line) = output.stdout.rsplit_once("Waiting for approval ").unwrap();
    let starts = before.rfind("\u{1b}[?7l");
    assert!(starts > before.rfind("\u{1b}[?7h"), "it would go on below: {output:?}");
    assert!(line.contains("\u{1b}[?7h"), "the terminal stays so: {output:?}");
}

/// The box was wrapped, and with it the code, so that nobody could read or copy it.
#[test]
fn a_narrow_terminal_broke_the_box_and_the_code_in_it() {
    let world = World::new(eager());
    let on = |columns| {
        let login = world.login("--no-browser").env("NO_COLOR", "1");
        let mut login = login.start_on_terminal_of(columns);
        login.wait_for(|screen, _| screen.contains("Waiting for approval (").then_some(()));
        login.interrupt();
        login.finish().stdout
    };
    let narrow = on(39);
    let (_, code) = narrow.split_once("Your verification code is:\r\n\r\n  ").unwrap();
    assert!(code[9..].starts_with("\r\n"), "{narrow}");
    assert!(narrow.contains(&format!("user_code={}", &code[..9])), "{narrow}");
    assert!(!narrow.contains('│'), "{narrow}");
    assert!(on(40).contains("│ Your verification code is: "));
}

#[test]
fn without_a_terminal_there_is_no_line_with_the_time_left() {
    let world = World::new(eager());
    let mut login = world.login("--no-browser").start();
    login.wait_for(|_, stderr| stderr.contains("Open this URL").then_some(()));
    login.interrupt();
    let output = login.finish();
    assert!(!output.stderr.contains("Waiting") && !output.stderr.contains(ESCAPE), "{output:?}");
}

#[test]
fn a_servers_error_cannot_act_on_the_terminal() {
    let world = World::new(eager());
    let body = serde_json::json!({"error": "invalid_client", "error_description": EVIL});
    let fault = format!("device-authorization:*:body=400,application/json,{body}");
    world.server.fault(fault.parse().unwrap());
    let output = world.login("").env("NO_COLOR", "1").start_on_terminal().finish();
    assert_eq!(output.code, Some(5));
    assert!(output.stdout.contains("]0;title[35mred"), "it is shown as text: {output:?}");
    assert_plain(&output.stdout);
    let json = world.login("--json").run();
    assert_plain(json.json()[0]["message"].as_str().unwrap());
}

fn on_terminal(ast: Ast) -> String {
    without_own_styles(&ast.start_on_terminal().finish().stdout)
}

/// Each field that a server can fill and that is shown, where it is refused or shown.
#[test]
fn nothing_that_a_server_says_during_a_login_acts_on_the_terminal() {
    let field = |target: &str, body: serde_json::Value| format!("{target}:*:body=200,a/b,{body}");
    let device = |name: &str| {
        let mut body = serde_json::json!({
            "device_code": "Y2FuYXJ5-code", "user_code": "ABCD-EFGH", "expires_in": 1, "interval": 1,
            "verification_uri": "https://op.example/",
        });
        body[name] = EVIL.into();
        field("device-authorization", body)
    };
    let issuer = serde_json::json!({"issuer": EVIL, "token_endpoint": EVIL});
    let faults = [
        device("user_code"),
        device("verification_uri"),
        device("verification_uri_complete"),
        device("expires_in"),
        device("device_code"),
        format!("device-authorization:*:body=403,text/html,{EVIL}"),
        format!("device-authorization:*:body=200,{},{{}}", "text/plain"),
        field("oauth-metadata", issuer.clone()),
        field("openid-configuration", issuer),
        format!("token:*:body=400,a/b,{}", serde_json::json!({"code": EVIL, "message": EVIL})),
        format!("token:*:body=200,a/b,{}", serde_json::json!({"access_token": EVIL})),
        format!("userinfo:*:body=401,a/b,{}", serde_json::json!({"error": EVIL})),
        format!(
            "me:*:body=200,a/b,{}",
            serde_json::json!({"accounts": [{"id": EVIL, "name": EVIL}]})
        ),
    ];
    let world = World::new(astropass_tests::server::Options {
        auto_approve: Some(Approval::default()),
        ..eager()
    });
    let url = world.server.url();
    let standard = format!("login --issuer {url} --server {url} --client-id client_test");
    for fault in faults {
        world.server.clear_faults();
        world.server.fault(fault.parse().unwrap());
        let login = world.ast(&standard).args(["--no-browser", "--verbose"]);
        let screen = on_terminal(login);
        assert!(!screen.contains("Please report"), "{screen}");
    }
}

#[test]
fn names_in_the_file_cannot_act_on_the_terminal() {
    let world = World::signed_in();
    let mut credentials = world.home.credentials();
    let mut profile = credentials["profiles"]["default"].clone();
    profile["server"] = EVIL.into();
    profile["store"] = EVIL.into();
    profile["session"]["issuer"] = EVIL.into();
    profile["accounts"] = serde_json::json!([{"id": EVIL, "name": EVIL, "type": "personal"}]);
    credentials["profiles"][EVIL] = profile.clone();
    credentials["profiles"]["evil"] = profile;
    for current in [EVIL, "evil"] {
        credentials["current"]["ast"] = current.into();
        world.home.set_credentials(&credentials);
        for command in ["whoami", "token", "profile list", "account list", "doctor", "logout"] {
            on_terminal(world.ast(command).printing_a_token());
        }
    }
}

#[test]
fn names_from_a_server_cannot_act_on_the_terminal() {
    let mut options = eager();
    options.users = vec![
        User::new("user_ada", &format!("ada{EVIL}@example.com"), EVIL, "L").member("org_x", EVIL),
    ];
    options.organizations[0].id = "org_x".to_owned();
    options.organizations[0].name = format!("Evil {EVIL}");
    let world = World::new(options);
    let mut login = world.login("--no-browser --json").start();
    world.approve(&mut login);
    login.finish().ok();
    let commands =
        ["whoami", "account list", "account use org_x", "profile list", "whoami", "logout"];
    for command in commands {
        let output = world.ast(command).env("NO_COLOR", "1").start_on_terminal().finish();
        assert_plain(output.ok());
    }
}

#[test]
fn an_api_servers_answer_cannot_act_on_the_terminal() {
    let world = World::signed_in();
    let body = "\u{1b}[31mred\u{9b}1m\u{7}\ttab\nover\rline\r\n\u{202e}\u{200b}end";
    world.server.fault(format!("echo:*:body=200,text/plain,{body}").parse().unwrap());
    assert_eq!(world.ast("api /api/v1/echo").run().ok(), body, "a pipe gets it as it is");
    let terminal = world.ast("api /api/v1/echo").start_on_terminal().finish();
    assert_eq!(terminal.ok(), "[31mred1m\ttab\r\noverline\r\nend\r\n");
    let json = world.ast("api /api/v1/echo --json").start_on_terminal().finish();
    assert_plain(json.ok());
    assert_eq!(json.json()[0]["body"], body);
}
