//! What changed between two runs, for people and for programs.

mod groups;
mod markdown;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use markdown::markdown;
pub(crate) use text::text;

use crate::compare::Comparison;

/// The comparison as JSON.
pub(crate) fn json(found: &Comparison) -> String {
    // Strings, numbers and lists always make JSON; an error would only mean an empty answer.
    serde_json::to_string_pretty(found).map(|text| text + "\n").unwrap_or_default()
}
