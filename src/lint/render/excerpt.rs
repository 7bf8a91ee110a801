//! The lines that a finding is about, with what is wrong underlined.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level as Title, Origin, Renderer, Snippet};
use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::lint::{
    Report,
    rules::Finding,
    source::{Source, Span},
};

use super::clean;

const RENDERER: Renderer = Renderer::styled()
    .line_num(AnsiColor::Blue.on_default().bold())
    .context(AnsiColor::Blue.on_default().bold())
    .error(AnsiColor::Red.on_default().bold())
    .emphasis(Style::new())
    .hyperlink(false);
/// Places of one source that are further apart than this many lines are shown one by one: what is
/// between them would have to be read for each finding.
const FAR: usize = 1000;

/// Shows the lines of a finding, each source by itself, that of the finding first. Returns them
/// with the width of the line numbers.
pub(super) fn excerpt(report: &Report, finding: &Finding, width: usize) -> (String, usize) {
    let mut marks = vec![Mark { span: finding.span, label: None }];
    let also = finding.also.iter();
    marks.extend(also.map(|(span, label)| Mark { span: *span, label: Some(label) }));
    let line_of = |mark: &Mark<'_>| report.sources.get(mark.span.source).line_of(mark.span.start);
    let last = marks.iter().map(line_of).max().unwrap_or_default();
    let mut groups: Vec<Vec<Mark<'_>>> = Vec::new();
    for mark in marks {
        let near = |first: &&mut Vec<Mark<'_>>| {
            first[0].span.source == mark.span.source
                && line_of(&first[0]).abs_diff(line_of(&mark)) < FAR
        };
        match groups.iter_mut().find(near) {
            Some(group) => group.push(mark),
            None => groups.push(vec![mark]),
        }
    }
    let gutter = (last + 1).to_string().len();
    let room = width.saturating_sub(gutter + " | ".len());
    let mut group = Group::with_level(Title::ERROR);
    for marks in &groups {
        let source = report.sources.get(marks[0].span.source);
        let name = clean(&source.name);
        group = if source.text.is_empty() {
            group.element(Origin::path(name))
        } else {
            group.element(snippet(source, marks, room).path(name))
        };
    }
    let lines = RENDERER.term_width(width).render(&[group]);
    (lines, gutter)
}

/// A place to show, and the label beside it; the finding's own has none.
struct Mark<'a> {
    span: Span,
    label: Option<&'a str>,
}

/// The lines from the first mark to the last, of which those between are folded. `room` is the
/// width of a line and what is beside it.
fn snippet<'a>(
    source: &'a Source,
    marks: &[Mark<'a>],
    room: usize,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let lines = || marks.iter().map(|mark| source.line_of(mark.span.start));
    let (first, last) = (lines().min().unwrap_or_default(), lines().max().unwrap_or_default());
    let start = source.line_range(first).start;
    let end = source.line_range(last).end;
    let annotations = marks.iter().map(|mark| {
        let label = mark.label.map(clean);
        let kind = match label {
            None => AnnotationKind::Primary,
            Some(_) => AnnotationKind::Context,
        };
        let range = underlined(source, mark.span, label.as_deref().unwrap_or_default(), room);
        kind.span(range.start - start..range.end - start).label(label)
    });
    Snippet::source(printable(&source.text[start..end]))
        .line_start(first + 1)
        .annotations(annotations)
}

/// The part of a span that is underlined: on its first line, and no more than leaves room for the
/// label beside it.
fn underlined(source: &Source, span: Span, label: &str, room: usize) -> Range<usize> {
    let line = source.line_range(source.line_of(span.start));
    let start = span.start.clamp(line.start, line.end);
    let end = span.end.clamp(line.start, line.end);
    let most = room.saturating_sub(source.text[line.start..start].width() + 1 + label.width());
    if label.is_empty() || source.text[start..end].width() <= most {
        return start..end;
    }
    let mut wide = 0;
    let fits = |character: &char| {
        wide += character.width().unwrap_or(1);
        wide <= most.max(1)
    };
    let kept: usize = source.text[start..end].chars().take_while(fits).map(char::len_utf8).sum();
    start..start + kept
}

/// Without the controls that the renderer leaves as they are and a terminal may obey; of the same
/// length in bytes.
fn printable(text: &str) -> String {
    text.chars().map(|c| if ('\u{80}'..='\u{9f}').contains(&c) { '·' } else { c }).collect()
}
