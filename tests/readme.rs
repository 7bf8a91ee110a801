//! The tables of the README, and what RESULTS.md says of checks, are what the program says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{env, fs, sync::Mutex};

use dualstack::{
    check::{REGISTRY, UPSTREAM, asserting},
    exit::Exit,
};

/// One test writes at a time.
static WRITING: Mutex<()> = Mutex::new(());

/// Holds what stands in a file between a line and the next empty one, or writes it with
/// `DUALSTACK_WRITE_DOCS`.
fn assert_held(file: &str, after: &str, current: &str) {
    let _turn = WRITING.lock();
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap();
    let start = text.find(after).unwrap() + after.len();
    let end = text[start..].find("\n\n").map_or(text.len(), |at| start + at + 1);
    if env::var_os("DUALSTACK_WRITE_DOCS").is_some() {
        let text = [&text[..start], current, &text[end..]].concat();
        return fs::write(&path, text).unwrap();
    }
    assert_eq!(&text[start..end], current, "run this test with DUALSTACK_WRITE_DOCS=1 to write it");
}

#[test]
fn the_readme_lists_every_check_in_the_registrys_order() {
    let row = |id: &str, summary: &str| format!("| `{id}` | {summary} |\n");
    let rows: String =
        REGISTRY.iter().map(|check| row(check.id(), check.promise().summary)).collect();
    assert_held("README.md", "| check | what is true when it passes |\n|---|---|\n", &rows);
}

#[test]
fn the_readme_lists_every_exit_code() {
    let row = |exit: &Exit| format!("| {} | {} |\n", exit.code(), exit.meaning());
    let rows: String = Exit::ALL.iter().map(row).collect();
    assert_held("README.md", "| code | meaning |\n|---|---|\n", &rows);
}

#[test]
fn the_readme_lists_upstreams_tests_and_what_asserts_each() {
    let rows = UPSTREAM.iter().map(|test| {
        let checks: Vec<String> = asserting(test).iter().map(|id| format!("`{id}`")).collect();
        let missing = test.missing.unwrap_or_default();
        format!("| {} | {} | {missing} |\n", test.name, checks.join(", "))
    });
    let head = "| upstream's test | checks | not checked yet |\n|---|---|---|\n";
    assert_held("README.md", head, &rows.collect::<String>());
}

/// Every failure that people told of is in the table, once, with what sees it, and what is named there
/// exists.
#[cfg(target_os = "linux")]
#[test]
fn the_table_of_failure_modes_names_only_what_there_is() {
    let directory = env!("CARGO_MANIFEST_DIR");
    let table = fs::read_to_string(format!("{directory}/docs/failure-modes.md")).unwrap();
    let rules = fs::read_to_string(format!("{directory}/docs/lint-rules.md")).unwrap();
    let causes: Vec<&str> = dualstack::cause::REGISTRY.iter().map(|rule| rule.id()).collect();
    let checks: Vec<&str> = REGISTRY.iter().map(|check| check.id()).collect();
    let faults: Vec<String> =
        testbed::fault::Fault::kinds().into_iter().map(|(name, _)| name).collect();
    let mut numbers = Vec::new();
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [number, failure, told, seen, tried] = cells[..] else { panic!("{row}") };
        numbers.push(number.parse::<u32>().unwrap());
        assert!(!failure.is_empty() && !told.is_empty(), "{row}");
        let quoted = |text: &str| -> Vec<String> {
            text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        };
        for name in quoted(seen) {
            let known = causes.contains(&name.as_str()) || checks.contains(&name.as_str());
            assert!(known || !name.contains('_') || name.contains("--"), "{name}: {row}");
        }
        for rule in seen.split(|c: char| !c.is_ascii_alphanumeric()) {
            if rule.starts_with("DS") {
                assert!(rules.contains(&format!("| {rule} ")), "{rule}: {row}");
            }
        }
        for fault in quoted(tried) {
            assert!(faults.contains(&fault), "{fault}: {row}");
        }
        // What is not seen has a reason, and what is seen was tried.
        assert_eq!(tried.is_empty(), seen.starts_with('—'), "{row}");
        assert!(seen.chars().count() > 4, "{row}");
    }
    assert_eq!(numbers, (1..=77).collect::<Vec<_>>());
}

/// No fault of the testbed must turn them red, which nothing but this says.
#[cfg(target_os = "linux")]
#[test]
fn the_results_name_the_checks_that_stand_for_no_path() {
    let untold = matrix::truth::untold() + "\n";
    assert_held("ci/matrix/RESULTS.md", "are what they are seen to fail on.\n\n", &untold);
}
