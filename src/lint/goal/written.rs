//! How a new value is written at the place of an old one: in its quotes, and in quotes where the place
//! needs some.

use crate::lint::source::{Sources, Span};

use super::steps::{Change, How};

/// Writes changes into the texts that they are about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'s>(pub(super) &'s Sources);

/// What a value of a field must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    /// Whatever it is without quotes, unless the old value has them.
    Any,
    /// A string.
    String,
    /// Not a string, which quotes would make of it.
    Bare,
}

impl<'s> Writer<'s> {
    /// A value that becomes another one.
    pub(super) fn value(self, at: Span, field: impl Into<String>, new: &str) -> Change {
        self.change(at, field.into(), new, Type::Any)
    }

    /// A string that becomes another one, though it may look like a number or a boolean.
    pub(super) fn string(self, at: Span, field: impl Into<String>, new: &str) -> Change {
        self.change(at, field.into(), new, Type::String)
    }

    /// A boolean that becomes another one.
    pub(super) fn bare(self, at: Span, field: impl Into<String>, new: &str) -> Change {
        self.change(at, field.into(), new, Type::Bare)
    }

    /// An item that is added to the list in which another one stands.
    pub(super) fn item(self, beside: Span, field: impl Into<String>, new: &str) -> Change {
        let quote = self.quote(beside).map(String::from).unwrap_or_default();
        Change::add(beside, field, format!("{quote}{new}{quote}"))
    }

    fn change(self, at: Span, field: String, new: &str, kind: Type) -> Change {
        let value = |at, new: String| Change { at, how: How::Value, field, new };
        if kind == Type::Bare {
            return value(at, new.to_owned());
        }
        if let Some(quote) = self.quote(at) {
            return value(at, format!("{quote}{new}{quote}"));
        }
        // A comma ends a word in a flow list or mapping, which then is to be quoted as a whole.
        if self.is_in_flow(at) && new.contains(',') {
            let (start, before) = self.word(at);
            return value(Span { start, ..at }, format!("\"{before}{new}\""));
        }
        let quote = if kind == Type::String { "\"" } else { "" };
        value(at, format!("{quote}{new}{quote}"))
    }

    fn text(self, source: Span) -> &'s str {
        &self.0.get(source.source).text
    }

    /// The quote in which a value stands.
    fn quote(self, at: Span) -> Option<char> {
        let old = self.0.text(at);
        ['"', '\'']
            .into_iter()
            .find(|quote| old.len() > 1 && old.starts_with(*quote) && old.ends_with(*quote))
    }

    /// Whether a value is followed by what ends one within brackets or braces.
    fn is_in_flow(self, at: Span) -> bool {
        let after = self.text(at).get(at.end..).unwrap_or_default();
        after.trim_start().starts_with([',', ']', '}'])
    }

    /// Where the word begins that a value ends, and what of it stands before the value.
    fn word(self, at: Span) -> (usize, &'s str) {
        let before = self.text(at).get(..at.start).unwrap_or_default();
        let ends = |c: char| c.is_whitespace() || ['[', '{', ','].contains(&c);
        let word = before.rsplit(ends).next().unwrap_or_default();
        // Behind a key no word goes on.
        if word.ends_with(':') { (at.start, "") } else { (at.start - word.len(), word) }
    }

    /// Whether a value is an item of a list.
    pub(super) fn is_item(self, at: Span) -> bool {
        let before = self.text(at).get(..at.start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        match line.trim() {
            "" => before.trim_end().ends_with(['[', ',']),
            line => line.ends_with(['[', ',']) || line == "-" || line.ends_with(" -"),
        }
    }

    /// Whether a name is followed by its value as flags have it, `name=value`.
    pub(super) fn is_flag(self, name: Span) -> bool {
        self.text(name).get(name.end..).is_some_and(|after| after.starts_with('='))
    }
}
