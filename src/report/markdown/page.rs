//! The page as a whole: how it ended, the causes, a table of checks and families, and why the rest
//! isn't known.

use super::write::{block, cell_code, code, prose};
use crate::{
    cause::Cause,
    check::{KindOfPath, Status},
    exit::Exit,
    probe::FamilyTimes,
    record::Record,
    report::{
        Tally,
        digest::{Digest, Unexplained, counted, family_name, word},
        reason::Reason,
        text,
    },
};

/// How many names, reasons or groups are listed.
const MOST: usize = 20;

/// The page of a run that broke off before it began.
pub(super) fn of_nothing(error: &str) -> String {
    format!("## ❌ dualstack: {}\n\n{}\n", word(Exit::Cluster), prose(error))
}

/// The page of a run.
pub(super) fn of_record(record: &Record) -> String {
    let digest = Digest::new(record);
    let exit = record.exit();
    let mark = match exit {
        Exit::Passed => "✅",
        Exit::Inconclusive | Exit::Interrupted => "⚠️",
        Exit::Failed | Exit::Usage | Exit::Cluster | Exit::NothingSelected => "❌",
    };
    let server = &record.started.server;
    let on = server.context.as_deref().unwrap_or(&server.url);
    let mut parts = vec![
        format!("## {mark} dualstack: {}\n\n{}\n", word(exit), prose(&text::sentence(record))),
        format!("Cluster {}, Kubernetes {}\n", code(on), code(&server.version)),
    ];
    if let Some(broken_off) = &record.broken_off {
        parts.push(format!("**Run stopped early:** {}\n", prose(&broken_off.error)));
    }
    parts.extend((1..).zip(&record.causes).map(|(number, cause)| self::cause(number, cause)));
    let unexplained = digest.unexplained();
    parts.extend(unexplained.iter().take(MOST).map(group));
    if unexplained.len() > MOST {
        parts.push(format!("And {} more kinds of failures.\n", unexplained.len() - MOST));
    }
    parts.push(table(&digest));
    parts.push(times(record));
    let reasons = |status| -> Vec<String> {
        Reason::all(record, status).iter().map(|reason| prose(&reason.sentence())).collect()
    };
    let said = |lines: &[String]| lines.iter().map(|line| prose(line)).collect::<Vec<_>>();
    for (title, lines) in [
        ("Left behind in the cluster", said(&record.left_behind)),
        ("Inconclusive", reasons(Status::Inconclusive)),
        ("Skipped: nothing to test", reasons(Status::Skip)),
        ("Baseline", said(&record.review().sentences())),
        ("Notices", said(&record.notices)),
    ] {
        if !lines.is_empty() {
            parts.push(folded(title, &lines));
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// A number of `1`, and more.
fn cause(number: u32, cause: &Cause) -> String {
    let sure = cause.confidence.aside();
    let mut text =
        format!("### Cause {number}{sure}: {}\n\n{}\n", prose(&cause.what), prose(&cause.why));
    text.push_str(&points("Evidence", &cause.evidence));
    text.push_str(&commands(&cause.reproduce));
    text.push_str(&points("Fix", &cause.fix));
    if !cause.explains.is_empty() {
        let names: Vec<String> = cause.explains.iter().map(|name| code(name)).collect();
        let title = format!("Explains {}", counted(cause.explains.len(), "failed case"));
        text.push_str(&format!("\n{}", folded(&title, &names)));
    }
    text
}

fn group(group: &Unexplained<'_>) -> String {
    let Some((first, failure)) = group.members.first() else { return String::new() };
    let mut text = if group.members.len() == 1 {
        format!("### {}\n\nObserved: {}\n", prose(&failure.what), prose(first.verdict.detail()))
    } else {
        let (count, check) = (group.members.len(), code(group.check));
        let what: Vec<String> =
            group.members.iter().map(|(_, failure)| prose(&failure.what)).collect();
        let title = format!("### {count} cases of {check} failed, {}", family_name(group.family));
        format!("{title}\n\n{}", listed(&what))
    };
    text.push_str(&commands(&failure.reproduce));
    text.push_str(&points("Fix", &failure.fix));
    text
}

fn table(digest: &Digest<'_>) -> String {
    if digest.checks.is_empty() {
        return String::new();
    }
    let titles: Vec<&str> = digest.families.iter().map(|family| family_name(*family)).collect();
    let mut text =
        format!("| check | {} |\n|---|{}\n", titles.join(" | "), "---|".repeat(titles.len()));
    for checked in &digest.checks {
        let cells = digest.families.iter().map(|family| cell(checked.tally(*family)));
        let cells: Vec<String> = cells.collect();
        text.push_str(&format!("| {} | {} |\n", cell_code(checked.id), cells.join(" | ")));
    }
    text
}

/// How long answers took in both families.
fn times(record: &Record) -> String {
    if record.parity.kinds.is_empty() {
        return String::new();
    }
    let mut text =
        "<details><summary>Answer times of both families</summary>\n\n| path | IPv4: first \
                    success | median | IPv6: first success | median |\n|---|---|---|---|---|\n"
            .to_owned();
    for KindOfPath { check, times: FamilyTimes { ipv4, ipv6, .. } } in &record.parity.kinds {
        let cells = [ipv4.first_ms, ipv4.median_ms, ipv6.first_ms, ipv6.median_ms];
        let cells = cells.map(|millis| format!("{millis} ms"));
        text.push_str(&format!("| {} | {} |\n", cell_code(check), cells.join(" | ")));
    }
    if let Some(preference) = &record.parity.preference {
        text.push_str(&format!("\n{}\n", prose(preference)));
    }
    text.push_str("\n</details>\n");
    text
}

fn cell(tally: Tally) -> String {
    let mark = match tally {
        Tally { failed: 1.., .. } => "❌",
        Tally { inconclusive: 1.., .. } => "⚠️",
        Tally { passed: 1.., .. } => "✅",
        Tally { skipped: 1.., .. } => "➖",
        _ => return String::new(),
    };
    format!("{mark} {tally}")
}

fn points(label: &str, points: &[String]) -> String {
    if points.is_empty() {
        return String::new();
    }
    let points: Vec<String> = points.iter().map(|point| prose(point)).collect();
    format!("\n**{label}**\n\n{}", listed(&points))
}

fn commands(commands: &[String]) -> String {
    if commands.is_empty() {
        return String::new();
    }
    format!("\n**Reproduce**\n\n{}", block("sh", commands))
}

fn folded(title: &str, lines: &[String]) -> String {
    format!("<details><summary>{title}</summary>\n\n{}\n</details>\n", listed(lines))
}

/// Lines of Markdown as a list, which ends with how many more there are.
fn listed(lines: &[String]) -> String {
    let mut text: String = lines.iter().take(MOST).map(|line| format!("- {line}\n")).collect();
    if lines.len() > MOST {
        text.push_str(&format!("- and {} more\n", lines.len() - MOST));
    }
    text
}
