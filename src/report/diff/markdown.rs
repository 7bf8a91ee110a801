//! A comparison as Markdown, for a pull request.

use super::{
    groups::{sections, verdict},
    text::side,
};
use crate::{compare::Comparison, report::markdown::prose};

/// The comparison as Markdown that GitHub and GitLab show alike. What a record holds can't be markup.
pub(crate) fn markdown(found: &Comparison) -> String {
    let (word, numbers) = verdict(found);
    let mut text = format!("## dualstack diff: {word}\n\n{numbers}\n\n");
    for (which, of) in [("old", &found.old), ("new", &found.new)] {
        text.push_str(&format!("- {}\n", prose(&side(which, of))));
        if let Some(error) = &of.broken_off {
            text.push_str(&format!("  - stopped early: {}\n", prose(error)));
        }
    }
    for section in sections(found) {
        text.push_str(&format!("\n### {}\n\n", section.title));
        for point in &section.points {
            text.push_str(&format!("- {}\n", prose(point)));
        }
    }
    text
}
