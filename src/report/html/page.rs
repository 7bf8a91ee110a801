//! The page as a whole.

use std::collections::HashMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    data::Data,
    facts, findings, grid, overview, times,
    words::{rich, shown},
};
use crate::{
    check::Status,
    exit::Exit,
    facts::Fact,
    record::Record,
    report::{
        digest::{Digest, word},
        safe, text,
    },
};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// No other place is asked for anything, whatever the record holds.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      base-uri 'none'; form-action 'none'";

/// The page of a run.
pub(super) fn of_record(record: &Record) -> Markup {
    let digest = Digest::new(record);
    let exit = record.exit();
    let sentence = safe::line(&text::sentence(record));
    let mut data = Data::default();
    let nodes = node_places(record);
    let sections = digest.checks.iter().map(|checked| {
        (grid::has_paths(checked), grid::render(&digest, checked, &nodes, &mut data))
    });
    // What takes the whole width first, and what is narrow side by side.
    let (maps, lists): (Vec<_>, Vec<_>) = sections.partition(|(has_paths, _)| *has_paths);
    let body = html! {
        (header(exit, &sentence, Some(record)))
        main {
            @if let Some(broken_off) = &record.broken_off {
                p.stopped { strong { "Run stopped early: " } (rich(&broken_off.error)) }
            }
            div.top {
                div { (findings::render(&digest)) }
                @if !digest.checks.is_empty() { (overview::render(&digest)) }
            }
            @if !digest.checks.is_empty() {
                section aria-labelledby="maps" {
                    h2 id="maps" { "Heat maps" }
                    (legend())
                    noscript { p.note { "Cells show their attempts only if scripts are enabled; every failure \
                         is shown in full above." } }
                    @for (_, section) in &maps { (section) }
                    div.cards { @for (_, section) in &lists { (section) } }
                }
            }
            (findings::rest(&digest))
            (times::render(&digest))
            (facts::render(record))
        }
        dialog id="case" aria-labelledby="case-title" {
            form method="dialog" { h2 id="case-title" {} button.close type="submit" aria-label="Close" { "✕" } }
            div id="case-body" {}
        }
        script type="application/json" id="data" { (data.script()) }
        script { (PreEscaped(SCRIPT)) }
    };
    document(&format!("{}: {sentence}", word(exit)), &body)
}

/// The page of a run that broke off before it began.
pub(super) fn of_nothing(error: &str) -> Markup {
    let body = html! {
        (header(Exit::Cluster, "nothing was tested", None))
        main { p.stopped { strong { "Run stopped early: " } (rich(error)) } }
    };
    document("Not run", &body)
}

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("dualstack ", env!("CARGO_PKG_VERSION")));
                title { "dualstack: " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    }
}

fn header(exit: Exit, sentence: &str, record: Option<&Record>) -> Markup {
    let class = match exit {
        Exit::Passed => "pass",
        Exit::Inconclusive | Exit::Interrupted => "open",
        Exit::Failed | Exit::Usage | Exit::Cluster | Exit::NothingSelected => "fail",
    };
    html! {
        header class=(class) {
            p.product { "dualstack" @if let Some(record) = record {
                " · " (safe::line(record.started.server.context.as_deref().unwrap_or(&record.started.server.url)))
                " · Kubernetes " (safe::line(&record.started.server.version))
            } }
            h1 { (word(exit)) }
            p { (sentence) }
        }
    }
}

fn legend() -> Markup {
    let statuses = [Status::Pass, Status::Fail, Status::Inconclusive, Status::Skip];
    html! {
        ul.legend aria-label="What the marks mean" {
            @for (word, mark, class) in statuses.map(shown) { li { span class=(class) { (mark) } " " (word) } }
            li { span.again { "↻" } " passed on retry" }
            li { span.none {} " nothing tried" }
        }
        p.note { "Each cell opens its attempts, the evidence and the commands to reproduce it." }
    }
}

/// The nodes, each with its place in the cluster's list.
fn node_places(record: &Record) -> HashMap<&str, usize> {
    let Fact::Known { value, .. } = &record.facts.nodes else { return HashMap::new() };
    value.iter().enumerate().map(|(place, node)| (node.name.as_str(), place)).collect()
}
