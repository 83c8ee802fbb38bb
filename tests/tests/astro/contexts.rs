//! Contexts, and what the two programs leave to each other.

use serde_json::json;

use super::{CLOUD, SOFTWARE, World};

fn in_both() -> World {
    World::new().with_token("ada").with_password("ada@example.com", "engine")
}

#[test]
fn astro_context_list_shows_each_domain_once() {
    let world = in_both();
    let output = world.astro("context list").run();
    let lines: Vec<_> = output.ok().lines().collect();
    assert_eq!(lines.len(), 2, "{output:?}");
    assert!(lines[0].starts_with("  astronomer.io") && lines[0].contains("Astro "), "{output:?}");
    assert!(lines[1].starts_with("* software.example"), "{output:?}");
    let json = world.astro("context list --json").run().json();
    assert_eq!(json[0]["system"], "astro");
    assert_eq!(json[1]["system"], "software");
    assert_eq!(json[1]["current"], true);
}

#[test]
fn astro_whoami_shows_who_where_and_until_when() {
    let world = in_both();
    let output = world.astro("whoami").env("ASTRO_DOMAIN", CLOUD).run();
    for shown in ["Ada Lovelace", "ada@example.com", "Analytical Engines", "Production", CLOUD] {
        assert!(output.ok().contains(shown), "{shown}: {output:?}");
    }
    let json = world.astro("whoami --json").run().json();
    assert_eq!(json[0]["context"], SOFTWARE);
    assert_eq!(json[0]["workspace"]["name"], "Production");
    let nobody = World::new().astro("whoami").run();
    assert!(nobody.failed(4).contains("'astro login astronomer.io'"), "{nobody:?}");
}

#[test]
fn astro_auth_token_prints_the_token_as_the_system_takes_it() {
    let world = in_both();
    let token = |args: &str| world.astro(args).printing_a_token().run();
    assert_eq!(token("auth token").ok().lines().count(), 1);
    assert_eq!(token("auth token --json").json()[0]["token_type"], serde_json::Value::Null);
    let cloud = world.astro("auth token --json").env("ASTRO_DOMAIN", CLOUD).printing_a_token();
    assert_eq!(cloud.run().json()[0]["token_type"], "Bearer");
}

#[test]
fn astro_context_switch_domain_chooses_a_context_as_the_variable_does() {
    let world = in_both();
    world.astro("context switch cloud.astronomer.io").run().ok();
    assert!(world.astro("whoami").run().ok().contains(CLOUD));
    let other = world.astro("whoami").env("ASTRO_DOMAIN", SOFTWARE).run();
    assert!(other.ok().contains(SOFTWARE), "{other:?}");
    world.astro("context switch nowhere.example").run().failed(2);
}

#[test]
fn astro_context_delete_domain_signs_out_and_forgets() {
    let world = in_both();
    world.astro("context delete software.example").run().ok();
    assert_eq!(world.home.credentials()["profiles"].as_object().unwrap().len(), 1);
    assert_eq!(world.home.credentials()["current"]["astro"], CLOUD);
    world.astro("context delete software.example").run().failed(2);
    let output = world.astro("context delete astronomer.io").run();
    output.ok();
    assert!(output.stderr.ends_with("✓ Removed context \"astronomer.io\"\n"), "{output:?}");
    assert!(world.home.credentials()["current"].get("astro").is_none());
}

#[test]
fn a_login_without_a_domain_goes_where_the_current_context_is() {
    let world = in_both();
    let output = world.astro("login").stdin("ada@example.com\nengine\n").run();
    output.ok();
    assert!(output.stderr.contains("houston.software.example"), "{output:?}");
}

/// Somebody is signed in with `ast` too.
fn sign_in_with_ast(world: &World) {
    let mut credentials = world.home.credentials();
    let mut profile = credentials["profiles"][CLOUD].clone();
    profile["provider"]["kind"] = json!("oidc");
    profile["revision"] = json!("0123456789abcdef0123456789abcdef");
    credentials["profiles"]["default"] = profile;
    world.home.set_credentials(&credentials);
}

#[test]
fn ast_logout_all_says_which_sessions_of_astro_remain() {
    let world = in_both();
    sign_in_with_ast(&world);
    let output = world.program("ast", "logout --all --json").run();
    let events = output.json();
    let remaining =
        json!({"event": "remaining", "program": "astro", "profiles": [CLOUD, SOFTWARE]});
    assert!(events.contains(&remaining), "{events:?}");
    assert!(world.context(CLOUD)["session"].is_object());
    assert!(world.home.credentials()["profiles"]["default"].get("session").is_none());
}

#[test]
fn a_domain_in_the_environment_that_cannot_be_used_does_not_keep_logout_all_from_working() {
    let world = in_both();
    let all = world.astro("logout --all").env("ASTRO_DOMAIN", "https://nowhere/");
    all.run().ok();
    assert!(world.context(CLOUD).get("session").is_none());
    assert!(world.context(SOFTWARE).get("session").is_none());
}

#[test]
fn each_program_lists_and_clears_only_its_own() {
    let world = in_both();
    sign_in_with_ast(&world);
    assert!(!world.astro("context list").run().ok().contains("default"));
    let profiles = world.program("ast", "profile list").run();
    assert_eq!(profiles.ok().lines().count(), 1, "{profiles:?}");
    let refused = world.program("ast", "whoami --profile astronomer.io").run();
    assert!(refused.failed(2).contains("is a context of 'astro'"), "{refused:?}");
    let refused = world.astro("logout default").run();
    assert!(refused.failed(2).contains("is a profile of 'ast'"), "{refused:?}");

    let output = world.astro("logout --all").run();
    output.ok();
    assert!(output.stderr.contains("Still signed in with 'ast': default"), "{output:?}");
    let left = world.home.credentials();
    assert!(left["profiles"]["default"]["session"].is_object());
    assert!(left["profiles"][CLOUD].get("session").is_none());
}

#[test]
fn another_programs_config_in_the_same_folder_is_never_touched() {
    let world = in_both();
    let config = world.home.path().join(".astro/config.yaml");
    let theirs = "context: software_example\ncontexts: {software_example: {token: theirs}}\n";
    let options = || {
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options
    };
    std::io::Write::write_all(&mut options().open(&config).unwrap(), theirs.as_bytes()).unwrap();
    let before = std::fs::metadata(&config).unwrap().modified().unwrap();
    world.astro("logout --all").run().ok();
    world.astro("context delete astronomer.io").run().ok();
    assert_eq!(std::fs::read_to_string(&config).unwrap(), theirs);
    assert_eq!(std::fs::metadata(&config).unwrap().modified().unwrap(), before);
}
