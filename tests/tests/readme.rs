//! What the README shows is run: its commands here, its Rust as a doc test of this crate.
#![cfg(test)]
#![cfg(unix)]

use astropass_tests::ast::Home;
use astropass_tests::server::{Approval, Options, Server};

const README: &str = include_str!("../../README.md");

/// The lines after `$ ` in the README's console block, as words.
fn commands() -> Vec<Vec<String>> {
    let block = README.split("```console\n").nth(1).expect("a console block");
    let block = block.split("```").next().expect("its end");
    block.lines().map(|line| words(line.strip_prefix("$ ").expect("a command"))).collect()
}

/// Splits as a shell does, as far as the README needs it: spaces, and quotes around a word.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in line.chars() {
        match quote {
            None if c == ' ' => words.push(String::new()),
            None if matches!(c, '\'' | '"') => quote = Some(c),
            Some(end) if c == end => quote = None,
            _ => words.last_mut().expect("a word").push(c),
        }
    }
    words
}

#[test]
fn every_command_of_the_readme_succeeds_in_its_order() {
    let options = Options { auto_approve: Some(Approval::default()), ..Options::default() };
    let interval = Some(std::time::Duration::ZERO);
    let server = Server::start(Options { interval, ..options }).expect("a server");
    let home = Home::new();
    let commands = commands();
    assert!(commands.len() > 10, "the README's commands were not found");
    for command in commands {
        let (program, arguments) = command.split_first().expect("a program");
        assert_eq!(program, "ast");
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        if arguments.contains(&"login") {
            // The reader's provider is WorkOS itself.
            arguments.extend(["--workos-url", server.url()]);
        }
        let ast = home.ast("").args(arguments.iter().copied());
        let ast = ast.env("ASTRO_SERVER", server.url()).env("ASTRO_CLIENT_ID", "client_test");
        let ast = if arguments == ["token"] { ast.printing_a_token() } else { ast };
        let output = ast.run();
        let _printed = output.ok();
    }
}

#[test]
fn the_readme_shows_the_example_that_is_run() {
    let example = include_str!("../../examples/api-caller/src/main.rs");
    let (_title, program) = example.split_once("\n\n").expect("a program after its title");
    assert!(README.contains(&format!("```rust,no_run\n{program}```")), "the README shows another");
}
