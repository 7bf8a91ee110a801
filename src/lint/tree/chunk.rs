//! Texts as the parser gets them, and the way back from its marks to positions in a source.

use crate::lint::source::{Source, SourceId, Span};

use super::Block;

/// A byte-order mark.
const MARK: char = '\u{feff}';

/// One document's lines, apart from the text around it, repairable line by line.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) source: SourceId,
    pub(super) lines: Vec<Line>,
}

/// A line as the parser gets it and how its columns map to those of the source.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) text: String,
    /// The source's line, from 0.
    pub(super) origin: usize,
    /// By how much a column of the source exceeds that of this line; negative where characters
    /// were put in when the line was repaired.
    pub(super) shift: isize,
    /// The first column (of this line) that is shifted.
    pub(super) from: usize,
}

impl Chunk {
    /// Cuts a source into its documents, at the lines that begin with `---` and after `...`.
    /// Documents of nothing but comments are left out.
    pub(super) fn documents(source: &Source, id: SourceId) -> Vec<Self> {
        let lines = (0..source.line_count()).map(|line| Line::new(source.line(line), line));
        cut(id, lines)
    }

    /// The documents inside a literal block, whose lines still stand in the source.
    pub(super) fn in_block(source: &Source, id: SourceId, text: &str, block: Block) -> Vec<Self> {
        let shift = isize::try_from(block.indent).unwrap_or_default();
        let lines = text.lines().enumerate().map(|(at, line)| Line {
            shift,
            ..Line::new(line, (block.first_line + at).min(source.line_count()))
        });
        cut(id, lines)
    }

    /// The whole text, as the parser gets it.
    pub(super) fn text(&self) -> String {
        let size = self.lines.iter().map(|line| line.text.len() + 1).sum();
        let mut text = String::with_capacity(size);
        for line in &self.lines {
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }

    /// The source's byte at a line (from 0) and column (from 0) of this chunk.
    pub(super) fn offset(&self, source: &Source, line: usize, column: usize) -> usize {
        let Some(line) = self.lines.get(line) else {
            // The parser marks the end of its text one line below the last.
            return self.lines.last().map_or(0, |last| source.line_range(last.origin).end);
        };
        let column =
            if column >= line.from { column.saturating_add_signed(line.shift) } else { column };
        source.offset(line.origin, column)
    }

    /// From one line and column to another.
    pub(super) fn span(&self, source: &Source, from: (usize, usize), to: (usize, usize)) -> Span {
        let start = self.offset(source, from.0, from.1);
        let end = self.offset(source, to.0, to.1).max(start);
        Span { source: self.source, start, end }
    }
}

impl Line {
    fn new(text: &str, origin: usize) -> Self {
        Self { text: text.to_owned(), origin, shift: 0, from: 0 }
    }

    /// How many characters of white space it begins with.
    pub(super) fn indent(&self) -> usize {
        self.text.chars().take_while(|c| matches!(c, ' ' | '\t')).count()
    }

    /// Whether it holds nothing, or nothing but a comment.
    pub(super) fn is_blank(&self) -> bool {
        let text = self.text.trim_start();
        text.is_empty() || text.starts_with('#')
    }
}

fn cut(source: SourceId, lines: impl Iterator<Item = Line>) -> Vec<Chunk> {
    let mut chunks = vec![Chunk { source, lines: Vec::new() }];
    let open = |chunks: &mut Vec<Chunk>| chunks.push(Chunk { source, lines: Vec::new() });
    for mut line in lines {
        let marker = |mark: &str| {
            line.text
                .strip_prefix(mark)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
        };
        if marker("---") {
            open(&mut chunks);
        } else if marker("...") {
            line.text.clear();
            open(&mut chunks);
        } else if line.text.starts_with('%') && chunks.last().is_some_and(Chunk::is_blank) {
            // A directive is for parsers of YAML 1.2 and says nothing about the values.
            line.text.clear();
        }
        if let Some(chunk) = chunks.last_mut() {
            // A document of its own may begin with a byte-order mark, as a file may.
            let first = matches!(&chunk.lines[..], [before] if before.text.trim_end() == "---");
            if let Some(rest) = line.text.strip_prefix(MARK).filter(|_| first) {
                line.text = rest.to_owned();
                line.shift += 1;
            }
            chunk.lines.push(line);
        }
    }
    chunks.retain(|chunk| !chunk.is_blank());
    chunks
}

impl Chunk {
    fn is_blank(&self) -> bool {
        self.lines.iter().all(|line| {
            let text = line.text.strip_prefix("---").unwrap_or(&line.text).trim();
            text.is_empty() || text.starts_with('#')
        })
    }
}
