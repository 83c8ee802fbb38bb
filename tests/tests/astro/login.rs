//! `astro login` to the cloud, in a browser.

use astropass_tests::foreign::{Browser, Visitor};
use serde_json::json;

use super::{CLOUD, RegisteredPort, SOFTWARE, World, in_browser};

/// The authorization request that came last, as its parameters.
fn authorization(world: &World) -> serde_json::Value {
    let requests = world.domains.servers.requests("login").unwrap();
    let asked = requests.into_iter().rfind(|request| request["path"] == "/authorize");
    asked.expect("an authorization request")["query"].clone()
}

#[test]
fn astro_login_asks_for_the_email_finds_the_organization_and_recognizes_the_login() {
    let world = World::with(&json!({}));
    let _port = RegisteredPort::hold().unwrap();
    let browser = Browser::of(&world.domains.visitor()).unwrap();
    let mut login = world.astro("login").env("BROWSER", browser.program()).start_on_terminal();
    login.answer("E-mail address: ", "ada@example.com");
    let page = browser.visit().unwrap();
    let output = login.finish();
    assert!(output.ok().contains("Opening your browser"), "{output:?}");
    assert!(output.stdout.contains("Welcome, Ada Lovelace"), "{output:?}");
    assert!(output.stdout.contains("Organization \"Analytical Engines\""), "{output:?}");
    assert!(output.stdout.contains("Workspace \"Production\""), "{output:?}");
    let last = page.pages.last().unwrap();
    assert_eq!(last.status, 200, "{last:?}");
    assert!(last.text.contains("signed in"), "{last:?}");

    let asked = authorization(&world);
    assert_eq!(asked["login_hint"], "ada@example.com");
    assert_eq!(asked["organization"], "org_analytical");
    assert_eq!(asked["audience"], "astronomer-ee");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["redirect_uri"], "http://localhost:12345/callback");

    let context = world.context(CLOUD);
    assert_eq!(context["workspace"]["name"], "Production");
    assert_eq!(context["email"], "ada@example.com");
    assert_eq!(world.home.credentials()["current"]["astro"], CLOUD);
}

#[test]
fn astro_login_offers_the_email_of_the_last_login() {
    let world = World::with(&json!({}));
    let (output, _) = in_browser(&world, "login --email ada@example.com", &world.domains.visitor());
    output.ok();
    world.astro("logout").run().ok();
    let _port = RegisteredPort::hold().unwrap();
    let browser = Browser::of(&world.domains.visitor()).unwrap();
    let mut login = world.astro("login").env("BROWSER", browser.program()).start_on_terminal();
    login.answer("E-mail address [ada@example.com]: ", "");
    browser.visit().unwrap();
    login.finish().ok();
    assert_eq!(authorization(&world)["login_hint"], "ada@example.com");
}

#[test]
fn astro_login_asks_again_for_what_is_no_email_address() {
    let world = World::new();
    let _port = RegisteredPort::hold().unwrap();
    let browser = Browser::of(&world.domains.visitor()).unwrap();
    let mut login = world.astro("login").env("BROWSER", browser.program()).start_on_terminal();
    login.answer("E-mail address: ", "ada");
    login.answer("E-mail address: ", "ada@example.com");
    browser.visit().unwrap();
    let output = login.finish();
    assert!(output.ok().contains("\"ada\" is no e-mail address"), "{output:?}");
}

#[test]
fn ctrl_d_at_a_prompt_is_no_answer_and_opens_no_browser() {
    let world = World::new();
    let software = ("Username", "ada@example.com");
    for (args, before, prompt, what) in [
        ("login", None, "E-mail address: ", "e-mail address"),
        ("login -t", None, "Token (not shown): ", "token"),
        ("login software.example", None, "Username", "username"),
        ("login software.example", Some(software), "(not shown): ", "password"),
    ] {
        let mut login = world.astro(args).env("BROWSER", "false").start_on_terminal();
        if let Some((prompt, answer)) = before {
            login.answer(prompt, answer);
        }
        login.answer(prompt, "\u{4}");
        let output = login.finish();
        assert_eq!(output.code, Some(5), "{output:?}");
        let domain = args.split(' ').nth(1).filter(|word| *word == SOFTWARE).unwrap_or(CLOUD);
        let error = format!("No {what} was given. Run 'astro login {domain}' again.");
        assert!(output.stdout.contains(&error), "{output:?}");
        assert!(!output.stdout.contains("authorize"), "{output:?}");
    }
}

#[test]
fn astro_login_l_prints_the_link_and_waits_for_the_browser() {
    let world = World::new();
    let _port = RegisteredPort::hold().unwrap();
    let mut login =
        world.astro("login -l --email ada@example.com --json").env("BROWSER", "false").start();
    let prompt = login.prompt();
    let link = prompt["authorization_url"].as_str().unwrap();
    assert!(link.starts_with("https://auth.astronomer.io/authorize?"), "{link}");
    world.domains.visitor().visit(link).unwrap();
    let lines = login.finish().json();
    assert_eq!(lines[1]["event"], "signed_in");
    assert_eq!(lines[1]["context"], CLOUD);
    assert_eq!(lines[1]["workspace"]["name"], "Production");
}

#[test]
fn astro_login_l_takes_the_pasted_url_of_another_device() {
    let world = World::new();
    let _port = RegisteredPort::hold().unwrap();
    let mut login = world.astro("login --login-link --email ada@example.com").start_on_terminal();
    let link = login.wait_for(|stdout, _| {
        let link = stdout.split_ascii_whitespace().find(|word| word.contains("/authorize?"))?;
        stdout.contains("Waiting").then(|| link.to_owned())
    });
    let link = anstream::adapter::strip_str(&link).to_string();
    // Its browser finds nobody at that address.
    let visit = world.domains.visitor().staying().visit(&link).unwrap();
    login.answer("press Enter.", "http://localhost:12345/callback?code=stranger&state=other");
    login.answer("That is not the answer to this login", &visit.callback.unwrap());
    let output = login.finish();
    assert!(output.ok().contains("Welcome, Ada Lovelace"), "{output:?}");
}

#[test]
fn astro_login_again_keeps_the_workspace_that_was_used_last() {
    let world = World::new();
    let grace = world.domains.visitor().named("grace");
    let args = "login --email grace@example.com --workspace FLOW-MATIC";
    in_browser(&world, args, &grace).0.ok();
    assert_eq!(world.context(CLOUD)["workspace"]["name"], "FLOW-MATIC");
    in_browser(&world, "login --email grace@example.com", &grace).0.ok();
    assert_eq!(world.context(CLOUD)["workspace"]["name"], "FLOW-MATIC");
}

#[test]
fn astro_login_of_a_user_with_three_hundred_organizations_ends() {
    let world = World::new();
    let many = world.domains.visitor().named("many");
    let (output, _) = in_browser(&world, "login --email many@example.com", &many);
    output.ok();
    assert!(world.context(CLOUD)["organization"]["id"].is_string());
}

#[test]
fn astro_login_of_a_user_without_workspaces_succeeds_and_says_so() {
    let world = World::new();
    let edsger = world.domains.visitor().named("edsger");
    let (output, _) = in_browser(&world, "login --email edsger@example.com", &edsger);
    output.ok();
    assert!(output.stderr.contains("There is no workspace that you may use"), "{output:?}");
}

#[test]
fn astro_login_of_an_unknown_email_leaves_the_organization_to_the_browser() {
    let world = World::with(&json!({}));
    let alan = world.domains.visitor().named("alan");
    let (output, _) = in_browser(&world, "login --email alan@example.com", &alan);
    output.ok();
    assert!(output.stderr.contains("No organization is known for alan@example.com"), "{output:?}");
    assert!(authorization(&world).get("organization").is_none());
}

#[test]
fn astro_login_works_with_todays_api_which_looks_up_no_organizations() {
    let world = World::with(&json!({"auth_flow": null}));
    let (output, _) = in_browser(&world, "login --email ada@example.com", &world.domains.visitor());
    output.ok();
    let asked = authorization(&world);
    assert_eq!(asked["login_hint"], "ada@example.com");
    assert!(asked.get("organization").is_none(), "{asked}");
}

#[test]
fn astro_login_is_refreshed_and_rotated_like_any_other() {
    let world = World::new();
    in_browser(&world, "login --email ada@example.com", &world.domains.visitor()).0.ok();
    let before = world.astro("auth token").printing_a_token().run().ok().to_owned();
    world.home.age(CLOUD, 3500);
    let after = world.astro("auth token").printing_a_token().run().ok().to_owned();
    assert_ne!(before, after);
    world.home.age(CLOUD, 3500);
    let third = world.astro("auth token").printing_a_token().run().ok().to_owned();
    assert_ne!(after, third, "a rotated refresh token was kept");
}

#[test]
fn astro_logout_domain_revokes_at_the_server_and_clears_organization_and_workspace() {
    let world = World::with(&json!({}));
    in_browser(&world, "login --email ada@example.com", &world.domains.visitor()).0.ok();
    let output = world.astro("logout").run();
    output.ok();
    assert!(output.stderr.contains("Logged out from context \"astronomer.io\""), "{output:?}");
    assert!(output.stderr.contains("The server confirmed"), "{output:?}");
    let context = world.context(CLOUD);
    for field in ["organization", "workspace", "session", "tokens"] {
        assert!(context.get(field).is_none(), "{field} is left: {context}");
    }
    let requests = world.domains.servers.requests("login").unwrap();
    assert!(requests.iter().any(|request| request["path"] == "/oauth/revoke"));
    assert!(world.astro("whoami").run().failed(4).contains("astro login astronomer.io"));
}

#[test]
fn a_denied_consent_ends_astro_login_with_5_and_the_page_says_so() {
    let world = World::new();
    let denying = world.domains.visitor().denying();
    let (output, visit) = in_browser(&world, "login --email ada@example.com", &denying);
    output.failed(5);
    let page = visit.pages.last().unwrap();
    assert!(page.text.contains("You are not signed in"), "{page:?}");
    world.nobody_is_signed_in();
}

#[test]
fn a_callback_with_a_wrong_state_is_refused_and_the_true_one_counts() {
    let world = World::new();
    let visitor: Visitor = world.domains.visitor().setting("state", "evil").then_true();
    let (output, visit) = in_browser(&world, "login --email ada@example.com", &visitor);
    output.ok();
    assert_eq!(visit.pages[0].status, 400, "{visit:?}");
}

#[test]
fn a_callback_of_another_issuer_ends_astro_login() {
    let world = World::with(&json!({"callback_iss": true}));
    let visitor = world.domains.visitor().setting("iss", "https://evil.example/");
    let (output, visit) = in_browser(&world, "login --email ada@example.com", &visitor);
    output.failed(5);
    assert!(output.stderr.contains("another issuer"), "{output:?}");
    assert_ne!(visit.pages[0].status, 200, "{visit:?}");
}
