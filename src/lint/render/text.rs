//! For people: each finding with the line it is about, as compilers show them.

use std::{
    collections::HashSet,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::lint::{
    Report,
    capacity::Room,
    rules::{self, Binary, EnforcedBy, Finding, Level},
    source::{Source, Span},
};

use super::wrap::wrap;

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
        let first = explained.insert(finding.code);
        one(report, finding, first, width, out)?;
        writeln!(out)?;
    }
    capacity(&report.capacity, out)?;
    for skipped in &report.skipped {
        writeln!(out, "skipped: {}", clean(skipped))?;
    }
    summary(report, width, out)
}

/// One finding. The reason is given where its rule is met for the first time.
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
    let gutter = excerpts(report, finding, width, out)?;
    let rule = rules::find(finding.code);
    let mut notes: Vec<(&str, String)> = Vec::new();
    if let Some(rule) = rule.filter(|_| first) {
        notes.push(("why", rule.reason.to_owned()));
        notes.push(("who says so", enforced(rule.enforced_by)));
    }
    let fix = finding.help.as_deref().or_else(|| rule.map(|rule| rule.fix));
    notes.push(("fix", capitalised(&clean(fix.unwrap_or_default()))));
    if let Some(source) = rule.filter(|_| first).and_then(|rule| rule.sources.first()) {
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

/// Text from files and file names, without what a terminal would obey.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + characters.as_str()
}

/// What the components do, in a sentence each.
pub(super) fn enforced(by: &[EnforcedBy]) -> String {
    let kind = |binary: Binary| binary.as_str();
    let sentence = |by: &EnforcedBy| match by {
        EnforcedBy::Rejects { binary, phase, .. } => {
            format!("{} refuses it ({phase}).", kind(*binary))
        }
        EnforcedBy::Warns { binary, .. } => format!("{} warns and goes on.", kind(*binary)),
        EnforcedBy::Symptom(symptom) => format!("Nobody; {symptom}."),
        EnforcedBy::Nobody => "Nobody.".to_owned(),
    };
    by.iter().map(sentence).collect::<Vec<_>>().join(" ")
}

/// A place to show: where, the label beside it, and whether it is the main one.
struct Mark<'a> {
    span: Span,
    label: &'a str,
    main: bool,
}

/// Shows the lines that the finding is about; returns the width of the line numbers.
fn excerpts(
    report: &Report,
    finding: &Finding,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<usize> {
    let label = finding.label.as_deref().unwrap_or_default();
    let mut marks = vec![Mark { span: finding.span, label, main: true }];
    marks.extend(finding.also.iter().map(|(span, label)| Mark { span: *span, label, main: false }));
    let line_of = |mark: &Mark<'_>| report.sources.get(mark.span.source).line_of(mark.span.start);
    let gutter = marks.iter().map(|mark| (line_of(mark) + 1).to_string().len()).max().unwrap_or(1);
    // The main place first, and what stands in the same source in the order of its lines.
    let main = finding.span.source;
    let mut groups = vec![main];
    for mark in &marks {
        if !groups.contains(&mark.span.source) {
            groups.push(mark.span.source);
        }
    }
    for (at, id) in groups.iter().enumerate() {
        let source = report.sources.get(*id);
        let mut here: Vec<&Mark<'_>> =
            marks.iter().filter(|mark| mark.span.source == *id).collect();
        let arrow = if at == 0 { "-->" } else { ":::" };
        let place = here.first().map(|mark| source.position(mark.span.start));
        let Some(place) = place else { continue };
        let name = clean(&source.name);
        if source.text.is_empty() {
            writeln!(out, "{:gutter$}{RULE}{arrow}{RULE:#} {name}", "")?;
            continue;
        }
        let (line, column) = (place.line, place.column);
        writeln!(out, "{:gutter$}{RULE}{arrow}{RULE:#} {name}:{line}:{column}", "")?;
        writeln!(out, "{:gutter$} {RULE}|{RULE:#}", "")?;
        here.sort_by_key(|mark| (line_of(mark), mark.span.start));
        let mut last: Option<usize> = None;
        for mark in here {
            let line = line_of(mark);
            if last != Some(line) {
                if last.is_some_and(|last| line > last + 1) {
                    writeln!(out, "{RULE}{:.>gutter$}{RULE:#}", "")?;
                }
                show(source, line, mark, gutter, width, out)?;
            } else {
                underline(source, line, mark, gutter, width, out)?;
            }
            last = Some(line);
        }
    }
    Ok(gutter)
}

fn show(
    source: &Source,
    line: usize,
    mark: &Mark<'_>,
    gutter: usize,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let window = Window::new(source, line, mark.span, width.saturating_sub(gutter + 3));
    let number = line + 1;
    writeln!(out, "{RULE}{number:gutter$} |{RULE:#} {}", window.text)?;
    underline(source, line, mark, gutter, width, out)
}

fn underline(
    source: &Source,
    line: usize,
    mark: &Mark<'_>,
    gutter: usize,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let window = Window::new(source, line, mark.span, width.saturating_sub(gutter + 3));
    let (sign, style) =
        if mark.main { ('^', AnsiColor::Red.on_default().bold()) } else { ('-', RULE) };
    let sign: String = std::iter::repeat_n(sign, window.length.max(1)).collect();
    let label = clean(mark.label);
    let beside = gutter + 3 + window.column + window.length.max(1) + 1 + label.width();
    write!(out, "{:gutter$} {RULE}|{RULE:#} {:column$}", "", "", column = window.column)?;
    if label.is_empty() {
        writeln!(out, "{style}{sign}{style:#}")
    } else if beside <= width {
        writeln!(out, "{style}{sign} {label}{style:#}")
    } else {
        // The label goes below, as far to the right as it fits.
        writeln!(out, "{style}{sign}{style:#}")?;
        let room = width.saturating_sub(gutter + 3 + label.width());
        let column = window.column.min(room);
        writeln!(out, "{:gutter$} {RULE}|{RULE:#} {:column$}{style}{label}{style:#}", "", "")
    }
}

/// The part of a line that fits, and where in it the mark is.
struct Window {
    text: String,
    column: usize,
    length: usize,
}

impl Window {
    fn new(source: &Source, line: usize, span: Span, width: usize) -> Self {
        let range = source.line_range(line);
        let start = span.start.clamp(range.start, range.end) - range.start;
        let end = span.end.clamp(range.start, range.end) - range.start;
        let (mut text, mut column, mut length) = (String::new(), 0, 0);
        for (at, character) in source.text[range].char_indices() {
            let shown = match character {
                '\t' => "    ".to_owned(),
                // Control characters could move the cursor or hide what follows.
                other if other.is_control() => "\u{FFFD}".to_owned(),
                other => other.to_string(),
            };
            let wide = if character == '\t' { 4 } else { character.width().unwrap_or(1) };
            if at < start {
                column += wide;
            } else if at < end {
                length += wide;
            }
            text.push_str(&shown);
        }
        Self { text, column, length }.cropped(width)
    }

    /// Cuts a line that is too long, around the mark.
    fn cropped(self, width: usize) -> Self {
        let width = width.max(20);
        if self.text.width() <= width {
            return self;
        }
        let from = if self.column + self.length.min(width) + 2 <= width {
            0
        } else {
            self.column.saturating_sub(width / 3)
        };
        let mut text = String::new();
        let mut at = 0;
        for character in self.text.chars() {
            let wide = character.width().unwrap_or(0);
            if at >= from && at + wide <= from + width - 2 {
                text.push(character);
            }
            at += wide;
        }
        let (lead, cut) = if from > 0 { ("…", 1) } else { ("", 0) };
        let shown = text.width();
        let text = format!("{lead}{text}…");
        let column = (self.column - from.min(self.column) + cut).min(shown);
        Self { text, column, length: self.length.min(shown.saturating_sub(column).max(1)) }
    }
}

fn capacity(rooms: &[Room], out: &mut dyn Write) -> io::Result<()> {
    if rooms.is_empty() {
        return Ok(());
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let asked = rooms.iter().any(|room| room.asked.is_some());
    let mut header = vec!["room for", "family", "at most", "by"];
    if asked {
        header.push("asked");
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

/// A number with its digits in groups; a power of two where it is one that nobody reads.
fn number(value: u64) -> String {
    if value >= 1 << 32 {
        let bits = 63 - value.leading_zeros();
        return format!("some 2^{}", if value.is_power_of_two() { bits } else { bits + 1 });
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
    let found = if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") };
    let allowed = match report.allowed {
        0 => String::new(),
        count => format!(", {count} allowed"),
    };
    let read = match (report.understood, report.passed_over) {
        (0, 0) => "no document was there to lint".to_owned(),
        (0, over) => {
            format!("none of {} says anything about the network", plural(over, "document"))
        }
        (understood, 0) => format!("{} linted", plural(understood, "document")),
        (understood, over) => {
            format!("{} linted, {over} passed over", plural(understood, "document"))
        }
    };
    for line in wrap(&format!("{found}{allowed}; {read}"), width) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_until_they_are_too_large_to_read() {
        assert_eq!(number(7), "7");
        assert_eq!(number(65_534), "65,534");
        assert_eq!(number(1 << 40), "some 2^40");
        assert_eq!(number((1 << 40) - 2), "some 2^40");
    }
}
