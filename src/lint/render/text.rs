//! For people: each finding with the line it is about, as compilers show them.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};

use crate::lint::{
    Report,
    capacity::Room,
    rules::{self, EnforcedBy, Finding, Level},
};

use super::{clean, excerpt::excerpt, wrap::wrap};

const BOLD: Style = Style::new().bold();
const RULE: Style = AnsiColor::Blue.on_default().bold();

const fn style(level: Level) -> Style {
    match level {
        Level::Error => AnsiColor::Red.on_default().bold(),
        Level::Warning => AnsiColor::Yellow.on_default().bold(),
        Level::Note => AnsiColor::Cyan.on_default().bold(),
    }
}

pub(super) fn write(report: &Report, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let width = width.max(40);
    let mut explained = HashSet::new();
    for finding in &report.findings {
        let first = explained.insert((finding.code, finding.reason.map(|reason| reason.why)));
        one(report, finding, first, width, out)?;
        writeln!(out)?;
    }
    capacity(&report.capacity, out)?;
    for skipped in &report.skipped {
        writeln!(out, "skipped: {}", clean(skipped))?;
    }
    summary(report, width, out)
}

/// One finding. Why it matters is said with the first finding of its rule.
fn one(
    report: &Report,
    finding: &Finding,
    first: bool,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let level = style(finding.level);
    let head = format!("{}[{}]: ", finding.level.as_str(), finding.code);
    let message = clean(&finding.message);
    let mut lines = wrap(&message, width.saturating_sub(head.len())).into_iter();
    let start = lines.next().unwrap_or_default();
    let (word, code) = (finding.level.as_str(), finding.code);
    writeln!(out, "{level}{word}[{code}]{level:#}{BOLD}: {start}{BOLD:#}")?;
    for line in lines {
        writeln!(out, "{:indent$}{BOLD}{line}{BOLD:#}", "", indent = head.len())?;
    }
    let (lines, gutter) = excerpt(report, finding, width);
    writeln!(out, "{lines}")?;
    let rule = rules::by_code(finding.code);
    let mut notes: Vec<(&str, String)> = Vec::new();
    let reason = rule.filter(|_| first).map(|rule| finding.reason(rule));
    if let Some(reason) = &reason {
        notes.push(("why", reason.why.to_owned()));
        notes.push(("enforced by", enforced(reason.enforced_by)));
    }
    let fix = finding.fix.as_deref().or_else(|| rule.map(|rule| rule.fix));
    notes.push(("fix", capitalised(&clean(fix.unwrap_or_default()))));
    if let Some(source) = reason.and_then(|reason| reason.sources.first()) {
        notes.push(("see", (*source).to_owned()));
    }
    for (label, text) in notes {
        let indent = gutter + 3 + label.len() + 2;
        let mut lines = wrap(&text, width.saturating_sub(indent)).into_iter();
        let start = lines.next().unwrap_or_default();
        writeln!(out, "{:gutter$} {RULE}={RULE:#} {BOLD}{label}:{BOLD:#} {start}", "")?;
        for line in lines {
            writeln!(out, "{:indent$}{line}", "")?;
        }
    }
    Ok(())
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + characters.as_str()
}

/// Which components enforce a rule, and how.
pub(super) fn enforced(by: &[EnforcedBy]) -> String {
    let words = |by: &EnforcedBy| match by {
        EnforcedBy::Rejects { binary, phase, .. } => {
            format!("{} rejects it ({phase})", binary.as_str())
        }
        EnforcedBy::Warns { binary, .. } => format!("{} only warns", binary.as_str()),
        EnforcedBy::Refused { by, how } => format!("{by} {how}"),
        EnforcedBy::Symptom(symptom) => format!("nothing; {symptom}"),
        EnforcedBy::Nothing => "nothing".to_owned(),
    };
    by.iter().map(words).collect::<Vec<_>>().join("; ")
}

fn capacity(rooms: &[Room], out: &mut dyn Write) -> io::Result<()> {
    if rooms.is_empty() {
        return Ok(());
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let asked = rooms.iter().any(|room| room.asked.is_some());
    let mut header = vec!["capacity", "family", "at most", "from"];
    if asked {
        header.push("planned");
    }
    table.set_header(header);
    for room in rooms {
        let most = if room.room == u64::MAX { "2^64 or more".into() } else { number(room.room) };
        let (what, family) = (room.resource.as_str(), room.family.as_str());
        let mut row = vec![what.to_owned(), family.to_owned(), most, room.from.clone()];
        if asked {
            row.push(match room.asked {
                Some(asked) if room.fits() => number(asked),
                Some(asked) => format!("{} (too many)", number(asked)),
                None => String::new(),
            });
        }
        table.add_row(row);
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(out)
}

/// A number with its digits in groups; a power of two where it is too large to read.
fn number(value: u64) -> String {
    if value >= 1 << 32 {
        let bits = 63 - value.leading_zeros();
        return format!("about 2^{}", if value.is_power_of_two() { bits } else { bits + 1 });
    }
    let digits = value.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn summary(report: &Report, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let plural =
        |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let mut parts = Vec::new();
    for level in [Level::Error, Level::Warning, Level::Note] {
        let count = report.count(level);
        if count > 0 {
            parts.push(plural(count, level.as_str()));
        }
    }
    let found = if parts.is_empty() { "no findings".to_owned() } else { parts.join(", ") };
    let allowed = match report.allowed {
        0 => String::new(),
        count => format!(", {count} allowed"),
    };
    let silent = report.ignored - report.without_kind - report.unknown.values().sum::<usize>();
    let mut read = Vec::new();
    if report.understood > 0 {
        read.push(format!("{} linted", plural(report.understood, "document")));
    }
    let unknown = report.unknown.len() + report.without_kind;
    match (report.understood, unknown, silent) {
        (_, _, 0) => {}
        (0, 0, silent) => {
            let documents = plural(silent, "document");
            read.push(format!("none of {documents} says anything about the network"));
        }
        (_, _, silent) => read.push(format!("{silent} that say nothing about the network")),
    }
    if !report.unknown.is_empty() {
        let count = report.unknown.values().sum::<usize>();
        let kinds: Vec<&str> = report.unknown.keys().map(String::as_str).take(12).collect();
        let more = if report.unknown.len() > kinds.len() { ", …" } else { "" };
        let documents = plural(count, "document");
        let of = if report.unknown.len() == 1 { "a kind" } else { "kinds" };
        let kinds = clean(&kinds.join(", "));
        read.push(format!("{documents} of {of} that this linter doesn't know: {kinds}{more}"));
    }
    if report.without_kind > 0 {
        let documents = plural(report.without_kind, "document");
        read.push(format!("{documents} without a kind that this linter doesn't know"));
    }
    if report.templates > 0 {
        let noun = if report.templates == 1 { "template or patch" } else { "templates or patches" };
        read.push(format!("{} {noun} skipped", report.templates));
    }
    if read.is_empty() {
        read.push("no documents to lint".to_owned());
    }
    let read = read.join(", ");
    for line in wrap(&format!("{found}{allowed}; {read}"), width) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_enforces_a_rule_nothing_refuses_either() {
        for rule in rules::RULES {
            let text = enforced(rule.enforced_by);
            let refuses = ["exits", "rejects", "reject the", "refuses"];
            let contradicts = refuses.iter().any(|word| text.contains(word));
            assert!(!text.contains("nothing") || !contradicts, "{}: {text}", rule.code);
        }
        let k3s = rules::by_code("DS351").unwrap();
        assert_eq!(enforced(k3s.enforced_by), "k3s exits at its start");
    }

    #[test]
    fn numbers_are_grouped_until_they_are_too_large_to_read() {
        assert_eq!(number(7), "7");
        assert_eq!(number(65_534), "65,534");
        assert_eq!(number(1 << 40), "about 2^40");
        assert_eq!(number((1 << 40) - 2), "about 2^40");
    }
}
