//! `dualstack plan`: what a run would do.

use std::fmt::Write;

use clap::{Args, ValueEnum};

use super::{
    failure::Failure,
    options::{Console, runtime},
    what::WhatArgs,
};
use crate::{
    exit::Exit,
    fixture::{self, SelectedNode},
    report::{
        streams::{Stream, Streams},
        text::{Layout, Prose},
    },
    run::{self, Options, Plan},
};

/// Show what a run would do, without doing it
///
/// Reads the cluster as `run` does, and prints which nodes would take part, what would be created, how many
/// probes would be made, and how long that takes. Takes the options of `run`. Creates nothing; pods and Services are
/// assumed to get addresses from the cluster's ranges.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    what: WhatArgs,
    /// What to print
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value = "table")]
    output: Output,
}

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

pub(super) fn plan(arguments: PlanArgs, console: &Console) -> Result<Exit, Failure> {
    let PlanArgs { what, output } = arguments;
    print(&what.options(None)?, output == Output::Json, console)
}

/// Prints the plan of a run with these options.
pub(super) fn print(options: &Options, json: bool, console: &Console) -> Result<Exit, Failure> {
    let plan = runtime()?.block_on(run::plan(options))?;
    let mut out: Stream = Streams::standard(console.colour()).out;
    if json {
        let text = serde_json::to_string_pretty(&plan)
            .map_err(|error| Failure::usage(format!("cannot write the plan as JSON: {error}")))?;
        out.print(&format!("{text}\n"))?;
    } else {
        let layout = Layout { width: out.width(), detail: console.detail() };
        out.print(&text(&plan, layout))?;
    }
    Ok(Exit::Passed)
}

/// The plan for people.
fn text(plan: &Plan, layout: Layout) -> String {
    let mut prose = Prose::new(layout);
    if let Some(server) = &plan.server {
        let context = match &server.context {
            Some(context) => format!("context {context}"),
            None => "the cluster it runs in".to_owned(),
        };
        prose.paragraph(&format!("Plan for {context}, {} ({})", server.url, server.version));
    }
    let checks = number(plan.checks, "check");
    prose.paragraph(&format!("suite {}, {checks}; nothing has been created", plan.suite));
    let mut lines = String::new();
    let mut line = |name: &str, text: String| {
        // Writing to a String can't fail.
        let _ = writeln!(lines, "  {name:<10}{text}");
    };
    if !plan.nodes.is_empty() {
        let selected = plan.nodes.iter().filter(|node| node.excluded.is_none()).count();
        line("nodes", format!("{selected} of {} take part", plan.nodes.len()));
        for (reason, names) in left_out(&plan.nodes) {
            line("", format!("left out: {}: {reason}", fixture::few(names)));
        }
    }
    let objects: Vec<String> =
        plan.objects.iter().map(|(kind, count)| number(*count, kind)).collect();
    line("objects", if objects.is_empty() { "none".to_owned() } else { objects.join(", ") });
    line("cases", plan.cases.to_string());
    line(
        "probes",
        format!(
            "{}: by {}, {} over port-forwards, {} from the API server, {} from this machine",
            plan.probes,
            number(plan.execs, "exec"),
            plan.forwarded(),
            plan.proxied,
            plan.outside
        ),
    );
    let calls = plan.calls;
    line(
        "API calls",
        format!(
            "about {}: {} reads, {} permission reviews, {} creations, {} watches, {} execs and \
             port-forwards, {} to pods by its proxy, {} deletions",
            calls.total(),
            calls.reads,
            calls.reviews,
            calls.creates,
            calls.watches,
            calls.streams,
            calls.proxied,
            calls.deletes
        ),
    );
    line(
        "time",
        format!(
            "about {} s if all is well and nodes have the images; at most {} s (--timeout), and the \
             removal",
            plan.seconds, plan.limit_seconds
        ),
    );
    let mut text = format!("{}{lines}", prose.into_text());
    let mut notices = Prose::new(layout);
    for notice in plan.mesh.iter().chain(&plan.notices) {
        notices.paragraph(&format!("note: {notice}"));
    }
    text.push_str(&notices.into_text());
    text
}

fn number(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The nodes that take no part, by reason, in the order of the first of each.
fn left_out(nodes: &[SelectedNode]) -> Vec<(&str, Vec<&str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for node in nodes {
        let Some(excluded) = &node.excluded else { continue };
        match reasons.iter_mut().find(|(reason, _)| *reason == excluded.reason) {
            Some((_, names)) => names.push(&node.name),
            None => reasons.push((&excluded.reason, vec![&node.name])),
        }
    }
    reasons
}
