//! What a login is told by options, environment and profile. The server refuses each of these
//! logins at its start: the journal says what was asked for.

use astropass_tests::server::{Client, Dialect, Endpoint, Event, Options};

use serde_json::Value;

use super::{CLIENT, World, eager};

/// A server with more clients, that starts no logins.
fn refusing() -> Options {
    let clients = [CLIENT, "client_environment", "client_option"];
    Options { clients: clients.map(|id| Client::new(id, id)).to_vec(), ..eager() }
}

/// The last attempt of `ast login` with these arguments and variables.
fn attempt(world: &World, args: &str, env: &[(&str, &str)]) -> Event {
    world.server.fault("device-authorization:*:status=503".parse().unwrap());
    let ast = world.ast(&format!("login --no-browser {args}"));
    let output = env.iter().fold(ast, |ast, (name, value)| ast.env(name, value)).run();
    assert_eq!(output.code, Some(6), "{output}");
    world.server.clear_faults();
    world.server.events().pop().unwrap()
}

#[test]
fn the_client_is_the_options_or_the_environments_or_the_profiles() {
    let world = World::signed_in_at(refusing());
    let client = |args: &str, env: &[(&str, &str)]| {
        attempt(&world, args, env).params.remove("client_id").unwrap()
    };
    assert_eq!(client("", &[]), CLIENT);
    let environment = [("ASTRO_CLIENT_ID", "client_environment")];
    assert_eq!(client("", &environment), "client_environment");
    assert_eq!(client("--client-id client_option", &environment), "client_option");
}

#[test]
fn ast_login_server_url_is_remembered() {
    let world = World::signed_in_at(refusing());
    let url = format!("{}/base", world.server.url());
    world.log_in(world.ast("login").env("ASTRO_SERVER", &url)).ok();
    assert_eq!(world.ast("whoami --json").run().json()[0]["server"], url);
    assert_eq!(world.ast("api /x").run().code, Some(1));
    assert_eq!(world.server.events().last().unwrap().path, "/base/x");
}

#[test]
fn a_login_at_another_issuer_does_not_give_its_token_to_the_server_of_the_former() {
    let world = World::signed_in_at(Options { issuer_path: "/tenant".to_owned(), ..refusing() });
    let issuer = format!("{}/tenant", world.server.url());
    world.log_in(world.ast(&format!("login --issuer {issuer} --client-id {CLIENT}"))).ok();
    assert_eq!(world.requests(Endpoint::Me), []);
    let whoami = &world.ast("whoami --json").run().json()[0];
    assert_eq!((&whoami["provider"], &whoami["server"]), (&issuer.into(), &Value::Null));
    let output = world.ast("api /api/v1/me").run();
    let expected =
        "Error: No API server is set. Give --server URL; with 'ast login' it is remembered.";
    assert_eq!(output.failed(2), expected);
}

#[test]
fn the_issuer_is_the_options_or_the_environments_or_the_profiles() {
    let world = World::signed_in_at(refusing());
    let dialect = |args: &str, env: &[(&str, &str)]| attempt(&world, args, env).dialect;
    let url = world.server.url();
    assert_eq!(dialect("", &[]), Dialect::Workos);
    assert_eq!(dialect("", &[("ASTRO_ISSUER", url)]), Dialect::Standard);
    let other = [("ASTRO_ISSUER", "https://issuer.invalid")];
    assert_eq!(dialect(&format!("--issuer {url}"), &other), Dialect::Standard);
    assert_eq!(dialect(&format!("--workos-url {url}"), &other), Dialect::Workos);
    let output = world.login(&format!("--issuer {url}")).run();
    assert!(output.failed(2).contains("cannot be used with"), "{output}");
}

#[test]
fn the_store_is_the_options_or_the_environments_or_the_profiles() {
    let world = World::new(refusing());
    // There is no keyring here: asking for it fails before the server is asked for anything.
    let keyring = [("ASTRO_STORE", "keyring")];
    let login = |args: &str| world.login(&format!("--no-browser {args}"));
    let output = login("").env("ASTRO_STORE", "keyring").run();
    assert!(output.failed(7).contains("--store file"), "{output}");
    assert_eq!(login("--store keyring").env("ASTRO_STORE", "file").run().code, Some(7));
    assert_eq!(world.server.events(), []);
    let url = world.server.url();
    let workos = format!("--workos-url {url} --server {url} --client-id {CLIENT}");
    attempt(&world, &format!("{workos} --store file"), &keyring);

    world.sign_in("default");
    world.home.edit("default", |profile| profile["store_choice"] = "keyring".into());
    let output = world.ast("login --no-browser").run();
    assert_eq!(output.code, Some(7), "{output}");
    attempt(&world, "", &[("ASTRO_STORE", "file")]);
    attempt(&world, "--store auto", &keyring);

    let output = login("").env("ASTRO_STORE", "safe").run();
    let expected = "Error: In ASTRO_STORE, a store is auto, keyring or file. Correct or unset it.";
    assert_eq!(output.failed(2), expected);
    let output = login("--store safe").run();
    assert!(output.failed(2).contains("[possible values: auto, keyring, file]"), "{output}");
}

#[test]
fn a_login_without_client_or_server_names_all_missing_options_at_once() {
    let world = World::new(refusing());
    let (both, client, server) = (
        "Which are the OAuth client and the API server? Give --client-id ID and --server URL, or set ASTRO_CLIENT_ID and ASTRO_SERVER.",
        "Which is the OAuth client? Give --client-id ID, or set ASTRO_CLIENT_ID.",
        "Which is the API server? Give --server URL, or set ASTRO_SERVER.",
    );
    let elsewhere = " For a provider other than WorkOS, give --issuer URL.";
    let url = world.server.url();
    let cases = [
        ("", both, elsewhere),
        ("--client-id client_option", server, elsewhere),
        (&format!("--server {url}"), client, elsewhere),
        (&format!("--workos-url {url}"), both, ""),
        (&format!("--issuer {url}"), client, ""),
    ];
    for (args, missing, elsewhere) in cases {
        let output = world.ast(&format!("login {args}")).run();
        assert_eq!(output.failed(2), format!("Error: {missing}{elsewhere}"), "{args}");
    }
    let output = world.ast("login --json").run();
    assert_eq!((output.code, &output.json()[0]["code"]), (Some(2), &"usage".into()));
    assert_eq!(world.server.events(), []);
}

#[test]
fn a_login_to_a_url_that_is_not_safe_is_refused() {
    let world = World::new(refusing());
    let args = format!("login --client-id c --server {}", world.server.url());
    for option in ["--workos-url", "--issuer"] {
        for url in ["http://login.example.com", "login.example.com", "https://a@b.example"] {
            let output = world.ast(&format!("{args} {option} {url}")).run();
            let start = format!("Error: In {option}, ");
            assert!(output.failed(2).starts_with(&start), "{output}");
        }
    }
    let output = world.ast(&format!("{args} --endpoint elsewhere=https://a.example")).run();
    assert!(output.failed(2).contains("device_authorization, token"), "{output}");
    assert_eq!(world.server.events(), []);
}

#[test]
fn an_option_that_says_nothing_or_is_for_others_is_refused_before_anything_is_asked() {
    let world = World::new(refusing());
    // As a variable that is not set comes.
    for option in ["--client-id", "--organization", "--scope"] {
        let output = world.ast("login").args([option, ""]).run();
        let error = format!("error: a value is required for '{option} ");
        assert!(output.failed(2).starts_with(&error), "{output}");
    }
    let url = world.server.url();
    let login = format!("login --workos-url {url} --server {url} --client-id c --scope openid");
    let expected = "Error: --scope is for standard providers, not for WorkOS. Leave it out, or give --issuer URL.";
    assert_eq!(world.ast(&login).run().failed(2), expected);
    assert_eq!(world.server.events(), []);
}

#[test]
fn a_login_with_a_token_in_the_environment_is_warned_about() {
    let world = World::new(refusing());
    world.server.fault("device-authorization:*:status=503".parse().unwrap());
    let output = world.login("").env("ASTRO_ACCESS_TOKEN", "from-outside").run();
    let warning = "! ASTRO_ACCESS_TOKEN is set: other commands use it instead of this login.";
    assert_eq!(output.stderr.lines().next(), Some(warning), "{output}");
    let asked = world.requests(Endpoint::DeviceAuthorization);
    assert_eq!(asked.len(), 1);
}
