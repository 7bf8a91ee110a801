//! `dualstack explain`: what a check promises or a rule of lint finds, why, and where that is written.
//! Needs no cluster.

use clap::Args;

use super::{failure::Failure, list::needs};
use crate::{
    check::{self, DynCheck, Stage},
    exit::Exit,
    lint,
    report::{
        streams::Stream,
        text::{Layout, Prose},
    },
    suite::Suite,
    suites::{EMBEDDED, SuiteError, UnknownCheck},
};

/// Explain a check or a lint rule: what it tests, why it matters, its sources, and the permissions it needs
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The check, as `list` names it, or the rule, as `lint --rules` does
    #[arg(value_name = "CHECK", required = true)]
    checks: Vec<String>,
}

pub(super) fn explain(arguments: &ExplainArgs, out: &mut Stream) -> Result<Exit, Failure> {
    let mut texts = Vec::new();
    for name in &arguments.checks {
        if let Some(rule) = lint::explain(name, out.width()) {
            texts.push(rule);
            continue;
        }
        let check = check::by_id(name)
            .ok_or_else(|| SuiteError::UnknownCheck(UnknownCheck(name.clone())))?;
        texts.push(text(check, out.width())?);
    }
    out.print(&texts.join("\n"))?;
    Ok(Exit::Passed)
}

fn text(check: &'static dyn DynCheck, width: usize) -> Result<String, SuiteError> {
    let mut prose = Prose::new(Layout { width, ..Layout::default() });
    let mut suites = Vec::new();
    for (name, _) in EMBEDDED {
        if Suite::load(name)?.names(check.id()) {
            suites.push(name);
        }
    }
    prose
        .heading(check.id())
        .labelled("Promise", &[sentence(check.promise().summary)])
        .labelled("Why", &[sentence(check.promise().why)])
        .labelled("Source", &[check.promise().source])
        .labelled("Upstream", &covered(check))
        .labelled("Judged", &[judged(check)])
        .labelled("Needs", &needs(check))
        .labelled("Suites", &[suites.join(", ")]);
    Ok(prose.into_text())
}

/// Kubernetes' own end-to-end tests that assert the same, or a part of it.
fn covered(check: &dyn DynCheck) -> Vec<String> {
    check::upstream(check)
        .map(|test| match test.missing {
            None => format!("\"{}\"", test.name),
            Some(missing) => format!("\"{}\", but for {missing}", test.name),
        })
        .collect()
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

fn judged(check: &dyn DynCheck) -> String {
    let families =
        if check.promise().per_family { "for each family" } else { "for both families at once" };
    let when = match check.promise().stage {
        Stage::Facts => "from the cluster's own objects; nothing is created for it",
        Stage::Applied => "from the Services of the fixture, as soon as they are applied",
        Stage::Ready => "from the pods of the fixture, as soon as they are ready",
        Stage::Served => "from the EndpointSlices of the fixture's pods",
        Stage::Probed => "from connections that the run opens",
    };
    format!("{families}, {when}")
}
