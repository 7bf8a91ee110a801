//! Plans as text.

use std::fmt::Write as _;

use crate::lint::{
    render::{clean, wrap},
    report::Report,
};

use super::steps::{Action, Change, How, Plan, Step};

/// All plans of a report; a sentence where it has none.
pub(in crate::lint) fn render(report: &Report, width: usize) -> String {
    let width = width.clamp(40, 100);
    if report.plans.is_empty() {
        return "no document says which families the cluster has\n".to_owned();
    }
    let plans: Vec<String> = report.plans.iter().map(|plan| one(report, plan, width)).collect();
    plans.join("\n")
}

fn one(report: &Report, plan: &Plan, width: usize) -> String {
    let mut out = String::new();
    paragraph(&mut out, "", &plan.cluster, width);
    if plan.is_reached() {
        paragraph(
            &mut out,
            "",
            "The cluster is already dual-stack, as far as the documents show.",
            width,
        );
        return out;
    }
    if let Some((why, page)) = &plan.rebuild {
        out.push('\n');
        paragraph(&mut out, "", why, width);
        let _ = writeln!(out, "  see {page}");
    }
    if !plan.fixed.is_empty() {
        let _ = writeln!(out, "\nWhat can't be changed in place");
        plan.fixed.iter().for_each(|text| paragraph(&mut out, "  - ", text, width));
    }
    if !plan.changes.is_empty() {
        let _ = writeln!(out, "\nIn the files, for a cluster that is still to be built");
        for change in &plan.changes {
            let source = report.sources.get(change.at.source);
            let line = source.position(change.at.start).line;
            let _ = writeln!(out, "  {}:{line}: {}", clean(&source.name), words(change));
            if change.how == How::Document {
                lines(&mut out, "    ", change.new.lines());
            }
        }
    }
    if !plan.steps.is_empty() {
        let heading = match plan.rebuild {
            Some(_) => "Steps",
            None => "Steps for a cluster that runs already, in this order",
        };
        let _ = writeln!(out, "\n{heading}");
    }
    for (number, step) in plan.steps.iter().enumerate() {
        let Step { title, text, actions } = step;
        paragraph(&mut out, &format!("{:>3}. ", number + 1), title, width);
        paragraph(&mut out, "     ", text, width);
        for action in actions {
            match action {
                Action::Run(command) => {
                    let _ = writeln!(out, "     $ {}", clean(command));
                }
                Action::Write { place, lines: text } => {
                    let _ = writeln!(out, "     in {}:", clean(place));
                    lines(&mut out, "         ", text.iter().map(String::as_str));
                }
            }
        }
    }
    let _ = writeln!(out, "\nSources");
    plan.sources.iter().for_each(|source| {
        let _ = writeln!(out, "  {source}");
    });
    out
}

/// What a file is to say.
fn words(change: &Change) -> String {
    let Change { how, field, new, .. } = change;
    match how {
        How::Value => format!("{field}: {}", clean(new)),
        How::Name => format!("{field} becomes {}", clean(new)),
        How::Add => format!("add {field}: {}", clean(new)),
        How::Document => format!("add {field}"),
    }
}

/// Lines as they are to stand in a file.
fn lines<'t>(out: &mut String, indent: &str, all: impl Iterator<Item = &'t str>) {
    for line in all {
        let _ = writeln!(out, "{indent}{}", clean(line));
    }
}

/// A text in lines, the first of which begins with a mark and the others below it.
fn paragraph(out: &mut String, mark: &str, text: &str, width: usize) {
    let text = clean(text);
    for (number, line) in wrap(&text, width.saturating_sub(mark.len())).into_iter().enumerate() {
        let blank = " ".repeat(mark.len());
        let _ = writeln!(out, "{}{line}", if number == 0 { mark } else { &blank });
    }
}
