//! One rule at length, and all in a list.

use std::fmt::Write as _;

use crate::lint::{
    model::Versions,
    rules::{self, Area, RULES},
};

use super::{text::enforced, wrap::wrap};

/// All that is known of a rule, by its code or name; nothing if it is unknown.
pub fn explain(code: &str, width: usize) -> Option<String> {
    let rule = rules::by_code(code)?;
    let mut out = String::new();
    let mut paragraph = |title: &str, text: &str| {
        if !title.is_empty() {
            let _ = writeln!(out, "\n{title}");
        }
        for line in wrap(text, width.saturating_sub(2)) {
            let _ = writeln!(out, "  {line}");
        }
    };
    paragraph("", &format!("{} {} ({})", rule.code, rule.name, rule.level.as_str()));
    paragraph("What", rule.summary);
    paragraph("Why", rule.why);
    paragraph("Fix", rule.fix);
    paragraph("Enforced by", &enforced(rule.enforced_by));
    paragraph("Kubernetes versions", &rule.versions.to_string());
    for (title, examples) in
        [("Example with this finding", rule.bad), ("Example without", rule.good)]
    {
        for example in examples.iter().take(1) {
            let _ = writeln!(out, "\n{title}");
            for line in example.text.lines() {
                let shown: String =
                    line.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
                let _ = writeln!(out, "{}", format!("    {shown}").trim_end());
            }
            if let Some(live) = example.live {
                let _ = writeln!(out, "  with a live cluster of");
                for line in live.lines() {
                    let _ = writeln!(out, "{}", format!("    {line}").trim_end());
                }
            }
        }
    }
    let _ = writeln!(out, "\nSee");
    for source in rule.sources {
        let _ = writeln!(out, "  {source}");
    }
    Some(out)
}

/// Every rule in a line or two, by area.
pub(crate) fn list(width: usize) -> String {
    let mut out = String::new();
    let mut area: Option<Area> = None;
    for rule in RULES {
        if area != Some(rule.area) {
            let gap = if area.is_some() { "\n" } else { "" };
            let _ = writeln!(out, "{gap}{}", rule.area.title());
            area = Some(rule.area);
        }
        let head = format!("  {}  {:<7}  ", rule.code, rule.level.as_str());
        let summary = match rule.versions {
            Versions::ALL => rule.summary.to_owned(),
            versions => format!("{} (Kubernetes {versions})", rule.summary),
        };
        let mut lines = wrap(&summary, width.saturating_sub(head.len())).into_iter();
        let _ = writeln!(out, "{head}{}", lines.next().unwrap_or_default());
        for line in lines {
            let _ = writeln!(out, "{:indent$}{line}", "", indent = head.len());
        }
    }
    out
}
