//! The README's tables say what the program does.

use dualstack::{
    check::{REGISTRY, UPSTREAM},
    exit::Exit,
};

const README: &str = include_str!("../README.md");

#[test]
fn the_readme_lists_every_check_in_the_registrys_order() {
    let listed: Vec<&str> =
        README.lines().filter(|line| line.contains("::") && line.starts_with("| `")).collect();
    let known: Vec<String> = REGISTRY
        .iter()
        .map(|check| format!("| `{}` | {} |", check.id(), check.summary()))
        .collect();
    assert_eq!(listed, known);
}

#[test]
fn the_readme_lists_every_exit_code() {
    for exit in Exit::ALL {
        let row = format!("| {} | {} |", exit.code(), exit.meaning());
        assert!(README.lines().any(|line| line == row), "{row}");
    }
}

#[test]
fn the_readme_lists_upstreams_tests_and_what_covers_each() {
    let listed: Vec<&str> = README.lines().filter(|line| line.starts_with("| should ")).collect();
    let known: Vec<String> = UPSTREAM
        .iter()
        .map(|test| {
            let checks: Vec<String> = test.checks.iter().map(|id| format!("`{id}`")).collect();
            format!(
                "| {} | {} | {} |",
                test.name,
                checks.join(", "),
                test.missing.unwrap_or_default()
            )
        })
        .collect();
    assert_eq!(listed, known);
}
