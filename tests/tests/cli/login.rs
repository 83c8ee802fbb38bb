//! What a login shows, opens and stores.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use astropass_tests::HANGS;
use astropass_tests::person::Person;
use astropass_tests::server::{CANARY, Endpoint, Options};
use serde_json::json;

use super::{World, eager, names, rfc3339};

#[test]
fn ast_login_shows_the_code_and_where_to_go_and_greets_by_name() {
    let world = World::new(eager());
    let mut login = world.login("--no-browser").start();
    // All that is needed is there before the first poll.
    let code = login.wait_for(|_, stderr| {
        let (_, rest) = stderr.split_once("Your verification code is: ")?;
        stderr.contains("Open this URL in a browser:").then(|| rest[..9].to_owned())
    });
    let url = format!("{}/device", world.server.url());
    let person = Person { code: Some(code.clone()), ..Person::default() };
    assert_eq!(person.visit(&url).unwrap(), "Signed in");

    let output = login.finish();
    assert_eq!(output.ok(), "");
    let file = world.home.credentials_file();
    let rule = "─".repeat(38);
    let host = world.server.url().trim_start_matches("http://").to_owned();
    let expected = format!(
        "
╭{rule}╮
│ Your verification code is: {code} │
╰{rule}╯

You are signing in at {host}. Only go on if you started this yourself.

Open this URL in a browser:

  {url}?user_code={code}

Compare the code there with this one, or enter it at {url}

! No keyring was found (there is no session bus), so the tokens are in a file that only you can read.
✓ Welcome, Ada Lovelace (ada@example.com). You are signed in.
  Profile \"default\", its tokens in {}
",
        file.display()
    );
    assert_eq!(output.stderr, expected);
}

#[test]
fn login_as_json_prints_a_prompt_and_who_signed_in() {
    let world = World::new(Options { interval: Some(Duration::from_secs(1)), ..eager() });
    let login = world.login("");
    let output = world.log_in(login);
    output.ok();
    let [prompt, signed_in] = &output.json()[..] else { panic!("{output}") };

    let url = format!("{}/device", world.server.url());
    let code = prompt["user_code"].as_str().unwrap();
    let expected = json!({
        "event": "prompt",
        "user_code": code,
        "verification_uri": url,
        "verification_uri_complete": format!("{url}?user_code={code}"),
        "expires_in": 300,
        "interval": 1,
    });
    assert_eq!((prompt, names(prompt)), (&expected, names(&expected)));

    let stored = world.profile();
    let expected = json!({
        "event": "signed_in",
        "profile": "default",
        "user": {"id": "user_ada", "email": "ada@example.com", "name": "Ada Lovelace"},
        "account": {
            "id": "acct_ada", "name": "Ada Lovelace", "type": "personal", "role": "owner",
            "organization": null,
        },
        "store": "file",
        "expires_at": signed_in["expires_at"],
    });
    assert_eq!((signed_in, names(signed_in)), (&expected, names(&expected)));
    let expires_at = stored["session"]["received_at"].as_i64().unwrap() + 300;
    assert_eq!(signed_in["expires_at"], rfc3339(expires_at));
    let device = world.server.events();
    assert_eq!(device[0].media_type.as_deref(), Some("application/json"));
}

#[test]
fn login_opens_the_browser_with_the_verification_url_and_nothing_else() {
    let world = World::new(eager());
    let pipe = world.home.path().join("opened");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let script = world.home.path().join("browser.sh");
    let text = "printf '%s\\n' \"$@\" >\"$ASTRO_HOME/opened\"; env >>\"$ASTRO_HOME/environment\"\n";
    fs::write(&script, text).unwrap();
    let browser = format!("/bin/sh {}", script.display());

    let mut login = world.login("").env("BROWSER", browser).start();
    let (sender, opened) = channel();
    thread::spawn(move || sender.send(fs::read_to_string(pipe)));
    let opened = opened.recv_timeout(HANGS).unwrap().unwrap();
    let url = opened.trim_end();
    assert!(url.starts_with(&format!("{}/device?user_code=", world.server.url())), "{opened}");
    assert_eq!(opened.lines().count(), 1, "{opened}");
    assert!(!opened.contains(CANARY), "{opened}");

    // The URL is printed too, for those whose browser does not open.
    login.wait_for(|_, stderr| {
        let sentence = "Opening your browser. If it does not open, go to:";
        (stderr.contains(sentence) && stderr.contains(url)).then_some(())
    });
    assert_eq!(Person::default().visit(url).unwrap(), "Signed in");
    login.finish().ok();
}

#[test]
fn ast_login_no_browser_prints_the_url_and_opens_nothing() {
    let world = World::new(eager());
    let browser = world.home.path().join("browser");
    fs::write(&browser, "#!/bin/sh\n: >\"$ASTRO_HOME/ran\"\n").unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    let mut login = world.login("--no-browser").env("BROWSER", &browser).start();
    let url = login.wait_for(|_, stderr| {
        let (_, after) = stderr.split_once("Open this URL in a browser:\n\n  ")?;
        Some(after.split_once('\n')?.0.to_owned())
    });
    assert_eq!(Person::default().visit(&url).unwrap(), "Signed in");
    login.finish().ok();
    assert!(!world.home.path().join("ran").exists());
}

#[test]
fn login_runs_no_browser_that_would_draw_on_the_terminal() {
    let world = World::new(eager());
    let lynx = world.home.path().join("lynx");
    fs::write(&lynx, "#!/bin/sh\necho drawn; : >\"$ASTRO_HOME/ran\"\n").unwrap();
    fs::set_permissions(&lynx, fs::Permissions::from_mode(0o755)).unwrap();
    let mut login = world.login("--json").env("BROWSER", &lynx).start();
    world.approve(&mut login);
    let output = login.finish();
    output.ok();
    assert_eq!(output.json().len(), 2, "nothing but JSON");
    assert!(!world.home.path().join("ran").exists());

    let mut login = world.login("").env("BROWSER", "lynx %s").start();
    login.wait_for(|_, stderr| stderr.contains("Open this URL in a browser").then_some(()));
    login.interrupt();
    assert_eq!(login.finish().code, Some(130));
}

#[test]
fn login_with_qr_shows_a_picture_that_a_phone_can_read() {
    let world = World::new(eager());
    let mut login = world.login("--qr --no-browser --json").start();
    let prompt = login.prompt();
    // JSON stays JSON: the picture is for people.
    let picture = login.wait_for(|_, stderr| {
        let picture = stderr.strip_prefix("Scan this with a phone:\n\n")?;
        let picture = picture.strip_suffix("\n\n")?;
        Some(picture.to_owned())
    });
    assert_eq!(read_qr_code(&picture), prompt["verification_uri_complete"]);
    login.interrupt();
    assert_eq!(login.finish().code, Some(130));
}

#[test]
fn a_qr_code_that_the_terminal_would_wrap_is_left_out() {
    let world = World::new(eager());
    let on = |columns: u16| {
        let login = world.login("--qr --no-browser").env("NO_COLOR", "1");
        let mut login = login.start_on_terminal_of(columns);
        login.wait_for(|screen, _| screen.contains("Waiting for approval (").then_some(()));
        login.interrupt();
        login.finish().stdout.replace("\r\n", "\n")
    };
    let wide = on(80);
    let (_, picture) = wide.split_once("Scan this with a phone:\n\n").unwrap();
    let needed = picture.lines().next().unwrap().chars().count();
    assert!(!wide.contains("left out"), "{wide}");
    let narrow = on(40);
    let reason =
        format!("The QR code is left out: it needs {needed} columns, and this terminal has 40.");
    assert!(narrow.contains(&reason), "{narrow}");
    assert!(!narrow.contains(['█', '▀', '▄']), "{narrow}");
    for still_there in ["Your verification code is: ", "/device?user_code="] {
        assert!(narrow.contains(still_there), "{narrow}");
    }
    let needed = u16::try_from(needed).unwrap();
    assert!(on(needed).contains("Scan this with a phone"));
    assert!(on(needed - 1).contains("left out"));
}

/// Each character is two modules, one above the other. The full block is light, as it looks on a
/// dark terminal.
fn read_qr_code(picture: &str) -> String {
    let rows = picture.lines().flat_map(|line| {
        let half = |light: [char; 2]| line.chars().map(|c| light.contains(&c)).collect();
        [half(['█', '▀']), half(['█', '▄'])]
    });
    let rows: Vec<Vec<bool>> = rows.collect();
    let (width, height) = (rows[0].len(), rows.len());
    const SCALE: usize = 4;
    let luminance = |x: usize, y: usize| if rows[y / SCALE][x / SCALE] { 255 } else { 0 };
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width * SCALE, height * SCALE, luminance);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one QR code in\n{picture}");
    grids[0].decode().unwrap().1
}

#[test]
fn a_login_over_a_live_session_revokes_the_old_one_after_the_new_one_is_stored() {
    let world = World::signed_in();
    let login = world.login("");
    world.log_in(login).ok();

    let outcomes: Vec<_> = world.server.events().into_iter().collect();
    let at = |outcome: &str| outcomes.iter().rposition(|event| event.outcome == outcome).unwrap();
    assert!(at("signed_in") < at("signed_out"));
    let first = outcomes.iter().find(|event| event.outcome == "signed_in").unwrap();
    assert_eq!(outcomes[at("signed_out")].session, first.session, "the old one");
    assert_ne!(outcomes[at("signed_in")].session, first.session);
    world.ast("api /api/v1/me").run().ok();
}

#[test]
fn login_to_an_organization_by_its_id() {
    let world = World::new(eager());
    let login = world.login("--organization org_engines");
    let output = world.log_in(login);
    output.ok();
    let signed_in = &output.json()[1];
    assert_eq!(signed_in["account"]["name"], "Analytical Engines");
    let projects = world.ast("api /api/v1/projects").run();
    assert!(projects.ok().contains("Mill and store"), "{projects}");
}

#[test]
fn login_to_an_organization_of_others_says_so_and_keeps_the_personal_session() {
    let world = World::new(eager());
    let login = world.login("--organization org_nobody");
    let output = world.log_in(login);
    assert_eq!(output.code, Some(1), "{output}");
    let [_, signed_in, error] = &output.json()[..] else { panic!("{output}") };
    assert_eq!(signed_in["event"], "signed_in");
    assert_eq!((&error["event"], &error["code"]), (&json!("error"), &json!("not_switched")));
    let whoami = world.ast("whoami --json").run();
    assert_eq!(whoami.json()[0]["account"]["id"], "acct_ada");
}

#[test]
fn a_login_goes_on_when_the_accounts_cannot_be_had() {
    let world = World::new(eager());
    world.server.fault("me:*:status=503".parse().unwrap());
    let login = world.login("");
    let output = world.log_in(login);
    output.ok();
    assert_eq!(output.json()[1]["event"], "signed_in");
    assert_eq!(output.json()[1]["account"], json!(null));
    assert!(output.stderr.contains("The accounts are not known yet: HTTP 503."), "{output}");
    assert!(!world.requests(Endpoint::Me).is_empty());
}
