//! Option over environment over profile over default, for every command.

use astropass_tests::ast::Home;
use astropass_tests::server::{Endpoint, Server};
use serde_json::Value;

use super::{NOT_LOGGED_IN, World, eager};

fn whoami(world: &World, args: &str, env: &[(&str, &str)]) -> Value {
    let ast = world.ast(&format!("whoami --json {args}"));
    let output = env.iter().fold(ast, |ast, (name, value)| ast.env(name, value)).run();
    output.ok();
    output.json()[0].clone()
}

#[test]
fn the_profile_is_the_options_or_the_environments_or_the_chosen_one_or_default() {
    let world = World::signed_in();
    for profile in ["one", "two", "three"] {
        world.sign_in(profile);
    }
    assert_eq!(whoami(&world, "", &[])["profile"], "default");
    world.ast("profile use one").run().ok();
    assert_eq!(whoami(&world, "", &[])["profile"], "one");
    let two = ("ASTRO_PROFILE", "two");
    assert_eq!(whoami(&world, "", &[two])["profile"], "two");
    assert_eq!(whoami(&world, "--profile three", &[two])["profile"], "three");
    assert_eq!(whoami(&world, "", &[("ASTRO_PROFILE", "")])["profile"], "one");
}

#[test]
fn the_server_is_the_options_or_the_environments_or_the_profiles() {
    let world = World::signed_in();
    let own = world.server.url();
    assert_eq!(whoami(&world, "", &[])["server"], own);
    // Another path on the same origin needs no warning.
    let path = format!("{own}/one");
    let environment = ("ASTRO_SERVER", path.as_str());
    assert_eq!(whoami(&world, "", &[environment])["server"], path);
    let option = format!("--server {own}/two");
    assert_eq!(whoami(&world, &option, &[environment])["server"], format!("{own}/two"));
    assert_eq!(whoami(&world, "", &[])["server"], own, "it is not remembered");
}

#[test]
fn another_server_gets_the_token_only_with_a_warning() {
    let world = World::signed_in();
    let other = Server::start(eager()).unwrap();
    let warning = format!(
        "! The access token goes to {}, not to the profile's server {}.",
        other.url(),
        world.server.url()
    );
    let option = world.ast(&format!("api /api/v1/me --server {}", other.url())).run();
    assert_eq!(option.stderr.lines().next(), Some(warning.as_str()));
    let environment = world.ast("api /api/v1/me").env("ASTRO_SERVER", other.url()).run();
    assert_eq!(environment.stderr.lines().next(), Some(warning.as_str()));
    assert!(other.events().iter().all(|event| event.authorization), "it did get the token");
    assert!(!other.events().is_empty());
    // A warning about a token that goes nowhere would only teach to ignore it.
    let token = world.ast(&format!("token --server {}", other.url())).printing_a_token().run();
    assert_eq!(token.stderr, "");
}

#[test]
fn a_server_that_is_no_safe_url_is_refused() {
    let world = World::signed_in();
    for url in
        ["http://api.example.com", "ftp://127.0.0.1", "api.example.com", "https://u:p@h.example"]
    {
        let output = world.ast("api /api/v1/me --server").args([url]).run();
        assert!(output.failed(2).starts_with("Error: In --server, "), "{output}");
        let output = world.ast("api /api/v1/me").env("ASTRO_SERVER", url).run();
        assert!(output.failed(2).starts_with("Error: In ASTRO_SERVER, "), "{output}");
    }
    assert_eq!(world.requests(Endpoint::Me), []);
}

/// `ASTRO_STORE=bogus ast whoami` said nothing, and only the next login did.
#[test]
fn a_variable_that_cannot_be_used_is_refused_before_the_next_login() {
    let world = World::signed_in();
    for (variable, value) in [("ASTRO_STORE", "bogus"), ("ASTRO_ISSUER", "ftp://x.example")] {
        for command in ["whoami", "token", "api /api/v1/me", "account list", "login"] {
            let output = world.ast(command).env(variable, value).run();
            let expected = format!("Error: In {variable}, ");
            assert!(output.failed(2).starts_with(&expected), "{command}: {output}");
        }
        world.ast("profile list").env(variable, value).run().ok();
    }
    // What it says is of no use to a logout, which always works.
    world.ast("logout").env("ASTRO_STORE", "bogus").run().ok();
    assert_eq!(world.server.stats().sign_outs, 1);
}

#[test]
fn the_home_is_the_variables_or_the_users() {
    let world = World::signed_in();
    let empty = Home::new();
    let at = |astro_home: Option<&Home>, home: &Home| {
        let ast = world.ast("whoami --json").env("HOME", home.path());
        let ast = match astro_home {
            Some(home) => ast.env("ASTRO_HOME", home.path()),
            None => ast.without("ASTRO_HOME"),
        };
        ast.run().code
    };
    assert_eq!(at(Some(&world.home), &empty), Some(0));
    assert_eq!(at(Some(&empty), &world.home), Some(4));
    assert_eq!(at(None, &world.home), Some(0));
    assert_eq!(at(None, &empty), Some(4));
    let unset = world.ast("whoami").env("ASTRO_HOME", "").env("HOME", empty.path()).run();
    assert_eq!(unset.failed(4), NOT_LOGGED_IN);
    let file = world.home.credentials_file();
    let output = world.ast("whoami").env("ASTRO_HOME", file).run();
    assert!(output.failed(7).starts_with("Error: "), "{output}");
}
