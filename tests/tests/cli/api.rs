//! `ast api`.

use std::fs;

use astropass_tests::server::{Endpoint, Server};
use serde_json::{Value, json};

use super::{World, eager};

fn echo(world: &World, args: &str) -> Value {
    let output = world.ast(&format!("api {args}")).run();
    output.ok().parse().unwrap()
}

#[test]
fn api_gets_a_path_with_its_query() {
    let world = World::signed_in();
    let output = world.ast("api /api/v1/me").run();
    let accounts: Value = output.ok().parse().unwrap();
    assert_eq!(accounts["accounts"][0]["id"], "acct_ada");
    let request = echo(&world, "/api/v1/echo?a=1&b=%20");
    assert_eq!((&request["method"], &request["query"]), (&json!("GET"), &json!("a=1&b=%20")));
    // A URL on the server is as good as its path.
    let request = echo(&world, &format!("{}/api/v1/echo", world.server.url()));
    assert_eq!(request["path"], "/api/v1/echo");
}

#[test]
fn api_sends_a_body_from_an_argument_a_file_or_standard_input() {
    let world = World::signed_in();
    let request = echo(&world, r#"/api/v1/echo -d {"a":1}"#);
    assert_eq!((&request["method"], &request["body"]), (&json!("POST"), &json!(r#"{"a":1}"#)));
    assert_eq!(request["headers"]["content-type"], "application/json");

    fs::write(world.home.path().join("body.txt"), "from a file").unwrap();
    let request = echo(&world, "PUT /api/v1/echo -d @body.txt -H content-type:text/plain");
    assert_eq!((&request["method"], &request["body"]), (&json!("PUT"), &json!("from a file")));
    assert_eq!(request["headers"]["content-type"], "text/plain");

    for args in ["api /api/v1/echo -d -", "api patch /api/v1/echo"] {
        let output = world.ast(args).stdin("from a pipe").run();
        let request: Value = output.ok().parse().unwrap();
        assert_eq!(request["body"], "from a pipe", "{args}");
    }
}

#[test]
fn api_sends_header_fields_but_not_another_authorization() {
    let world = World::signed_in();
    let output =
        world.ast("api /api/v1/echo").args(["-H", "X-One: two three", "-H", "Accept:text/x"]).run();
    let request: Value = output.ok().parse().unwrap();
    assert_eq!(request["headers"]["x-one"], "two three");
    assert_eq!(request["headers"]["accept"], "text/x");
    let refused = [
        ("Authorization: Bearer other", "Error: 'ast api' sends the session's own Authorization; "),
        ("s3cr3t", "Error: A header has no colon; give -H 'NAME: VALUE'."),
        ("a b: c", "Error: The header \"a b\" cannot be sent."),
    ];
    for (header, error) in refused {
        let output = world.ast("api /api/v1/echo").args(["-H", header]).run();
        assert!(output.failed(2).starts_with(error), "{output}");
    }
}

#[test]
fn api_exits_by_the_status_and_prints_the_answer_all_the_same() {
    let world = World::signed_in();
    for (status, code, error) in [
        (404, 1, "Error: HTTP 404. Check the path and --server."),
        (403, 1, "Error: HTTP 403. This account may not do that; see 'ast account list'."),
        (422, 1, "Error: HTTP 422. Check the request."),
        (429, 1, "Error: HTTP 429. Try again later."),
        (503, 6, "Error: HTTP 503. Try again later."),
    ] {
        let output = world.ast(&format!("api /api/v1/echo?status={status}")).run();
        assert_eq!((output.code, output.stderr.trim_end()), (Some(code), error));
        assert!(output.stdout.contains("\"path\":\"/api/v1/echo\""), "{output}");
    }
    let output = world.ast("api /api/v1/echo?status=404 --json").run();
    let answer = &output.json()[0];
    assert_eq!((output.code, &answer["status"]), (Some(1), &json!(404)));
    assert_eq!(answer["headers"]["content-type"], "application/json");
    assert_eq!(answer["body"]["path"], "/api/v1/echo");
    assert_eq!(output.stderr, "");
}

#[test]
fn api_refreshes_once_after_a_401_and_sends_the_request_again() {
    let world = World::signed_in();
    world.server.revoke_access_tokens();
    let request = echo(&world, "/api/v1/echo -d again");
    assert_eq!(request["body"], "again");
    let statuses: Vec<_> = world.requests(Endpoint::Echo).into_iter().map(|r| r.0).collect();
    assert_eq!((statuses, world.refreshes()), (vec![401, 200], 1));
    echo(&world, "/api/v1/echo");
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn api_does_not_go_on_refreshing_for_a_server_that_accepts_no_token() {
    let world = World::signed_in();
    world.server.fault("echo:*:status=401".parse().unwrap());
    let output = world.ast("api /api/v1/echo").run();
    let error = "Error: HTTP 401. The API server does not accept the session. Run 'ast login'.";
    assert_eq!(output.failed(4), error);
    assert_eq!((world.requests(Endpoint::Echo).len(), world.refreshes()), (2, 1));
}

#[test]
fn api_follows_no_redirect() {
    let world = World::signed_in();
    let other = Server::start(eager()).unwrap();
    let fault = format!("echo:1:redirect={}/api/v1/echo", other.url());
    world.server.fault(fault.parse().unwrap());
    let _answer = world.ast("api /api/v1/echo").run();
    assert!(other.events().is_empty());
}

#[test]
fn what_api_takes_for_no_path_is_said_and_sent_nowhere() {
    let world = World::signed_in();
    let cases: [(&[&str], &str); 8] = [
        (&["GET"], "GET is a method, and there is no path. Give both, such as GET /api/v1/me."),
        (
            &["delete", "-d", "x"],
            "delete is a method, and there is no path. Give both, such as delete /api/v1/me.",
        ),
        (
            &["/api/v1/me", "POST"],
            "The method goes before the path. Give one after the other, such as GET /api/v1/me.",
        ),
        (
            &["api/v1/me"],
            "\"api/v1/me\" is no path: it does not begin with '/'. Give one such as /api/v1/me.",
        ),
        (&[""], "\"\" is no path: it does not begin with '/'. Give one such as /api/v1/me."),
        (&["/a b"], "\"/a b\" has characters that no URL has. Encode them, as %20 for a blank."),
        (&["G T", "/api/v1/me"], "\"G T\" is no HTTP method. Give one such as GET or POST."),
        (
            &["/api/v1/me", "-d", "@none"],
            "The body cannot be read from \"@none\": No such file or directory (os error 2).",
        ),
    ];
    let before = world.server.events().len();
    for (args, error) in cases {
        let output = world.ast("api").args(args).run();
        assert_eq!(output.failed(2), format!("Error: {error}"));
    }
    assert_eq!(world.server.events().len(), before);
}

#[test]
fn api_gives_the_token_to_no_other_origin() {
    let world = World::signed_in();
    let other = Server::start(eager()).unwrap();
    for url in [other.url(), "https://api.example.com/api", "http://127.0.0.1/api"] {
        let output = world.ast(&format!("api {url}")).run();
        let error = output.failed(2);
        assert!(error.contains("--server"), "it says how to: {error}");
    }
    for path in ["api/v1/me", "", "ftp://example.com/"] {
        let output = world.ast("api").args([path]).run();
        assert_eq!(output.code, Some(2), "{path:?}: {output}");
    }
    assert!(other.events().is_empty());
    // What a browser would take for another host is a path here.
    assert_eq!(world.ast("api //example.com/api").run().code, Some(1));
    assert_eq!(world.server.events().last().unwrap().path, "/example.com/api");
}

#[test]
fn a_redirect_that_is_not_followed_is_no_success() {
    let world = World::signed_in();
    let output = world.ast("api /api/v1/echo?status=302").run();
    assert_eq!(output.code, Some(1));
    assert!(output.stderr.contains("HTTP 302. The token follows no redirect"), "{output}");
}
