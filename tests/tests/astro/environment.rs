//! What the environment says.

use astropass_tests::ast::program;

use super::{CLOUD, World};

/// Good at the API, and no access token of the login server: what an API token is.
const API_TOKEN: &str = "astro-api-token-Y2FuYXJ5";

#[test]
fn astro_api_token_is_used_and_never_written_to_disk() {
    let world = World::new();
    let astro = |args: &str| world.astro(args).env("ASTRO_API_TOKEN", API_TOKEN);
    let printed = astro("auth token").printing_a_token().run();
    assert_eq!(printed.ok().trim(), API_TOKEN);
    let who = astro("whoami").run();
    assert!(who.ok().contains("ASTRO_API_TOKEN is used"), "{who:?}");
    let workspaces = astro("workspace list").run();
    assert!(workspaces.ok().contains("Production"), "{workspaces:?}");
    assert!(!world.home.credentials_file().exists());
}

#[test]
fn astro_api_token_is_for_the_system_of_the_domain() {
    let world = World::new();
    let token = |domain: &str| {
        let astro = world.astro("auth token --json").env("ASTRO_API_TOKEN", API_TOKEN);
        astro.env("ASTRO_DOMAIN", domain).printing_a_token().run().json()[0]["token_type"].clone()
    };
    assert_eq!(token(CLOUD), "Bearer");
    assert_eq!(token("software.example"), serde_json::Value::Null);
}

#[test]
fn astro_api_token_wins_over_a_login_and_logout_says_that_it_still_counts() {
    let world = World::new().with_token("grace");
    let printed = world.astro("auth token").env("ASTRO_API_TOKEN", API_TOKEN);
    assert_eq!(printed.printing_a_token().run().ok().trim(), API_TOKEN);
    let output = world.astro("logout").env("ASTRO_API_TOKEN", API_TOKEN).run();
    output.ok();
    assert!(output.stderr.contains("ASTRO_API_TOKEN is set"), "{output:?}");
}

#[test]
fn an_astro_api_token_that_is_refused_exits_4_and_says_what_to_unset() {
    let world = World::new();
    let output = world.astro("workspace list").env("ASTRO_API_TOKEN", "stale").run();
    assert!(output.failed(4).contains("Correct or unset ASTRO_API_TOKEN."), "{output:?}");
}

#[test]
fn a_blank_astro_api_token_does_not_pass_for_none() {
    let world = World::new().with_token("ada");
    world.astro("auth token").env("ASTRO_API_TOKEN", " ").run().failed(2);
}

#[test]
fn astro_home_holds_the_folder_and_astro_domain_names_the_context() {
    let world = World::new();
    let other = tempfile::tempdir().unwrap();
    let token = world.domains.servers.cloud_token("ada", 3600).unwrap();
    let login = world.astro("login -t -").stdin(format!("{token}\n"));
    login.env("ASTRO_HOME", other.path()).env("ASTRO_DOMAIN", CLOUD).run().ok();
    assert!(other.path().join(".astro/credentials.json").exists());
    assert!(!world.home.credentials_file().exists());
}

/// What is advised where nobody is signed in, with `ASTRO_DOMAIN` as it is. Done with the variable
/// still there and without it, it finds no server of the system that is told too.
fn advice(world: &World, variable: &str) -> (String, &'static str) {
    let whoami = world.astro("whoami").env("ASTRO_DOMAIN", variable).run();
    let command = whoami.failed(4).split('\'').nth(1).unwrap().to_owned();
    let systems = [variable, ""].map(|variable| {
        let shell = world.home.program_at("/bin/sh".as_ref());
        let login = shell.env("PATH", program("astro").parent().unwrap());
        let login = login.env("ASTRO_DOMAIN", variable).args(["-c", &command]).run();
        let error = login.failed(6);
        ["Astro", "Astronomer Software"]
            .into_iter()
            .find(|system| error.contains(&format!("no {system} at localhost, or http://")))
            .unwrap_or_else(|| panic!("{login}"))
    });
    assert_eq!(systems[0], systems[1]);
    (command, systems[0])
}

#[test]
fn the_advice_to_sign_in_at_localhost_leads_back_to_the_same_system() {
    let world = World::new().with_password("ada@example.com", "engine");
    let cloud = ("ASTRO_DOMAIN=localhost astro login".to_owned(), "Astro");
    assert_eq!(advice(&world, "localhost"), cloud);
    assert_eq!(advice(&world, "LocalHost"), cloud);

    // A context that is there stays what it is, for the advice and for the login.
    let mut credentials = world.home.credentials();
    let mut software = credentials["profiles"]["software.example"].clone();
    for field in ["session", "tokens", "revision", "store"] {
        software.as_object_mut().unwrap().remove(field);
    }
    credentials["profiles"]["localhost"] = software;
    credentials["current"]["astro"] = "localhost".into();
    world.home.set_credentials(&credentials);
    let software = ("astro login localhost".to_owned(), "Astronomer Software");
    assert_eq!(advice(&world, ""), software);
    assert_eq!(advice(&world, "localhost"), software);
}

#[test]
fn localhost_is_the_cloud_only_by_astro_domain() {
    let world = World::new();
    let cloud = world.astro("login --email ada@example.com").env("ASTRO_DOMAIN", "localhost").run();
    assert!(cloud.failed(6).contains("no Astro at localhost"), "{cloud:?}");
    let software = world.astro("login localhost").run();
    assert!(
        software.failed(6).contains("There is no Astronomer Software at localhost"),
        "{software:?}"
    );
}
