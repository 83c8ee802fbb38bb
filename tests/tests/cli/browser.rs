//! `ast login --browser`.

use std::io::{Write, pipe};
use std::net::TcpListener;

use astropass_tests::ast::{Ast, Running};
use astropass_tests::client::{Reply, get};
use astropass_tests::server::{Approval, Endpoint, Options, User};
use http::header::LOCATION;
use serde_json::{Value, json};

use super::gate::Gate;
use super::interrupt::FINISHING;
use super::{CLIENT, NOT_LOGGED_IN, World, eager};

/// A server whose users say yes at once.
fn world() -> World {
    World::new(Options { auto_approve: Some(Approval::default()), ..eager() })
}

/// `ast login` at a standard provider.
fn login(world: &World, args: &str) -> Ast {
    let issuer = world.server.url();
    world.ast(&format!("login --store file --issuer {issuer} --client-id {CLIENT} {args}"))
}

/// Where the server sends a browser that follows the link.
fn callback(link: &str) -> String {
    let page = get(link).send().unwrap();
    page.header(&LOCATION).unwrap_or_else(|| panic!("a redirect from {link}")).to_owned()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

/// Follows the link of a login that prints JSON to its last page.
fn follow(login: &mut Running) -> Reply {
    let prompt = login.prompt();
    get(&callback(text(&prompt, "authorization_url"))).send().unwrap()
}

/// The link on the terminal.
fn link(login: &mut Running) -> String {
    login.wait_for(|screen, _| {
        let (_, rest) = screen.split_once("\r\n\r\n  ")?;
        screen.contains("Waiting for the browser ").then_some(())?;
        let link = rest.split_once("\r\n")?.0;
        Some(link.trim_start_matches("\u{1b}[1m").trim_end_matches("\u{1b}[0m").to_owned())
    })
}

#[test]
fn ast_login_browser_from_the_link_to_a_session_that_is_refreshed() {
    let world = world();
    let mut running = login(&world, "--browser --no-browser --json").start();
    let prompt = running.prompt();
    let redirect_uri = text(&prompt, "redirect_uri").to_owned();
    assert!(redirect_uri.starts_with("http://127.0.0.1:"), "{prompt}");
    assert!(redirect_uri.ends_with("/callback"), "{prompt}");
    assert_eq!((&prompt["event"], &prompt["expires_in"]), (&json!("prompt"), &json!(300)));
    assert_eq!(prompt["listening"], true);
    let page = get(&callback(text(&prompt, "authorization_url"))).send().unwrap();
    assert!(page.text().contains("You are signed in"), "{}", page.text());
    let output = running.finish();
    output.ok();
    assert_eq!(output.json()[1]["event"], "signed_in");
    assert_eq!(output.json()[1]["user"]["email"], "ada@example.com");
    get(&redirect_uri).send().unwrap_err();

    world.home.age("default", 301);
    world.ast("token").printing_a_token().run().ok();
    assert_eq!(world.refreshes(), 1);
    assert_eq!(world.requests(Endpoint::DeviceAuthorization), []);
}

#[test]
fn workos_and_an_organization_there() {
    let mut options = eager();
    options.users = vec![
        User::new("user_ada", "ada@example.com", "Ada", "Lovelace").member("org_engines", "admin"),
    ];
    options.organizations[0].id = "org_engines".to_owned();
    options.auto_approve =
        Some(Approval { user: None, organization: Some("org_engines".to_owned()) });
    let world = World::new(options);
    let mut running =
        world.login("--browser --no-browser --json --organization org_engines").start();
    let prompt = running.prompt();
    let link = text(&prompt, "authorization_url");
    assert!(link.contains("provider=authkit&"), "{link}");
    assert!(link.contains("&organization_id=org_engines"), "{link}");
    assert_eq!(get(&callback(link)).send().unwrap().status(), 200);
    let output = running.finish();
    output.ok();
    assert_eq!(output.json()[1]["account"]["organization"], "org_engines", "{output}");
    assert_eq!(world.refreshes(), 0, "there was nothing to switch to");
}

#[test]
fn a_provider_without_a_device_flow_is_signed_in_to_with_the_browser() {
    let world = world();
    world.server.configure(|options| {
        options.metadata.insert("device_authorization_endpoint".to_owned(), Value::Null);
    });
    let mut running = login(&world, "--no-browser").env("NO_COLOR", "1").start_on_terminal();
    let link = link(&mut running);
    get(&callback(&link)).send().unwrap();
    let output = running.finish();
    let host = world.server.url().trim_start_matches("http://");
    let says = format!("{host} has no device flow, so this goes through a browser.");
    assert!(output.ok().contains(&says), "{output}");
    assert!(output.stdout.contains("✓ Welcome, Ada Lovelace"), "{output}");
}

#[test]
fn the_link_is_pasted_back_at_the_terminal_which_does_not_show_it() {
    let world = world();
    let mut running =
        login(&world, "--browser --no-browser").env("NO_COLOR", "1").start_on_terminal();
    let url = callback(&link(&mut running));
    running.answer("press Enter.", "http://example.com/");
    let refusal = "That is not the answer to this login: it is not the URL that this login waits for. \
                   Paste the whole URL of the last page.";
    // The keys for editing work: the word before Ctrl-U, and the last letter.
    running.answer(refusal, &format!("wrong\u{15}{url}x\u{7f}"));
    let output = running.finish();
    assert!(output.ok().contains("✓ Welcome, Ada Lovelace"), "{output}");
    assert!(!output.stdout.contains("code=ac_"), "{output}");
    assert!(output.stdout.contains(" left, Ctrl-C cancels)"), "{output}");
}

#[test]
fn a_program_writes_the_url_to_standard_input() {
    let world = world();
    let (input, mut writer) = pipe().unwrap();
    let args = "--browser --no-browser --json";
    let mut running = login(&world, args).stdin_from(input).start();
    let prompt = running.prompt();
    let url = callback(text(&prompt, "authorization_url"));
    writeln!(writer, "{url}&state=twice").unwrap();
    running.wait_for(|stdout, _| stdout.contains("paste_refused").then_some(()));
    // The last line need not end.
    write!(writer, "{url}").unwrap();
    drop(writer);
    let output = running.finish();
    output.ok();
    let lines = output.json();
    let refused = json!({
        "event": "paste_refused",
        "code": "invalid_callback",
        "message": "the browser's answer cannot be used: it has a parameter twice",
    });
    assert_eq!(lines[1], refused);
    assert_eq!(lines[2]["event"], "signed_in");
}

/// What a loop gives to its commands is not read by one that opens a browser, and a standard input
/// that ends is no end of the login.
#[test]
fn standard_input_is_read_only_where_a_paste_is_asked_for() {
    let world = world();
    let (mut input, mut writer) = pipe().unwrap();
    writer.write_all(b"of the loop\n").unwrap();
    drop(writer);
    let args = "--browser --json";
    let mut running = login(&world, args).stdin_from(input.try_clone().unwrap()).start();
    assert_eq!(follow(&mut running).status(), 200);
    running.finish().ok();
    let mut left = String::new();
    std::io::Read::read_to_string(&mut input, &mut left).unwrap();
    assert_eq!(left, "of the loop\n");

    let mut running = login(&world, "--browser --no-browser --json").start();
    assert_eq!(follow(&mut running).status(), 200);
    running.finish().ok();
}

#[test]
fn a_port_that_is_taken_is_said_and_a_paste_goes_round_it() {
    let world = world();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let uri = format!("http://localhost:{port}/callback");
    let args = format!("--browser --redirect-uri {uri}");
    let output = login(&world, &args).run();
    assert_eq!(
        output.failed(1),
        format!(
            "Error: The browser has to come back to port {port} of this machine, and another program has it. Is another login waiting? End it, or use --no-browser and paste the URL that the browser ends at."
        )
    );
    let output = login(&world, &format!("{args} --json")).run();
    assert_eq!((output.code, &output.json()[0]["code"]), (Some(1), &json!("port_taken")));

    let mut running = login(&world, &format!("{args} --no-browser")).start_on_terminal();
    let url = callback(&link(&mut running));
    assert!(url.starts_with(&uri), "{url}");
    running.answer("Another program has the port", &url);
    running.finish().ok();

    // It is remembered for the client, and for no other one.
    let mut running = world.ast("login --browser --no-browser --json").start();
    assert_eq!(running.prompt()["redirect_uri"], uri);
    running.interrupt();
    assert_eq!(running.finish().code, Some(130));
    world.server.configure(|options| {
        options.clients.push(astropass_tests::server::Client::new("other", "Other"));
    });
    let mut running = world.ast("login --browser --no-browser --json --client-id other").start();
    assert!(text(&running.prompt(), "redirect_uri").starts_with("http://127.0.0.1:"));
}

#[test]
fn a_redirect_uri_elsewhere_is_wrong_usage() {
    let world = world();
    for uri in ["https://localhost:1/", "http://example.com:1/", "8400", "http://localhost:1/?a"] {
        let output = login(&world, &format!("--browser --redirect-uri {uri}")).run();
        let error = output.failed(2);
        assert!(error.starts_with("Error: In --redirect-uri, "), "{output}");
        assert!(error.ends_with(" Give one such as http://localhost:8400/callback."), "{output}");
    }
    assert!(login(&world, "--browser --qr").run().failed(2).contains("cannot be used with"));
}

#[test]
fn an_interrupt_frees_the_port_and_the_terminal_and_leaves_nobody_signed_in() {
    let world = world();
    let mut running = login(&world, "--browser --no-browser").start_on_terminal();
    let url = callback(&link(&mut running));
    running.interrupt();
    let output = running.finish();
    assert_eq!(output.code, Some(130), "{output}");
    get(&url).send().unwrap_err();
    assert_eq!(world.ast("whoami").run().failed(4), NOT_LOGGED_IN);
}

#[test]
fn an_interrupt_after_the_answer_lets_the_session_be_stored() {
    let world = world();
    let endpoint = format!("{}/user_management/authenticate", world.server.url());
    let (gate, through) = Gate::on_the_way_to(&endpoint);
    let login = format!("--browser --no-browser --json --store file --endpoint token={through}");
    let mut running = world.login(&login).start();
    let prompt = running.prompt();
    let url = callback(text(&prompt, "authorization_url"));
    let browser = std::thread::spawn(move || get(&url).send());
    let exchange = gate.next();
    running.interrupt();
    running.wait_for(|_, stderr| stderr.contains(FINISHING).then_some(()));
    exchange.answer();
    assert_eq!(running.finish().code, Some(130));
    browser.join().unwrap().unwrap_err();
    world.ast("whoami").run().ok();
}

#[test]
fn the_page_does_not_call_signed_in_what_could_not_be_stored() {
    let world = world();
    let mut running = login(&world, "--browser --no-browser --json").start();
    let prompt = running.prompt();
    let folder = world.home.path().join(".astro");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "in the way").unwrap();
    let page = get(&callback(text(&prompt, "authorization_url"))).send().unwrap();
    assert_eq!(page.status(), 400);
    assert!(page.text().contains("You are not signed in"), "{}", page.text());
    assert_eq!(running.finish().code, Some(7));
    std::fs::remove_file(&folder).unwrap();
}

#[test]
fn a_denial_is_shown_in_the_browser_and_at_the_terminal() {
    let world = world();
    let mut running = login(&world, "--browser --no-browser --json").start();
    let prompt = running.prompt();
    let url = callback(text(&prompt, "authorization_url"));
    let denied = url.replace("code=", "error=access_denied&error_description=No%20thanks&was=");
    assert!(get(&denied).send().unwrap().text().contains("No thanks"));
    let output = running.finish();
    assert_eq!(output.code, Some(5), "{output}");
    let message = "The login was denied: No thanks (access_denied). Run 'ast login' again if that was not what you wanted.";
    let expected = json!({"event": "error", "code": "access_denied", "message": message});
    assert_eq!(output.json()[1], expected);
}
