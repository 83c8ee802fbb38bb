//! `astro workspace list` and `switch`.

use serde_json::json;

use super::{CLOUD, SOFTWARE, World};

#[test]
fn astro_workspace_list_marks_the_one_that_is_used() {
    let world = World::new().with_token("ada");
    let output = world.astro("workspace list").run();
    assert!(output.ok().starts_with("* Production"), "{output:?}");
    let json = world.astro("workspace list --json").run().json();
    assert_eq!(json[0]["current"], true);
}

#[test]
fn astro_workspace_switch_by_name_by_id_and_by_menu() {
    let world = World::new().with_token("grace");
    let list = world.astro("workspace list --json").run().json();
    assert_eq!(list.len(), 3, "{list:?}");
    world.astro("workspace switch flow-matic").run().ok();
    assert_eq!(world.context(CLOUD)["workspace"]["name"], "FLOW-MATIC");
    let id = list[0]["id"].as_str().unwrap();
    world.astro("workspace switch").args([id]).run().ok();
    assert_eq!(world.context(CLOUD)["workspace"]["id"], id);
    let mut menu = world.astro("workspace switch").start_on_terminal();
    menu.answer("Which one?", "3");
    menu.finish().ok();
    assert_eq!(world.context(CLOUD)["workspace"]["id"], list[2]["id"]);
}

#[test]
fn an_empty_answer_to_the_menu_leaves_the_workspace_as_it_is() {
    let world = World::new().with_token("grace");
    world.astro("workspace switch flow-matic").run().ok();
    let mut menu = world.astro("workspace switch").start_on_terminal();
    menu.answer("empty for FLOW-MATIC): ", "");
    menu.finish().ok();
    assert_eq!(world.context(CLOUD)["workspace"]["name"], "FLOW-MATIC");
}

#[test]
fn astro_workspace_switch_to_nothing_known_says_how_to_see_them() {
    let world = World::new().with_token("grace");
    let output = world.astro("workspace switch nowhere").run();
    assert!(output.failed(2).contains("astro workspace list"), "{output:?}");
    let output = world.astro("workspace switch").run();
    assert!(output.failed(2).contains("Which workspace?"), "{output:?}");
}

#[test]
fn a_login_with_several_workspaces_and_nobody_to_choose_chooses_none() {
    let world = World::new().with_token("grace");
    assert!(world.context(CLOUD).get("workspace").is_none());
    let world = World::new().with_password("grace@example.com", "nanosecond");
    assert!(world.context(SOFTWARE).get("workspace").is_none());
    world.astro("workspace switch").args(["1"]).run().failed(2);
    let list = world.astro("workspace list --json").run().json();
    let name = list[1]["name"].as_str().unwrap();
    world.astro("workspace switch").args([name]).run().ok();
    assert_eq!(world.context(SOFTWARE)["workspace"]["name"], name);
}

#[test]
fn where_there_is_no_workspace_it_says_whom_to_ask() {
    let world = World::new().with_token("edsger");
    let output = world.astro("workspace list").run();
    output.ok();
    assert!(output.stderr.contains("Ask who administers it"), "{output:?}");
    world.astro("workspace switch").run().failed(2);
}

#[test]
fn a_login_does_not_take_over_the_workspace_of_the_user_before() {
    let user = |id: &str| {
        json!({
            "id": id, "fullName": id, "username": format!("{id}@example.com"), "password": "secret-1",
            "status": "active",
            "workspaces": [{"id": "ws-1", "label": "First"}, {"id": "ws-2", "label": "Second"}],
        })
    };
    let users = json!({"houston_users": {"ada": user("ada"), "grace": user("grace")}});
    let world = World::with(&users).with_password("ada@example.com", "secret-1");
    world.astro("workspace switch Second").run().ok();
    let world = world.with_password("ada@example.com", "secret-1");
    assert_eq!(world.context(SOFTWARE)["workspace"]["id"], "ws-2", "the last one used");
    let world = world.with_password("grace@example.com", "secret-1");
    assert!(world.context(SOFTWARE).get("workspace").is_none());
}
