//! Text from the servers, on a terminal: shown where it is a name or an error, and never acted on.

use astropass_tests::ast::{Ast, EVIL, Running, assert_plain, without_own_styles};
use astropass_tests::foreign::Browser;
use serde_json::{Value, json};

use super::{CLOUD, RegisteredPort, World, in_browser};

/// How the visible part of [`EVIL`] begins.
const SHOWN: &str = "]0;title[35mred";

/// The screen at the end of `running`, which shows what the server said.
#[track_caller]
fn assert_shown(running: Running) {
    let output = running.finish();
    let screen = without_own_styles(&output.stdout);
    assert!(screen.contains(SHOWN), "{output}");
    assert!(!screen.contains("Please report"), "{output}");
}

#[track_caller]
fn on_terminal(ast: Ast) {
    assert_shown(ast.printing_a_token().start_on_terminal());
}

#[test]
fn names_of_the_cloud_cannot_act_on_the_terminal() {
    let name = |n: u8| format!("{n} {EVIL}");
    let world = World::with(&json!({
        "users": {"ada": {"email": "ada@example.com", "name": EVIL, "organizations": ["evil"]}},
        "organizations": {"evil": {
            "id": "clorgevil0000000000000001", "auth_id": "org_evil", "name": EVIL,
            "workspaces": [name(1), name(2)],
        }},
    }));
    let token = world.domains.servers.cloud_token("ada", 3600).unwrap();
    let mut login = world.astro("login -t").start_on_terminal();
    login.answer("Token (not shown): ", &token);
    login.answer("Which one?", "2");
    assert_shown(login);
    assert_eq!(world.context(CLOUD)["organization"]["name"], EVIL, "it is what the server said");
    assert_eq!(world.context(CLOUD)["workspace"]["name"], name(2).as_str());

    let mut menu = world.astro("workspace switch").start_on_terminal();
    menu.answer("Which one?", "1");
    assert_shown(menu);
    for command in ["whoami", "workspace list", "context list", "workspace list --verbose"] {
        on_terminal(world.astro(command));
    }
    for command in ["whoami --json", "workspace list --json", "context list --json"] {
        let output = world.astro(command).start_on_terminal().finish();
        assert_plain(output.ok());
        assert!(output.json()[0].to_string().contains("title"), "{output}");
    }
    for command in ["doctor", "logout"] {
        without_own_styles(&world.astro(command).start_on_terminal().finish().stdout);
    }
}

#[test]
fn names_of_software_cannot_act_on_the_terminal() {
    let world = World::with(&json!({"houston_users": {"ada": {
        "id": "ada", "fullName": EVIL, "username": "ada@example.com", "password": "engine",
        "status": "active",
        "workspaces": [{"id": EVIL, "label": EVIL}, {"id": "other", "label": "Other"}],
    }}}));
    let mut login = world.astro("login software.example").start_on_terminal();
    login.answer("Username", "ada@example.com");
    login.answer("Password", "engine");
    login.answer("Which one?", "1");
    assert_shown(login);
    for command in ["whoami", "workspace list", "context list"] {
        on_terminal(world.astro(command));
    }
}

/// At each request of a login: GraphQL's errors, and what is no GraphQL.
#[test]
fn errors_of_houston_cannot_act_on_the_terminal() {
    let world = World::with(&json!({}));
    let errors = json!({"errors": [{"message": EVIL, "extensions": {"code": EVIL}}]});
    for (status, body) in [(200, &errors), (400, &errors), (502, &EVIL.into())] {
        let fault = [json!({"server": "houston", "status": status, "body": body})];
        let login = || world.astro("login software.example --verbose").start_on_terminal();
        world.faults(&fault);
        without_own_styles(&login().finish().stdout);

        world.faults(&[]);
        let mut login = login();
        login.answer("Username", "ada@example.com");
        login.wait_for(|screen, _| screen.contains("Password of").then_some(()));
        world.faults(&fault);
        login.answer("Password", "engine");
        let screen = without_own_styles(&login.finish().stdout);
        assert_eq!(screen.contains(SHOWN), status != 502, "{screen}");
    }
    world.faults(&[]);
    let world = world.with_password("ada@example.com", "engine");
    world.faults(&[json!({"server": "houston", "status": 200, "body": errors})]);
    on_terminal(world.astro("workspace list"));
}

/// `astro login` in a browser, on a terminal.
fn login(world: &World) -> Running {
    let browser = Browser::of(&world.domains.visitor()).unwrap();
    let login = world.astro("login --email ada@example.com --verbose");
    let login = login.env("BROWSER", browser.program()).start_on_terminal();
    browser.visit().unwrap();
    login
}

#[test]
fn errors_of_the_login_server_cannot_act_on_the_terminal() {
    let world = World::with(&json!({}));
    let _port = RegisteredPort::hold();
    let error = json!({"error": EVIL, "error_description": EVIL, "message": EVIL});
    for status in [400, 403] {
        let path = "/oauth/token";
        world.faults(&[json!({"server": "login", "path": path, "status": status, "body": error})]);
        assert_shown(login(&world));
    }
    for body in [json!({"access_token": EVIL, "token_type": EVIL}), EVIL.into()] {
        let path = "/oauth/token";
        world.faults(&[json!({"server": "login", "path": path, "status": 200, "body": body})]);
        without_own_styles(&login(&world).finish().stdout);
    }
    world.faults(&[json!({"server": "login", "path": "/userinfo", "status": 401, "body": error})]);
    let token = world.domains.servers.cloud_token("ada", 3600).unwrap();
    let mut given = world.astro("login -t --verbose").start_on_terminal();
    given.answer("Token (not shown): ", &token);
    without_own_styles(&given.finish().stdout);
}

#[test]
fn errors_about_a_session_cannot_act_on_the_terminal() {
    let world = World::with(&json!({}));
    in_browser(&world, "login --email ada@example.com", &world.domains.visitor()).0.ok();
    let error = json!({"error": EVIL, "error_description": EVIL, "message": EVIL});
    let fails = |server: &str, path: &str| {
        world.faults(&[json!({"server": server, "path": path, "status": 400, "body": error})]);
    };
    world.home.age(CLOUD, 4000);
    fails("login", "/oauth/token");
    on_terminal(world.astro("auth token"));
    world.home.age(CLOUD, -4000);
    fails("api", "/v1/users/self");
    on_terminal(world.astro("workspace list"));
    fails("login", "/oauth/revoke");
    on_terminal(world.astro("logout"));
}

/// What the API says before anybody signs in: where that would be, and in which organization.
#[test]
fn what_the_api_says_before_a_login_cannot_act_on_the_terminal() {
    let world = World::with(&json!({}));
    let config = |name: &str| {
        let mut config = json!({
            "clientId": "astro-cli-client", "audience": "astronomer-ee",
            "domainUrl": "https://auth.astronomer.io/", "authFlow": "ORG_FIRST",
        });
        config[name] = EVIL.into();
        json!({"server": "api", "path": "/hub/auth-config", "body": config})
    };
    let error = json!({"message": EVIL, "requestId": EVIL, "statusCode": 400});
    let lookup = |status: u16, body: &Value| {
        let path = "/hub/organization-lookup";
        json!({"server": "api", "path": path, "status": status, "body": body})
    };
    let _port = RegisteredPort::hold();
    for fault in [
        json!({"server": "api", "status": 400, "body": error}),
        config("clientId"),
        config("audience"),
        config("domainUrl"),
        lookup(400, &error),
        lookup(200, &json!({"OrganizationIds": [EVIL]})),
    ] {
        world.faults(&[fault]);
        // No page is opened of what may lead anywhere; a link that is shown is interrupted.
        let args = format!("login {CLOUD} --email ada@example.com --login-link --verbose");
        let mut login = world.astro(&args).start_on_terminal();
        let waits = |screen: &str| screen.contains("press Enter.") || screen.contains("Error");
        login.wait_for(|screen, _| waits(screen).then_some(()));
        login.interrupt();
        without_own_styles(&login.finish().stdout);
        without_own_styles(&world.astro("doctor").start_on_terminal().finish().stdout);
    }
}
