//! A comparison for a terminal.

use super::groups::{sections, verdict};
use crate::{
    compare::{Comparison, Side},
    report::{
        harmless::for_terminal,
        text::{Layout, Prose, paint_verdict},
    },
};

/// The comparison as text.
pub(crate) fn text(found: &Comparison, layout: Layout) -> String {
    let mut prose = Prose::new(layout);
    prose.paragraph(&for_terminal(&side("old", &found.old)));
    prose.paragraph(&for_terminal(&side("new", &found.new)));
    for section in sections(found) {
        prose.line("").heading(&section.title);
        prose.points(section.points.iter().map(|point| for_terminal(point)));
    }
    prose.line("");
    if let Some(error) = &found.new.broken_off {
        prose.paragraph(&for_terminal(&format!("The new run stopped early: {error}")));
    }
    if let Some(error) = &found.old.broken_off {
        prose.paragraph(&for_terminal(&format!("The old run stopped early: {error}")));
    }
    let (word, numbers) = verdict(found);
    prose.paragraph(&format!("{} {numbers}", paint_verdict(found.exit(), word)));
    prose.into_text()
}

pub(super) fn side(which: &str, side: &Side) -> String {
    let started = side.started_at.strftime("%F %H:%M UTC");
    let context = match &side.server.context {
        Some(context) => format!("context {context}"),
        None => "in-cluster".to_owned(),
    };
    format!(
        "{which}: run {}, {started}, {context}, {}, suite {}",
        side.run, side.server.version, side.suite
    )
}
