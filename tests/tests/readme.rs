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

/// The commands of the table of the three systems: what stands first in each row.
fn rows() -> Vec<String> {
    let (_, table) = README.split_once("| command | does |\n|---|---|\n").expect("the table");
    let rows = table.lines().take_while(|line| line.starts_with("| `"));
    rows.map(|row| row.split('`').nth(1).expect("a command").to_owned()).collect()
}

/// `astro login -l` as a test's name begins: `astro_login_l_`.
fn name_of(command: &str) -> String {
    let letters = command.to_lowercase();
    let words = letters.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.flat_map(|word| [word, "_"]).collect()
}

#[test]
fn every_row_of_the_table_of_systems_is_run_by_a_test_named_after_it() {
    let mut tests = Vec::new();
    for folder in ["cli", "astro"] {
        let folder = format!("{}/tests/{folder}", env!("CARGO_MANIFEST_DIR"));
        for file in std::fs::read_dir(folder).expect("the tests").flatten() {
            let source = std::fs::read_to_string(file.path()).expect("a source");
            let after = source.split("#[test]\nfn ").skip(1);
            tests.extend(after.map(|test| test.split('(').next().unwrap_or_default().to_owned()));
        }
    }
    let rows = rows();
    assert!(rows.len() > 20, "the table was not found");
    for row in rows {
        let name = name_of(&row);
        // The name of a shorter row begins a longer one's too, as `ast login` does `ast login -l`.
        assert!(tests.iter().any(|test| test.starts_with(&name)), "no test is named {name}…");
    }
}
