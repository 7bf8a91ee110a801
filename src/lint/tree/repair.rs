//! What a syntax error means to a person, where it began, and how to read on past it.

use saphyr_parser::ScanError;

use crate::lint::source::Source;

use super::{
    Flaw, FlawKind,
    chunk::{Chunk, Line},
};

/// An error that was understood, and repaired in the chunk where `read_on` says so.
pub(super) struct Repair {
    /// What to report; nothing where the error only follows from one that was reported.
    pub(super) flaw: Option<Flaw>,
    /// Whether the chunk was changed and is worth another attempt.
    pub(super) read_on: bool,
}

/// Finds where the error began, says what it is and repairs the chunk so that it can be read on.
/// `None` if nothing can be repaired any more.
pub(super) fn diagnose(source: &Source, chunk: &mut Chunk, error: &ScanError) -> Option<Repair> {
    let at = error_line(chunk, error)?;
    if let Some(flaw) = template(source, chunk, at) {
        return Some(Repair { flaw: Some(flaw), read_on: false });
    }
    if error.info() == "did not find expected <document start>" {
        // What came before is a whole value already; this text is hardly meant to be YAML.
        let flaw = describe(source, chunk, error);
        let flaw = flaw.fix("if the file is YAML, separate documents with a `---` line");
        return Some(Repair { flaw: Some(flaw), read_on: false });
    }
    if let Some(flaw) = unclosed_quote(source, chunk, at, error) {
        return Some(Repair { flaw: Some(flaw), read_on: true });
    }
    if let Some(flaw) = tab(source, chunk, at) {
        return Some(Repair { flaw: Some(flaw), read_on: true });
    }
    if let Some(flaw) = trailing_colon(source, chunk, at) {
        return Some(Repair { flaw: Some(flaw), read_on: true });
    }
    if let Some(flaw) = run_on(source, chunk, at, error) {
        return Some(Repair { flaw: Some(flaw), read_on: true });
    }
    let flaw = describe(source, chunk, error);
    blank(chunk, at).then_some(Repair { flaw: Some(flaw), read_on: true })
}

/// The error as it is, for when nothing more can be repaired.
pub(super) fn describe(source: &Source, chunk: &Chunk, error: &ScanError) -> Flaw {
    let at = error_line(chunk, error).unwrap_or_default();
    let mark = error.marker();
    let column = if mark.line().saturating_sub(1) == at { mark.col() } else { 0 };
    let width = chunk.lines.get(at).map_or(0, |line| line.text.trim_end().chars().count());
    let first = chunk.lines.get(at).map_or(0, Line::indent);
    // A mark at or behind the end of the line is of no use to the eye: point at its content.
    let column = if column >= width { first } else { column };
    let end = if column == first { width } else { column + 1 };
    let span = chunk.span(source, (at, column), (at, end.max(column)));
    Flaw::new(FlawKind::Syntax, span, sentence(error.info()))
}

/// The line (of the chunk) that the error belongs to: the one marked, or the last one before it
/// that holds anything.
fn error_line(chunk: &Chunk, error: &ScanError) -> Option<usize> {
    let marked = error.marker().line().saturating_sub(1).min(chunk.lines.len().checked_sub(1)?);
    (0..=marked).rev().find(|&at| !chunk.lines[at].is_blank())
}

/// The parser's words in the reader's.
fn sentence(info: &str) -> String {
    let known = match info {
        "mapping values are not allowed in this context" => {
            "a second `: ` on this line, or a value that is not allowed here"
        }
        "did not find expected <document start>" => {
            "the value above is complete, and nothing may follow it"
        }
        "simple key expect ':'" | "simple key expected" => {
            "this line has no `:`, so it is neither a key nor a value"
        }
        "while parsing a block mapping, did not find expected key" => {
            "expected a key: the indentation matches none of the lines above"
        }
        "invalid indentation" | "invalid indentation in flow construct" => {
            "the indentation matches none of the lines above"
        }
        "block sequence entries are not allowed in this context" => {
            "a list entry (`- `) is not allowed here"
        }
        "while parsing node, found unknown anchor" => {
            "this alias (`*name`) refers to an anchor (`&name`) that does not exist"
        }
        "invalid trailing content after double-quoted scalar" => {
            "unexpected text after the closing quote"
        }
        "while parsing a flow mapping, did not find expected ',' or '}'" => {
            "expected `,` or `}`: the `{` is not closed"
        }
        "while parsing a flow sequence, expected ',' or ']'" => {
            "expected `,` or `]`: the `[` is not closed"
        }
        "while parsing a quoted scalar, found unknown escape character" => {
            "unknown escape (`\\`); use single quotes to keep the backslash as it is"
        }
        other => return format!("not valid YAML: {other}"),
    };
    known.into()
}

/// What begins a placeholder of Go's and Jinja's templates, and of ERB's.
const TEMPLATES: [&str; 3] = ["{{", "{%", "<%"];

/// A template that was not rendered is not YAML, and no repairing makes it so.
fn template(source: &Source, chunk: &Chunk, at: usize) -> Option<Flaw> {
    let upto = chunk.lines.get(..=at)?;
    let mark = |line: &Line| TEMPLATES.into_iter().find(|mark| line.text.contains(mark));
    let (found, mark) =
        upto.iter().enumerate().rev().find_map(|(at, line)| Some((at, mark(line)?)))?;
    let column = column_of(&chunk.lines[found].text, mark)?;
    let span = chunk.span(source, (found, column), (found, column + 2));
    let flaw = Flaw::new(
        FlawKind::Template,
        span,
        "this is a template, not YAML; the document is not read beyond this point",
    );
    Some(flaw.fix("render it first, for example with `helm template`, and lint the output"))
}

fn column_of(text: &str, part: &str) -> Option<usize> {
    text.find(part).map(|byte| text[..byte].chars().count())
}

/// A quote that is not closed on its line swallows the lines up to the next quote, and the error
/// shows there or at the end. It is reported at the opening, and the quote is closed on its line.
fn unclosed_quote(
    source: &Source,
    chunk: &mut Chunk,
    at: usize,
    error: &ScanError,
) -> Option<Flaw> {
    let (line, column, quote) = opening(chunk, at, error.info().contains("quoted scalar"))?;
    let width = chunk.lines[line].text.trim_end().chars().count();
    let span = chunk.span(source, (line, column), (line, width));
    let repaired = &mut chunk.lines[line];
    let kept = repaired.text.trim_end().len();
    repaired.text.truncate(kept);
    if quote == '"' && repaired.text.ends_with('\\') {
        // It would escape the quote that is put in.
        repaired.text.push('\\');
    }
    repaired.text.push(quote);
    let message = format!("this quote ({quote}) is not closed");
    Some(Flaw::new(FlawKind::Syntax, span, message).fix(format!("add the closing {quote}")))
}

/// The quoted scalar that spans several lines and ends on the line of the error, or (where the
/// error is one of quoting) is still open there.
fn opening(chunk: &Chunk, at: usize, quoting: bool) -> Option<(usize, usize, char)> {
    let mut open: Option<(usize, usize, char)> = None;
    let mut block: Option<usize> = None;
    for (number, line) in chunk.lines.iter().enumerate().take(at + 1) {
        if let Some(indent) = block {
            if line.text.trim().is_empty() || line.indent() > indent {
                continue;
            }
            block = None;
        }
        let mut before = None;
        // What is before the white space, if any, that precedes a character.
        let mut word = None;
        let mut characters = line.text.chars().enumerate().peekable();
        while let Some((column, character)) = characters.next() {
            match open {
                Some((_, _, '"')) if character == '\\' => {
                    characters.next();
                }
                Some((begun, from, quote)) if character == quote => {
                    if quote == '\'' && characters.peek().is_some_and(|(_, next)| *next == '\'') {
                        characters.next();
                        continue;
                    }
                    if number == at && begun < at {
                        return Some((begun, from, quote));
                    }
                    open = None;
                }
                Some(_) => {}
                None if character == '#' && before.is_none_or(char::is_whitespace) => break,
                None if matches!(character, '"' | '\'') && starts_value(before, word) => {
                    open = Some((number, column, character));
                }
                None => {}
            }
            before = Some(character);
            word = before.filter(|character| !character.is_whitespace()).or(word);
        }
        if open.is_none() {
            let text = line.text.trim_end();
            if [": |", ": |-", ": |+", ": >", ": >-", "- |", "- |-"]
                .iter()
                .any(|e| text.ends_with(e))
            {
                block = Some(line.indent());
            }
        }
    }
    open.filter(|(begun, _, _)| *begun < at || quoting)
}

/// Whether a scalar can begin after this character, and this one before any white space: after
/// nothing, an indicator or a key's colon.
fn starts_value(before: Option<char>, word: Option<char>) -> bool {
    match word {
        None | Some('[' | '{' | ',') => true,
        Some(':' | '-' | '?') => before.is_some_and(char::is_whitespace),
        Some(_) => false,
    }
}

/// Tabs that indent: reported at the first, and all of the chunk's are replaced at once.
fn tab(source: &Source, chunk: &mut Chunk, at: usize) -> Option<Flaw> {
    let leading = |line: &Line| {
        let indent: String = line.text.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
        (indent.contains('\t') && !line.is_blank()).then_some(indent)
    };
    let first = chunk.lines.iter().take(at + 1).position(|line| leading(line).is_some())?;
    let column = column_of(&chunk.lines[first].text, "\t")?;
    let span = chunk.span(source, (first, column), (first, column + 1));
    let mut known: Vec<(String, usize)> = Vec::new();
    let mut before = (0, false);
    for line in &mut chunk.lines {
        if line.is_blank() {
            continue;
        }
        let indent = match leading(line) {
            None => line.indent(),
            Some(written) => {
                // As deep as a line that began alike; deeper by what it has beyond that; or as
                // the line before it asks.
                let fresh = if before.1 { before.0 + 2 } else { before.0 };
                let alike = known
                    .iter()
                    .filter_map(|(text, wide)| Some((written.strip_prefix(text.as_str())?, *wide)))
                    .min_by_key(|(rest, _)| rest.len());
                let deeper = |rest: &str| -> usize {
                    rest.chars().map(|character| if character == '\t' { 2 } else { 1 }).sum()
                };
                let wide = alike.map_or(fresh, |(rest, wide)| wide + deeper(rest));
                let count = written.chars().count();
                known.push((written, wide));
                let rest: String = line.text.chars().skip(count).collect();
                line.text = format!("{}{rest}", " ".repeat(wide));
                line.shift += signed(count) - signed(wide);
                line.from = 0;
                wide
            }
        };
        let text = line.text.trim_end();
        before = (indent, text.ends_with(':'));
    }
    let flaw =
        Flaw::new(FlawKind::Syntax, span, "a tab indents this line; YAML allows only spaces");
    Some(flaw.fix("indent with spaces; all tabs in this document were read as spaces"))
}

fn signed(count: usize) -> isize {
    isize::try_from(count).unwrap_or(isize::MAX)
}

/// `key: fd00::` ends in a colon, which YAML takes for another key.
fn trailing_colon(source: &Source, chunk: &mut Chunk, at: usize) -> Option<Flaw> {
    let line = chunk.lines.get(at)?;
    let text = line.text.trim_end().to_owned();
    let start = text.rfind([' ', '\t'])? + 1;
    let value = &text[start..];
    if !value.ends_with("::") || value.parse::<std::net::Ipv6Addr>().is_err() {
        return None;
    }
    let column = text[..start].chars().count();
    let width = text.chars().count();
    let span = chunk.span(source, (at, column), (at, width));
    let flaw = Flaw::new(
        FlawKind::Syntax,
        span,
        format!("`{value}` ends in a colon, which YAML reads as the end of a key"),
    );
    let flaw = flaw.fix(format!("quote it: \"{value}\""));
    let repaired = format!("{}\"{value}\"", &text[..start]);
    let line = chunk.lines.get_mut(at)?;
    line.text = repaired;
    line.shift -= 1;
    line.from = column + 1;
    Some(flaw)
}

/// A plain value runs on over lines that are indented below it, and the error shows at the first
/// colon there: the line before lacks its own colon, or this one is indented too far.
fn run_on(source: &Source, chunk: &mut Chunk, at: usize, error: &ScanError) -> Option<Flaw> {
    if error.info() != "mapping values are not allowed in this context" {
        return None;
    }
    let line = chunk.lines.get(at)?;
    let has_key = |text: &str| text.contains(": ") || text.ends_with(':');
    let before_mark: String = line.text.chars().take(error.marker().col()).collect();
    if has_key(before_mark.trim_start()) {
        return None;
    }
    let before = (0..at).rev().find(|&line| !chunk.lines[line].is_blank())?;
    let above = &chunk.lines[before];
    let text = above.text.trim_end();
    let (wrong, message) = if !has_key(text) && !text.trim_start().starts_with("---") {
        (before, "this line has no `:`, so it is neither a key nor a value")
    } else if line.indent() > above.indent() {
        (at, "indented deeper than the line above, whose value is already complete")
    } else {
        return None;
    };
    let wrong_line = chunk.lines.get_mut(wrong)?;
    let (from, to) = (wrong_line.indent(), wrong_line.text.trim_end().chars().count());
    wrong_line.text.clear();
    let span = chunk.span(source, (wrong, from), (wrong, to));
    Some(Flaw::new(FlawKind::Syntax, span, message))
}

/// Takes a line out, together with the lines that are indented below it. False if there is
/// nothing to take out.
fn blank(chunk: &mut Chunk, at: usize) -> bool {
    let Some(line) = chunk.lines.get(at) else { return false };
    if line.text.is_empty() || (at == 0 && line.text.starts_with("---")) {
        return false;
    }
    let indent = line.indent();
    let below = chunk.lines.iter().skip(at + 1);
    let more = below.take_while(|line| line.is_blank() || line.indent() > indent).count();
    for line in &mut chunk.lines[at..=at + more] {
        line.text.clear();
    }
    true
}

/// JSON writes characters beyond the basic plane as two escapes, which YAML's escapes do not
/// know. They never matter here, so that each is replaced by as many characters.
pub(super) fn replace_surrogates(chunk: &mut Chunk) {
    let first = chunk.lines.iter().find(|line| !line.is_blank());
    if !first.is_some_and(|line| line.text.trim_start().starts_with(['{', '['])) {
        return;
    }
    for line in &mut chunk.lines {
        for lead in ["\\ud8", "\\ud9", "\\uda", "\\udb", "\\udc", "\\udd", "\\ude", "\\udf"] {
            for lead in [lead.to_owned(), format!("\\u{}", lead[2..].to_uppercase())] {
                if line.text.contains(&lead) {
                    line.text = line.text.replace(&lead, "\\uff");
                }
            }
        }
    }
}
