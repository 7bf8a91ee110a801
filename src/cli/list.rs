//! `dualstack list`: what is tested. Needs no cluster.

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use crate::{
    check::{DynCheck, Stage, UPSTREAM, asserting},
    exit::Exit,
    facts::TargetName,
    fixture::FixtureOptions,
    report::{
        streams::Stream,
        text::{Layout, Prose},
    },
    run,
    suite::Suite,
    suites::EMBEDDED,
};

/// List the checks and the suites
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// List only the checks of this suite: a built-in one, or a file
    #[arg(long, value_name = "NAME|FILE")]
    suite: Option<String>,
    /// List Kubernetes' own end-to-end tests of dual-stack, and the checks that assert the same
    #[arg(long, conflicts_with = "suite")]
    upstream: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listing {
    checks: Vec<ListedCheck>,
    suites: Vec<ListedSuite>,
    upstream: Vec<ListedTest>,
}

#[derive(Serialize)]
struct ListedTest {
    name: &'static str,
    checks: Vec<&'static str>,
    missing: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct ListedCheck {
    id: &'static str,
    area: &'static str,
    summary: &'static str,
    why: &'static str,
    source: &'static str,
    per_family: bool,
    stage: Stage,
    needs: Vec<String>,
}

#[derive(Serialize)]
struct ListedSuite {
    name: String,
    description: String,
    families: Vec<&'static str>,
    checks: Vec<&'static str>,
}

pub(super) fn list(arguments: &ListArgs, out: &mut Stream) -> Result<Exit, Failure> {
    let suites = match &arguments.suite {
        Some(name) => vec![Suite::load(name)?],
        None => EMBEDDED.iter().map(|(name, _)| Suite::load(name)).collect::<Result<_, _>>()?,
    };
    let checks: Vec<_> = match (&arguments.suite, suites.first()) {
        (Some(_), Some(suite)) => suite.checks(),
        _ => crate::check::REGISTRY.to_vec(),
    };
    let text = match (arguments.json, arguments.upstream) {
        (true, _) => json(&checks, &suites),
        (false, true) => upstream(out.width()),
        (false, false) => text(&checks, &suites, out.width()),
    };
    out.print(&text)?;
    Ok(Exit::Passed)
}

/// The part of an id before `::`.
fn area(check: &dyn DynCheck) -> &'static str {
    check.id().split("::").next().unwrap_or_default()
}

/// The permissions that a run of a check asks for: its own, and those for the workload that it
/// tests, as `kubectl auth can-i` takes them.
pub(super) fn needs(check: &'static dyn DynCheck) -> Vec<String> {
    // Of the newest version that differs.
    let target = TargetName { namespace: "NAMESPACE".to_owned(), name: "NAME".to_owned() };
    let permissions = run::permissions(&[check], &FixtureOptions::default(), &[target], "v1.35");
    let needs = permissions.iter();
    needs
        .map(|permission| {
            if permission.optional {
                format!("{permission} (optional)")
            } else {
                permission.to_string()
            }
        })
        .collect()
}

/// Every permission that these checks need, and which of them need it.
fn permissions(checks: &[&'static dyn DynCheck]) -> Vec<(String, String)> {
    let mut by: Vec<(String, Vec<&'static str>)> = Vec::new();
    for check in checks {
        for permission in needs(*check) {
            match by.iter_mut().find(|(known, _)| *known == permission) {
                Some((_, of)) => of.push(check.id()),
                None => by.push((permission, vec![check.id()])),
            }
        }
    }
    let has_workload = |check: &&&'static dyn DynCheck| check.promise().stage > Stage::Facts;
    let with_workload: Vec<_> = checks.iter().filter(has_workload).map(|it| it.id()).collect();
    let who = |of: Vec<&'static str>| match of {
        all if all.len() == checks.len() => "every check".to_owned(),
        all if all == with_workload => "every check that needs the workload".to_owned(),
        some => some.join(", "),
    };
    by.into_iter().map(|(permission, of)| (permission, who(of))).collect()
}

fn text(checks: &[&'static dyn DynCheck], suites: &[Suite], width: usize) -> String {
    let mut prose = Prose::new(Layout { width, ..Layout::default() });
    let column = checks.iter().map(|check| check.id().len()).max().unwrap_or_default();
    for checks in checks.chunk_by(|a, b| area(*a) == area(*b)) {
        let Some(first) = checks.first() else { continue };
        prose.heading(area(*first));
        for check in checks {
            prose.entry(check.id(), column, check.promise().summary);
        }
        prose.line("");
    }
    prose.heading("permissions, as `kubectl auth can-i` takes them");
    for (permission, checks) in permissions(checks) {
        prose.paragraph(&permission).points([checks]);
    }
    prose.line("");
    prose.heading("suites, for --suite");
    let column = suites.iter().map(|suite| suite.name.len()).max().unwrap_or_default();
    for suite in suites {
        prose.entry(&suite.name, column, &suite.description);
    }
    prose.into_text()
}

fn upstream(width: usize) -> String {
    let mut prose = Prose::new(Layout { width, ..Layout::default() });
    prose.heading("[Feature:IPv6DualStack], test/e2e/network/dual_stack.go");
    for test in UPSTREAM {
        let mut words = asserting(test).join(", ");
        if let Some(missing) = test.missing {
            let gap = if words.is_empty() { "" } else { "; " };
            words.push_str(&format!("{gap}not checked: {missing}"));
        }
        prose.paragraph(test.name).points([words]);
    }
    prose.into_text()
}

fn json(checks: &[&'static dyn DynCheck], suites: &[Suite]) -> String {
    let listing = Listing {
        checks: checks
            .iter()
            .map(|check| ListedCheck {
                id: check.id(),
                area: area(*check),
                summary: check.promise().summary,
                why: check.promise().why,
                source: check.promise().source,
                per_family: check.promise().per_family,
                stage: check.promise().stage,
                needs: needs(*check),
            })
            .collect(),
        suites: suites
            .iter()
            .map(|suite| ListedSuite {
                name: suite.name.clone(),
                description: suite.description.clone(),
                families: suite.families.iter().map(|family| family.as_str()).collect(),
                checks: suite.checks().iter().map(|check| check.id()).collect(),
            })
            .collect(),
        upstream: UPSTREAM
            .iter()
            .map(|test| ListedTest {
                name: test.name,
                checks: asserting(test),
                missing: test.missing,
            })
            .collect(),
    };
    // Strings, lists and booleans always make JSON; an error would only mean an empty answer.
    serde_json::to_string_pretty(&listing).map(|text| text + "\n").unwrap_or_default()
}
