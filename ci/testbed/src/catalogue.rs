//! The tables of everything that can be brought up: what it is, what a right tool must report, and
//! where it can't run. They stand in this crate's README, and a test keeps them there.

use std::fmt::Write as _;

use clap::ValueEnum as _;

use crate::{
    fault::{Fault, failures},
    shape::{ADDRESS_CHECKS, NETWORKS, SHAPES, Shape, VERSIONS},
    spec::{Cni, Family},
};

/// A table of everything of one kind.
#[derive(Clone, Debug)]
pub struct Section {
    /// Of what: `shapes`, `versions`, `networks` or `faults`.
    pub name: &'static str,
    /// The table, as Markdown.
    pub table: String,
}

/// All tables.
pub fn sections() -> [Section; 4] {
    [
        Section { name: "shapes", table: table("shape", SHAPES) },
        Section { name: "versions", table: table("version", VERSIONS) },
        Section { name: "networks", table: table("network", NETWORKS) },
        Section { name: "faults", table: faults() },
    ]
}

fn faults() -> String {
    let mut text =
        "| fault | what it does | what fails meanwhile | can't run on |\n|---|---|---|---|\n"
            .to_owned();
    for (name, about) in Fault::kinds() {
        let families = [Some(Family::V6), None];
        let examples = families.into_iter().flat_map(|family| {
            Cni::value_variants().iter().flat_map(move |cni| Fault::examples_on(*cni, family))
        });
        let fails = examples.filter(|fault| fault.name() == name).map(|fault| failures(&fault));
        let fails = fails.collect::<Vec<_>>().join("; ");
        // Writing to a String can't fail.
        let _ = writeln!(text, "| `{name}` | {} | {fails} | {} |", about.does, about.limits);
    }
    text
}

fn table(first: &str, shapes: &[Shape]) -> String {
    let mut text = format!(
        "| {first} | what it is | flags of `up` | what a right tool must report | can't run on |\n\
         |---|---|---|---|---|\n"
    );
    for shape in shapes {
        let flags = match shape.flags() {
            empty if empty.is_empty() => "none".to_owned(),
            flags => format!("`{flags}`"),
        };
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {flags} | {} | {} |",
            shape.name,
            shape.what,
            report(shape),
            shape.cannot_run
        );
    }
    text
}

/// What a right tool must report of a shape, as one sentence's fragments.
fn report(shape: &Shape) -> String {
    let quoted = |name: &str| format!("`{name}`");
    let mut parts = Vec::new();
    let passes: Vec<String> = shape.passes().into_iter().map(quoted).collect();
    if !passes.is_empty() {
        parts.push(format!("{} {}", list(&passes), verb(&passes, "passes", "pass")));
    }
    // Suites that fail at the same places are named together.
    let mut fails: Vec<(Vec<String>, Vec<&str>)> = Vec::new();
    for failure in shape.fails() {
        match fails.iter_mut().find(|(_, checks)| *checks == failure.checks) {
            Some((suites, _)) => suites.push(quoted(failure.suite)),
            None => fails.push((vec![quoted(failure.suite)], failure.checks)),
        }
    }
    for (suites, checks) in fails {
        let places = if checks == ADDRESS_CHECKS {
            "all four".to_owned()
        } else {
            list(&checks.into_iter().map(quoted).collect::<Vec<_>>())
        };
        parts.push(format!("{} {} at {places}", list(&suites), verb(&suites, "fails", "fail")));
    }
    if !shape.besides.is_empty() {
        parts.push(shape.besides.to_owned());
    }
    parts.join("; ")
}

fn verb<'a>(subjects: &[String], one: &'a str, several: &'a str) -> &'a str {
    if subjects.len() == 1 { one } else { several }
}

/// `a`, `a and b`, `a, b and c`.
fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}
