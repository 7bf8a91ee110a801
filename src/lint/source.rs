//! The texts that are linted, and positions in them.

use std::ops::Range;

/// Which text a position lies in: an index into [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A stretch of one source's text, in bytes; `start == end` is a point between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text it lies in.
    pub source: SourceId,
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
}

impl Span {
    /// The point at which a source begins: for what concerns a file as a whole.
    pub const fn start_of(source: SourceId) -> Self {
        Self { source, start: 0, end: 0 }
    }

    /// The part of this span that begins `offset` bytes into it and is `length` bytes long,
    /// never reaching beyond the span itself.
    #[must_use]
    pub fn slice(self, offset: usize, length: usize) -> Self {
        let start = self.start.saturating_add(offset).min(self.end);
        Self { start, end: start.saturating_add(length).min(self.end), ..self }
    }
}

/// A value together with where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it is.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Joins a value with its position.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The same position with another value.
    pub fn with<U>(&self, value: U) -> Spanned<U> {
        Spanned { value, span: self.span }
    }
}

/// A change of a text that has one right answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Where the text is, its quotes included if it has any.
    pub span: Span,
    /// What is there now; if it is not, nothing is changed.
    pub old: String,
    /// What it becomes.
    pub new: String,
}

impl Edit {
    /// Replaces a text.
    pub fn new(span: Span, old: impl Into<String>, new: impl Into<String>) -> Self {
        Self { span, old: old.into(), new: new.into() }
    }
}

/// A position as a person counts: line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One text and where it came from.
#[derive(Clone, Debug)]
pub struct Source {
    /// How it is named to a person: a path, `<stdin>`, or an object of the live cluster.
    pub name: String,
    /// Whether the name is that of a file (and so means something to an editor or to SARIF).
    pub is_file: bool,
    /// The text, valid UTF-8, without a byte-order mark.
    pub text: String,
    line_starts: Vec<usize>,
    ascii: bool,
}

impl Source {
    /// Takes a text and finds its lines. Lone carriage returns, which YAML counts as line breaks,
    /// become line feeds, so that lines are counted as the parser counts them.
    pub fn new(name: impl Into<String>, is_file: bool, text: String) -> Self {
        let text = normalise_breaks(text);
        let mut line_starts = vec![0];
        line_starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        let ascii = text.is_ascii();
        Self { name: name.into(), is_file, text, line_starts, ascii }
    }

    /// How many lines the text has; an empty text has one.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }

    /// The byte range of a line (from 0), without its line break.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let Some(&start) = self.line_starts.get(line) else {
            return self.text.len()..self.text.len();
        };
        let end = self.line_starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let end = if self.text[start..end].ends_with('\r') { end - 1 } else { end };
        start..end
    }

    /// A line's text (from 0), without its line break.
    pub fn line(&self, line: usize) -> &str {
        &self.text[self.line_range(line)]
    }

    /// The byte at which the given column (in characters, from 0) of a line (from 0) begins; the
    /// line's end where the line is shorter.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let range = self.line_range(line);
        if self.ascii {
            return (range.start + column).min(range.end);
        }
        let text = &self.text[range.clone()];
        match text.char_indices().nth(column) {
            Some((at, _)) => range.start + at,
            None => range.end,
        }
    }

    /// The line (from 0) that a byte lies in.
    pub fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= offset).saturating_sub(1)
    }

    /// The line and column of a byte, as a person counts.
    pub fn position(&self, offset: usize) -> Position {
        let line = self.line_of(offset);
        let start = self.line_starts.get(line).copied().unwrap_or_default();
        let upto = offset.min(self.text.len());
        let column = self.text.get(start..upto).map_or(0, |text| text.chars().count());
        Position { line: line + 1, column: column + 1 }
    }
}

fn normalise_breaks(text: String) -> String {
    let bytes = text.as_bytes();
    let lone = |at: usize| bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
    if !(0..bytes.len()).any(lone) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let lone = character == '\r' && characters.peek() != Some(&'\n');
        out.push(if lone { '\n' } else { character });
    }
    out
}

/// Every text of one run.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Takes a text in and returns its identity.
    pub fn add(&mut self, source: Source) -> SourceId {
        let id = SourceId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(source);
        id
    }

    /// The text with an identity that [`Sources::add`] returned.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.0[id.0 as usize]
    }

    /// All of them with their identities, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.0
            .iter()
            .enumerate()
            .map(|(at, source)| (SourceId(u32::try_from(at).unwrap_or(u32::MAX)), source))
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.source).text.get(span.start..span.end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_characters_and_offsets_in_bytes() {
        let source = Source::new("a", true, "é: x\r\nb: y".into());
        assert_eq!(source.line(0), "é: x");
        assert_eq!(source.offset(0, 3), 4);
        assert_eq!(source.position(4), Position { line: 1, column: 4 });
        assert_eq!(source.position(7), Position { line: 2, column: 1 });
    }

    #[test]
    fn a_lone_carriage_return_ends_a_line_as_yaml_says() {
        let source = Source::new("a", true, "a: 1\rb: 2\r\nc: 3".into());
        assert_eq!(source.line_count(), 3);
        assert_eq!(source.line(1), "b: 2");
    }

    #[test]
    fn a_column_beyond_the_line_is_its_end() {
        let source = Source::new("a", true, "ab\ncd".into());
        assert_eq!(source.offset(0, 9), 2);
        assert_eq!(source.offset(9, 0), 5);
    }
}
