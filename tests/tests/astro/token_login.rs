//! `astro login --token-login`: the cloud, with a token.

use serde_json::json;

use super::{CLOUD, World};

#[test]
fn astro_login_t_token_as_an_argument_says_that_others_can_see_it() {
    let world = World::new();
    let token = world.domains.servers.cloud_token("ada", 3600).unwrap();
    let output = world.astro("login astronomer.io --token-login").args([&token]).run();
    output.ok();
    assert!(output.stderr.contains("Other users of this machine can see"), "{output:?}");
    let printed = world.astro("auth token").printing_a_token().run().ok().to_owned();
    assert_eq!(printed.trim(), token);
}

#[test]
fn astro_login_t_reads_the_token_from_standard_input() {
    let world = World::new().with_token("ada");
    let context = world.context(CLOUD);
    assert_eq!(context["session"]["user"]["email"], "ada@example.com");
    assert_eq!(context["organization"]["name"], "Analytical Engines");
    let who = world.astro("whoami").run();
    assert!(who.ok().contains("Ada Lovelace"), "{who:?}");
    assert!(who.stdout.contains("Production"), "{who:?}");
}

#[test]
fn astro_login_t_alone_prints_the_token_page_and_asks_hidden() {
    let world = World::new();
    let token = world.domains.servers.cloud_token("ada", 3600).unwrap();
    let mut login = world.astro("login -t").start_on_terminal();
    login.answer("Token (not shown): ", &token);
    let output = login.finish();
    assert!(output.ok().contains("https://cloud.astronomer.io/token"), "{output:?}");
}

#[test]
fn a_token_lives_by_the_servers_clock_and_asks_for_a_login_at_its_end() {
    let world = World::new().with_token("ada");
    let lifetime = world.context(CLOUD)["session"]["expires_in"].as_u64().unwrap();
    assert!((3500..=3600).contains(&lifetime), "{lifetime}");
    world.home.age(CLOUD, 3700);
    let output = world.astro("auth token").run();
    assert!(output.failed(4).contains("'astro login astronomer.io'"), "{output:?}");
}

#[test]
fn an_organization_that_is_not_the_users_is_not_replaced_in_silence() {
    let world = World::new();
    let token = world.domains.servers.cloud_token("grace", 3600).unwrap();
    let login = world.astro("login -t - --organization clorgnone").stdin(format!("{token}\n"));
    let output = login.run();
    assert!(output.failed(2).contains("There is no organization \"clorgnone\""), "{output:?}");
}

#[test]
fn an_expired_token_is_refused_before_it_is_stored() {
    let world = World::new();
    let token = world.domains.servers.cloud_token("ada", -60).unwrap();
    let output = world.astro("login -t -").stdin(format!("{token}\n")).run();
    assert!(output.failed(5).contains("does not accept the token"), "{output:?}");
    world.nobody_is_signed_in();
}

#[test]
fn a_domain_in_the_place_of_the_token_gets_a_hint() {
    let world = World::new();
    let output = world.astro("login -t software.example").run();
    assert!(output.failed(5).contains("'astro login DOMAIN -t'"), "{output:?}");
}

#[test]
fn a_user_without_an_email_address_cannot_sign_in() {
    let world = World::with(&json!({"userinfo_email": false}));
    let token = world.domains.servers.cloud_token("ada", 3600).unwrap();
    let output = world.astro("login -t -").stdin(format!("{token}\n")).run();
    assert!(output.failed(6).contains("it has no email"), "{output:?}");
    world.nobody_is_signed_in();
}

#[test]
fn a_token_that_was_revoked_meanwhile_asks_for_one_login_and_nothing_is_deleted() {
    let world = World::with(&json!({})).with_token("ada");
    let fault = json!({"faults": [
        {"server": "api", "path": "/v1/users/self", "status": 401, "body": {"message": "no"}},
    ]});
    world.domains.servers.set(&fault).unwrap();
    let output = world.astro("workspace list").run();
    output.failed(4);
    assert!(world.context(CLOUD)["session"].is_object());
}
