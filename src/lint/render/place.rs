//! Names and places as every form of a report writes them.

use crate::lint::{
    Report,
    source::{Position, Source, Span},
};

/// Text from files and file names, without what a terminal would obey.
pub(in crate::lint) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// Where a span begins and ends, and in which source.
pub(super) fn place(report: &Report, span: Span) -> (&Source, Position, Position) {
    let source = report.sources.get(span.source);
    (source, source.position(span.start), source.position(span.end))
}
