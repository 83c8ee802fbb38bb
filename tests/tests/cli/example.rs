//! The Rust example, as the user who signed in with `ast`.

use serde_json::Value;

use super::World;

#[test]
fn the_example_calls_the_api_as_who_signed_in_with_ast() {
    let world = World::signed_in();
    let output = world.home.program("api-caller").run();
    let accounts: Value = output.ok().parse().unwrap();
    assert_eq!(accounts["accounts"][2]["name"], "Navy Computing");

    world.home.age("default", 301);
    let output = world.home.program("api-caller").args(["/api/v1/projects"]).run();
    assert!(output.ok().contains("Bernoulli numbers"), "{output}");
    assert_eq!(world.refreshes(), 1);
    // What the one refreshed, the other uses.
    world.ast("whoami").run().ok();
    assert_eq!(world.refreshes(), 1);

    world.ast("logout").run().ok();
    let output = world.home.program("api-caller").run();
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""));
    assert_eq!(output.stderr, "not signed in\n");
}
