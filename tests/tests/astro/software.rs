//! `astro login BASEDOMAIN`: Astronomer Software.

use serde_json::json;

use super::{SOFTWARE, World};

#[test]
fn astro_login_basedomain_asks_for_username_and_hidden_password() {
    let world = World::with(&json!({}));
    let mut login = world.astro("login software.example").start_on_terminal();
    login.answer(
        "Username at houston.software.example (leave empty to sign in with an OAuth token): ",
        "ada@example.com",
    );
    login.answer("Password of ada@example.com at houston.software.example", "engine");
    let output = login.finish();
    assert!(output.ok().contains("Workspace \"Production\""), "{output:?}");
    assert!(!output.stdout.contains("engine"), "the password was shown: {output:?}");
    assert_eq!(world.home.credentials()["current"]["astro"], SOFTWARE);
    let houston = world.domains.servers.requests("houston").unwrap();
    assert!(houston.iter().all(|request| request["status"] == 200), "{houston:?}");
}

#[test]
fn astro_login_basedomain_with_an_empty_username_takes_a_hidden_token_of_the_token_page() {
    let world = World::new();
    let token = world.domains.servers.houston_token("ada", 3600).unwrap();
    let mut login = world.astro("login software.example").start_on_terminal();
    login.answer("Username", "");
    login.answer("Token (not shown): ", &token);
    let output = login.finish();
    assert!(output.ok().contains("https://app.software.example/token"), "{output:?}");
    let printed = world.astro("auth token").printing_a_token().run().ok().to_owned();
    assert_eq!(printed.trim(), token);
}

#[test]
fn astro_login_basedomain_o_goes_straight_to_the_token() {
    let world = World::new();
    let token = world.domains.servers.houston_token("ada", 3600).unwrap();
    let login = world.astro("login software.example --oauth").stdin(format!("{token}\n"));
    let output = login.run();
    output.ok();
    assert!(!output.stderr.contains("Username"), "{output:?}");
    assert!(output.stderr.contains("https://app.software.example/token"), "{output:?}");
}

#[test]
fn astro_login_basedomain_l_prints_the_token_pages_link() {
    let world = World::new();
    let mut login = world.astro("login software.example -l").start_on_terminal();
    let link = login.wait_for(|stdout, _| {
        let plain = anstream::adapter::strip_str(stdout).to_string();
        let link = plain.split_ascii_whitespace().find(|word| word.ends_with("/token"))?;
        Some(link.to_owned())
    });
    let page = world.domains.visitor().visit(&link).unwrap();
    let text = &page.pages.last().unwrap().text;
    let token = text.split_once("Your token ").unwrap().1.split(' ').next().unwrap();
    login.answer("Token (not shown): ", token);
    login.finish().ok();
}

#[test]
fn a_password_typed_after_ctrl_z_and_fg_is_not_shown_either() {
    let world = World::new();
    let mut login = world.astro("login software.example").start_on_terminal();
    login.answer("Username", "ada@example.com");
    login.wait_for(|stdout, _| stdout.contains("Password of").then_some(()));
    login.resume();
    login.answer("Password of", "engine");
    let output = login.finish();
    output.ok();
    assert!(!output.stdout.contains("engine"), "the password was shown: {output:?}");
}

#[test]
fn a_token_longer_than_a_terminals_line_is_taken_whole() {
    let world = World::with(&json!({}));
    let mut login = world.astro("login software.example -o").start_on_terminal();
    login.answer("Token (not shown): ", &"x".repeat(5000));
    let output = login.finish();
    assert_eq!(output.code, Some(5), "{output:?}");
    assert!(output.stdout.contains("does not accept the token"), "{output:?}");
    let requests = world.domains.servers.requests("houston").unwrap();
    let sent = requests.last().unwrap()["headers"]["authorization"].as_str().unwrap().len();
    assert_eq!(sent, 5000);
}

#[test]
fn a_wrong_password_is_refused_with_5_and_never_repeated() {
    let world = World::new();
    let login = world.astro("login software.example").stdin("ada@example.com\nloom-weaver\n");
    let output = login.run();
    let said = "does not let ada@example.com in: Invalid password and username combination. Check";
    assert!(output.failed(5).contains(said), "{output:?}");
    assert!(!output.stderr.contains("loom-weaver"), "{output:?}");
    world.nobody_is_signed_in();
}

#[test]
fn a_password_that_is_not_given_is_not_tried_as_an_empty_one() {
    let world = World::with(&json!({}));
    for input in ["", "ada@example.com\n"] {
        let output = world.astro("login software.example").stdin(input).run();
        let error = output.failed(5);
        assert!(error.contains("\nError: Standard input has no "), "{output:?}");
        let next =
            "Pipe it in, or run 'astro login software.example' at a terminal, which asks for it.";
        assert!(error.ends_with(next), "{output:?}");
    }
    let houston = world.domains.servers.requests("houston").unwrap();
    assert!(
        houston.iter().all(|request| !request["body"].to_string().contains("createToken")),
        "{houston:?}"
    );
}

#[test]
fn an_expired_or_unknown_token_is_refused_before_anything_is_stored() {
    let world = World::new();
    let expired = world.domains.servers.houston_token("ada", -60).unwrap();
    for token in [expired.as_str(), "nonsense"] {
        let login = world.astro("login software.example -o").stdin(format!("{token}\n"));
        let output = login.run();
        assert!(output.failed(5).contains("does not accept the token"), "{output:?}");
    }
    world.nobody_is_signed_in();
}

#[test]
fn an_empty_token_is_none() {
    let world = World::new();
    let output = world.astro("login software.example -o").stdin("\n").run();
    assert!(output.failed(5).contains("That is no token"), "{output:?}");
    // As a variable that is not set comes.
    let output = world.astro("login software.example -t").args([""]).stdin("other\n").run();
    assert!(output.failed(5).contains("That is no token"), "{output:?}");
    let output = world.astro("login software.example -o").run();
    assert!(output.failed(5).contains("Standard input has no token. Pipe it in"), "{output:?}");
}

#[test]
fn where_oauth_is_disabled_it_says_so() {
    let world = World::with(&json!({"providers": []}));
    let output = world.astro("login software.example -o").run();
    assert!(output.failed(2).contains("OAuth is disabled"), "{output:?}");
}

#[test]
fn where_passwords_are_disabled_it_asks_for_the_token() {
    let world = World::with(&json!({"local_enabled": false}));
    let token = world.domains.servers.houston_token("ada", 3600).unwrap();
    let output = world.astro("login software.example").stdin(format!("{token}\n")).run();
    output.ok();
    assert!(!output.stderr.contains("Username"), "{output:?}");
}

#[test]
fn the_only_workspace_is_chosen_and_none_is_no_failure() {
    let world = World::new().with_password("alan@example.com", "enigma");
    assert!(world.context(SOFTWARE).get("workspace").is_none());
    let world = World::new().with_password("ada@example.com", "engine");
    assert!(world.context(SOFTWARE)["workspace"]["id"].is_string());
}

#[test]
fn a_menu_offers_several_workspaces() {
    let world = World::new();
    let mut login = world.astro("login software.example").start_on_terminal();
    login.answer("Username", "grace@example.com");
    login.answer("Password", "nanosecond");
    login.answer("Which one?", "9");
    login.answer("Which one?", "2");
    let output = login.finish();
    output.ok();
    let chosen = world.context(SOFTWARE)["workspace"]["name"].as_str().unwrap().to_owned();
    assert!(output.stdout.contains(&format!("Workspace \"{chosen}\"")), "{output:?}");
}

#[test]
fn software_is_signed_out_here_and_says_that_the_server_cannot_be_told() {
    let world = World::new().with_password("ada@example.com", "engine");
    let output = world.astro("logout software.example").run();
    output.ok();
    assert!(output.stderr.contains("names no way to revoke"), "{output:?}");
    world.astro("whoami").run().failed(4);
}

#[test]
fn a_domain_that_only_begins_like_the_clouds_is_not_the_clouds() {
    let world = World::new();
    let output = world.astro("login astronomer.io.evil.com").run();
    assert!(output.failed(6).contains("houston.astronomer.io.evil.com"), "{output:?}");
}

#[test]
fn a_long_domain_is_one_too() {
    let world = World::new();
    let domain = format!("{}.{}.software.example", "a".repeat(60), "b".repeat(60));
    let output = world.astro("login").args([&domain]).run();
    assert!(output.failed(6).contains(&format!("There is no Astronomer Software at {domain}")));
}

#[test]
fn options_of_the_other_system_are_refused() {
    let world = World::new();
    world.astro("login software.example --email ada@example.com").run().failed(2);
    world.astro("login astronomer.io -o").run().failed(2);
    world.astro("login https://software.example/").run().failed(2);
}
