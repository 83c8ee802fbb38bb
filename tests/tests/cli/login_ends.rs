//! Logins that end without a session, each with its own error and exit code.

use std::time::Duration;

use astropass_tests::person::Person;
use astropass_tests::server::{Endpoint, Fault, Options, Target, What};

use super::{NOT_LOGGED_IN, World, eager};

#[test]
fn a_denied_login_exits_with_5_and_says_so() {
    let world = World::new(eager());
    let mut login = world.login("--json --no-browser").start();
    let prompt = login.prompt();
    let url = prompt["verification_uri_complete"].as_str().unwrap();
    Person { denies: true, ..Person::default() }.visit(url).unwrap();
    let output = login.finish();
    assert_eq!(output.code, Some(5), "{output}");
    let error = &output.json()[1];
    assert_eq!((&error["event"], &error["code"]), (&"error".into(), &"access_denied".into()));
    let message = "The login was denied: the user said no (access_denied). \
                   Run 'ast login' again if that was not what you wanted.";
    assert_eq!(error["message"], message);
    assert_eq!(world.ast("whoami").run().failed(4), NOT_LOGGED_IN);
}

#[test]
fn a_login_that_nobody_approves_ends_by_the_clients_own_clock() {
    // A server may answer `authorization_pending` for ever.
    let world = World::new(Options { device_code_ttl: Duration::from_secs(1), ..eager() });
    let output = world.login("--no-browser").run();
    assert_eq!(output.code, Some(5), "{output}");
    let last = output.stderr.lines().last().unwrap();
    assert_eq!(last, "Error: The login was not approved in time. Run 'ast login' again.");
}

#[test]
fn a_login_that_the_server_calls_expired_exits_with_5() {
    let world = World::new(eager());
    let mut login = world.login("--json --no-browser").start();
    login.prompt();
    world.server.advance(Duration::from_secs(301));
    let output = login.finish();
    assert_eq!(output.code, Some(5), "{output}");
    assert_eq!(output.json()[1]["code"], "login_expired");
    let polls = world.requests(Endpoint::Token).into_iter().map(|(_, outcome)| outcome);
    let after: Vec<_> = polls.skip_while(|outcome| outcome == "authorization_pending").collect();
    assert_eq!(after, ["expired_token"], "it is asked no more");
}

#[test]
fn a_login_whose_tokens_were_lost_on_the_way_exits_with_5() {
    let world = World::new(eager());
    world.server.fault(Fault::nth(Target::Poll, 1, What::CutAfterProcessing));
    let login = world.login("");
    let output = world.log_in(login);
    assert_eq!(output.code, Some(5), "{output}");
    let message = output.json()[1]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("The server no longer knows this login ("), "{message}");
    assert!(message.ends_with(". Run 'ast login' again."), "{message}");
}

/// With the code for a server in trouble a script would have tried again and again.
#[test]
fn a_login_that_the_server_refuses_exits_with_5_and_names_the_option() {
    let world = World::new(eager());
    let url = world.server.url();
    for (provider, refused, says) in [
        ("--workos-url", "--client-id nobody", "(invalid_client). Check --client-id"),
        ("--issuer", "--client-id nobody", "(invalid_client). Check --client-id"),
        (
            "--issuer",
            "--client-id client_test --scope nonsense",
            "(invalid_scope). Name each scope",
        ),
    ] {
        let login = format!("login {provider} {url} --server {url} {refused}");
        let output = world.ast(&login).run();
        let error = output.failed(5);
        assert!(error.contains(says), "{error}");
        let error = world.ast(&login).args(["--json"]).run().json().pop().unwrap();
        assert_eq!(error["code"], "server_error");
    }
    assert_eq!(world.ast("whoami").run().failed(4), NOT_LOGGED_IN);
}

/// RFC 6749 §4.1.2.1 and §5.2.
#[test]
fn what_to_do_about_a_refusal_depends_on_what_the_server_says() {
    let world = World::new(eager());
    let url = world.server.url();
    let login = format!("login --no-browser --issuer {url} --client-id client_test --scope openid");
    for (error, shown) in [
        (
            r#""invalid_scope""#,
            "invalid_scope. Name each scope that the client may have with --scope.",
        ),
        (r#""temporarily_unavailable""#, "temporarily_unavailable. Try again later."),
        (r#""server_error""#, "server_error. Try again later."),
        (r#""invalid_request""#, "invalid_request. Check --client-id and the provider's settings."),
        (
            r#""other","error_description":"Ends with a full stop.""#,
            "Ends with a full stop (other). Check --client-id and the provider's settings.",
        ),
    ] {
        world.server.clear_faults();
        let body =
            format!(r#"device-authorization:*:body=400,application/json,{{"error":{error}}}"#);
        world.server.fault(body.parse().unwrap());
        let output = world.ast(&login).run();
        // Only of one in trouble it helps to ask again.
        let code = if shown.ends_with("Try again later.") { 6 } else { 5 };
        assert_eq!(output.failed(code), format!("Error: The server refused: {shown}"));
    }
}

#[test]
fn a_failed_login_keeps_the_session_before_it() {
    let world = World::signed_in();
    let before = world.home.credentials();
    for fault in ["1:status=503", "1:html=200", "1:cut", "1:body=200,application/json,{}"] {
        world.server.clear_faults();
        world.server.fault(format!("device-authorization:{fault}").parse().unwrap());
        let output = world.login("--no-browser").run();
        assert!(output.failed(6).starts_with("Error: "), "{output}");
    }
    assert_eq!(world.home.credentials()["profiles"], before["profiles"]);
    assert_eq!(world.requests(Endpoint::Logout), []);
}

#[test]
fn an_address_that_nobody_listens_on_exits_with_6() {
    let World { home, server } = World::new(eager());
    let url = server.url().to_owned();
    drop(server);
    let output = home.ast(&format!("login --workos-url {url} --server {url} --client-id c")).run();
    let error = output.failed(6);
    assert!(error.ends_with("Check the network and the URL, then try again."), "{error}");
}
