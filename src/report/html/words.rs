//! Words of the page: text of others made harmless, and what checks are called.

use maud::{Markup, html};

use crate::{
    check::{self, Status},
    report::safe,
};

/// Prose, in which what stands between backticks is code.
pub(super) fn rich(text: &str) -> Markup {
    let text = safe::text(text);
    let parts: Vec<&str> = text.split('`').collect();
    // A backtick without a partner is one.
    if parts.len().is_multiple_of(2) {
        return html! { (&*text) };
    }
    html! {
        @for (place, part) in parts.iter().enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// What a check is about, in a few words; unknown ones by their id.
pub(super) fn title(check: &str) -> &str {
    check::by_id(check).and_then(|check| check.promise().about.title).unwrap_or(check)
}

/// A status as a word, a mark and a class.
pub(super) const fn shown(status: Status) -> (&'static str, &'static str, &'static str) {
    match status {
        Status::Pass => ("passed", "✓", "pass"),
        Status::Fail => ("failed", "✗", "fail"),
        Status::Skip => ("skipped", "–", "skip"),
        Status::Inconclusive => ("inconclusive", "?", "open"),
    }
}

/// The place of a check's section in the page.
pub(super) fn anchor(check: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("check-{}", check.chars().map(plain).collect::<String>())
}
