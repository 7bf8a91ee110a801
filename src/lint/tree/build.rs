//! From the parser's events to the tree.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use crate::lint::source::{Source, Span, Spanned};

use super::{
    Block, Entry, Flaw, FlawKind, Node, Scalar, ScalarKind, Value, chunk::Chunk, relax::COLON,
};

/// How deep collections may be nested. Kubernetes' objects stay below twenty.
const MAX_DEPTH: usize = 64;
/// How many values a document may have once its aliases are expanded.
const MAX_NODES: usize = 400_000;
/// How many bytes of text an alias repeats as one more value.
const TEXT_OF_A_VALUE: usize = 32;

/// How many values all texts of one run may still hold, aliases expanded: what bounds its memory.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicUsize,
    whole: usize,
}

impl Budget {
    /// A budget of so many values.
    pub(crate) const fn new(values: usize) -> Self {
        Self { left: AtomicUsize::new(values), whole: values }
    }

    /// Takes some values out; false where so many are not left.
    fn take(&self, values: usize) -> bool {
        let less = |left: usize| left.checked_sub(values);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

enum Frame {
    List { start: usize, anchor: usize, items: Vec<Node> },
    Map { start: usize, anchor: usize, entries: Vec<Entry>, key: Key },
}

/// What a mapping waits for.
enum Key {
    /// A key.
    Awaited,
    /// The value of this key.
    Is(Spanned<String>),
    /// The value of a key that is not a scalar, to be thrown away.
    Complex,
}

/// Makes the tree of one chunk.
pub(super) struct Builder<'a> {
    source: &'a Source,
    chunk: &'a Chunk,
    budget: &'a Budget,
    frames: Vec<Frame>,
    anchors: HashMap<usize, (Node, usize)>,
    pub(super) root: Option<Node>,
    nodes: usize,
    /// Nesting below the deepest level that is kept.
    skipped: usize,
    /// Whether a bound was reached; what is open is then closed, and nothing more is read.
    stopped: bool,
    pub(super) flaws: Vec<Flaw>,
    /// The last position asked for: (line, column, byte). Marks mostly move forward, and a walk
    /// from the start of a long line for each of them would be quadratic.
    cursor: (usize, usize, usize),
}

impl<'a> Builder<'a> {
    pub(super) fn new(source: &'a Source, chunk: &'a Chunk, budget: &'a Budget) -> Self {
        Self {
            source,
            chunk,
            budget,
            frames: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            nodes: 0,
            skipped: 0,
            stopped: false,
            flaws: Vec::new(),
            cursor: (usize::MAX, 0, 0),
        }
    }

    /// Takes in the events of a text, up to its end or a bound.
    pub(super) fn run(&mut self, text: &str) -> Result<(), ScanError> {
        let mut parser = Parser::new_from_str(text);
        while let Some(next) = parser.next_event() {
            let (event, span) = next?;
            if !self.event(event, span.start, span.end) {
                break;
            }
        }
        // A stop at a bound leaves collections open; what they hold is still worth reading.
        while !self.frames.is_empty() {
            self.close(None);
        }
        Ok(())
    }

    /// Takes one event in; false at a bound beyond which nothing more is read.
    fn event(&mut self, event: Event<'_>, start: Marker, end: Marker) -> bool {
        if self.skipped > 0 {
            match event {
                Event::SequenceStart(..) | Event::MappingStart(..) => self.skipped += 1,
                Event::SequenceEnd | Event::MappingEnd => self.skipped -= 1,
                _ => {}
            }
            return true;
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let span = self.span(start, end);
                if style == ScalarStyle::Plain && text.starts_with(':') {
                    self.leading_colon(&text, span);
                }
                let kind = match style {
                    ScalarStyle::Plain if tag.is_none() => ScalarKind::of_plain(&text),
                    _ => ScalarKind::String,
                };
                let block =
                    (style == ScalarStyle::Literal).then(|| self.block(&text, start)).flatten();
                let text = match text.contains(COLON) && !self.source.text.contains(COLON) {
                    true => text.replace(COLON, ":"),
                    false => text.into_owned(),
                };
                // Nothing in JSON, to which Kubernetes' reader turns the document.
                let infinite = kind == ScalarKind::Float && text.ends_with(char::is_alphabetic);
                if infinite
                    && !matches!(self.frames.last(), Some(Frame::Map { key: Key::Awaited, .. }))
                {
                    let message = format!("Kubernetes' reader refuses the number `{text}`");
                    self.flaws.push(Flaw::new(FlawKind::Syntax, span, message));
                }
                let value = Value::Scalar(Scalar { text, kind, block });
                self.add(Node { span, value }, anchor, 1)
            }
            Event::SequenceStart(anchor, _) => {
                let start = self.offset(start);
                self.open(start, Frame::List { start, anchor, items: Vec::new() })
            }
            Event::MappingStart(anchor, _) => {
                let start = self.offset(start);
                let frame = Frame::Map { start, anchor, entries: Vec::new(), key: Key::Awaited };
                self.open(start, frame)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let end = self.offset(end);
                self.close(Some(end))
            }
            Event::Alias(anchor) => {
                let span = self.span(start, end);
                match self.anchors.get(&anchor).cloned() {
                    Some((node, size)) => self.add(node, 0, size),
                    None => {
                        self.flaws.push(Flaw::new(
                            FlawKind::TooMuch,
                            span,
                            "this alias refers to a value that contains the alias itself",
                        ));
                        self.add(Node { span, value: null() }, 0, 1)
                    }
                }
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => true,
        }
    }

    /// YAML 1.2 lets a value in `[ ]` begin with a colon, as `::1` does; Kubernetes' reader, which
    /// knows YAML 1.1, does not.
    fn leading_colon(&mut self, text: &str, span: Span) {
        let before = self.source.text.get(..span.start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let count = |marks: [char; 2]| line.matches(marks).count();
        let open = count(['[', '{']) > count([']', '}']);
        if open || before.trim_end().ends_with(['[', ',', '{']) {
            let message = format!(
                "`{text}` begins with a colon, which Kubernetes' YAML reader rejects inside \
                 brackets"
            );
            let flaw = Flaw::new(FlawKind::Syntax, span, message);
            self.flaws.push(flaw.fix(format!("quote it: \"{text}\"")));
        }
    }

    fn open(&mut self, start: usize, frame: Frame) -> bool {
        if self.frames.len() < MAX_DEPTH {
            self.frames.push(frame);
            return true;
        }
        let span = Span { source: self.chunk.source, start, end: start };
        if !self.flaws.iter().any(|flaw| flaw.kind == FlawKind::TooMuch) {
            let message =
                format!("nested more than {MAX_DEPTH} levels deep; not read below this point");
            self.flaws.push(Flaw::new(FlawKind::TooMuch, span, message));
        }
        self.skipped = 1;
        self.add(Node { span, value: null() }, 0, 1)
    }

    fn close(&mut self, end: Option<usize>) -> bool {
        let source = self.chunk.source;
        let to = |start: usize, last: Option<Span>| {
            // A block collection's end is marked where the next token begins; the end of its last
            // entry is what a person sees.
            let end = last.map_or(end.unwrap_or(start), |last| last.end);
            Span { source, start, end: end.max(start) }
        };
        let (node, anchor) = match self.frames.pop() {
            Some(Frame::List { start, anchor, items }) => {
                let span = to(start, items.last().map(|item| item.span));
                (Node { span, value: Value::List(items) }, anchor)
            }
            Some(Frame::Map { start, anchor, mut entries, .. }) => {
                self.find_duplicates(&entries);
                if let Err(span) = merge(&mut entries) {
                    let message = "`<<` wants a mapping, or a list of mappings";
                    self.flaws.push(Flaw::new(FlawKind::Syntax, span, message));
                }
                let span = to(start, entries.last().map(|entry| entry.value.span));
                (Node { span, value: Value::Map(entries) }, anchor)
            }
            None => return true,
        };
        self.add(node, anchor, 1)
    }

    /// Puts a finished value into what is open; `size` is how many values it brings along.
    fn add(&mut self, node: Node, anchor: usize, size: usize) -> bool {
        // What has an anchor is kept twice.
        let kept = if anchor == 0 { 0 } else { weight(&node) };
        let size = size.saturating_add(kept);
        self.nodes = self.nodes.saturating_add(size);
        if !self.stopped && (self.nodes > MAX_NODES || !self.budget.take(size)) {
            self.stopped = true;
            let flaw = self.too_much(node.span);
            self.flaws.push(flaw);
            return false;
        }
        if anchor != 0 && !self.stopped {
            self.anchors.insert(anchor, (node.clone(), kept));
        }
        if let Some(Frame::Map { key: Key::Awaited, .. }) = self.frames.last() {
            self.no_key(&node);
        }
        match self.frames.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, key, .. }) => {
                *key = match std::mem::replace(key, Key::Awaited) {
                    Key::Awaited => match &node.value {
                        Value::Scalar(scalar) => {
                            Key::Is(Spanned::new(scalar.text.clone(), node.span))
                        }
                        _ => Key::Complex,
                    },
                    Key::Is(key) => {
                        entries.push(Entry { key, value: node });
                        Key::Awaited
                    }
                    Key::Complex => Key::Awaited,
                };
            }
        }
        true
    }

    /// Keys that YAML has, and Kubernetes' reader rejects: nothing, lists and mappings.
    fn no_key(&mut self, node: &Node) {
        let before = self.source.text.get(..node.span.start).unwrap_or_default();
        let message = match &node.value {
            Value::Scalar(scalar) if scalar.kind != ScalarKind::Null => {
                if self.is_torn(node.span) && !before.trim_end().ends_with('?') {
                    let message = "a key and its `:` must be on one line";
                    self.flaws.push(Flaw::new(FlawKind::Syntax, node.span, message));
                }
                return;
            }
            Value::Scalar(scalar) if scalar.text.is_empty() => "a key is missing before the `:`",
            Value::Scalar(_) => "null can't be a key",
            // A template's `{{ name }}` has a flaw of its own.
            _ if before.ends_with('{') => return,
            _ => "a list or a mapping can't be a key",
        };
        self.flaws.push(Flaw::new(FlawKind::Syntax, node.span, message));
    }

    /// Whether a line ends within a key, or between it and its `:`.
    fn is_torn(&self, key: Span) -> bool {
        let text = &self.source.text;
        let inside = text.get(key.start..key.end).is_some_and(|key| key.contains('\n'));
        let after = text.get(key.end..).unwrap_or_default();
        let blank = &after[..after.len() - after.trim_start().len()];
        inside || (blank.contains('\n') && after.trim_start().starts_with(':'))
    }

    fn too_much(&self, span: Span) -> Flaw {
        if self.nodes > MAX_NODES {
            let message = format!(
                "more than {MAX_NODES} values once aliases are expanded; not read beyond this point"
            );
            Flaw::new(FlawKind::TooMuch, span, message)
        } else {
            let whole = self.budget.whole;
            let message =
                format!("more than {whole} values in all files; not read beyond this point");
            Flaw::new(FlawKind::TooMuch, span, message)
                .fix("name only the files with the configuration")
        }
    }

    fn find_duplicates(&mut self, entries: &[Entry]) {
        if entries.len() < 2 {
            return;
        }
        let mut seen = HashMap::with_capacity(entries.len());
        for Entry { key, .. } in entries {
            if let Some(first) = seen.insert(key.value.as_str(), key.span) {
                let message = format!("the key `{}` appears twice in this mapping", key.value);
                self.flaws.push(
                    Flaw::new(FlawKind::DuplicateKey, key.span, message).also(first, "first here"),
                );
            }
        }
    }

    /// Where the lines of a literal block stand. It is marked where its first line with content
    /// begins; empty lines before that belong to it too.
    fn block(&self, text: &str, start: Marker) -> Option<Block> {
        let line = self.chunk.lines.get(start.line().checked_sub(1)?)?;
        let empty = text.bytes().take_while(|byte| *byte == b'\n').count();
        let indent = start.col().saturating_add_signed(line.shift);
        Some(Block { first_line: line.origin.checked_sub(empty)?, indent })
    }

    fn span(&mut self, start: Marker, end: Marker) -> Span {
        let (start, end) = (self.offset(start), self.offset(end));
        let source = self.chunk.source;
        let end = end.max(start);
        // The end of a plain scalar may be marked after the white space that follows it.
        let text = self.source.text.get(start..end).unwrap_or_default();
        Span { source, start, end: start + text.trim_end().len() }
    }

    fn offset(&mut self, mark: Marker) -> usize {
        let (line, column) = (mark.line().saturating_sub(1), mark.col());
        let plain = self.chunk.lines.get(line).is_some_and(|line| line.shift == 0);
        let (at_line, at_column, at_byte) = self.cursor;
        let offset = if plain && line == at_line && column >= at_column {
            let rest = self.source.text.get(at_byte..).unwrap_or_default();
            let line_end = rest.find('\n').filter(|_| column > at_column).unwrap_or(rest.len());
            let rest = &rest[..line_end];
            at_byte
                + rest.char_indices().nth(column - at_column).map_or(rest.len(), |(byte, _)| byte)
        } else {
            self.chunk.offset(self.source, line, column)
        };
        self.cursor = if plain { (line, column, offset) } else { (usize::MAX, 0, 0) };
        offset
    }
}

const fn null() -> Value {
    Value::Scalar(Scalar { text: String::new(), kind: ScalarKind::Null, block: None })
}

/// How much a value counts that is kept once more: its values, and its text by length.
fn weight(node: &Node) -> usize {
    let text = |text: &str| 1 + text.len() / TEXT_OF_A_VALUE;
    match &node.value {
        Value::Scalar(scalar) => text(&scalar.text),
        Value::List(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Map(entries) => {
            let entry = |entry: &Entry| text(&entry.key.value) + weight(&entry.value);
            1 + entries.iter().map(entry).sum::<usize>()
        }
    }
}

/// Applies the merge key `<<`: keys of the mappings it names are taken over unless they are there. What
/// is no mapping is refused, with its place.
fn merge(entries: &mut Vec<Entry>) -> Result<(), Span> {
    let Some(at) = entries.iter().position(|entry| entry.key.value == "<<") else { return Ok(()) };
    let Entry { key, value: merged } = entries.remove(at);
    if matches!(merged.value, Value::Scalar(_)) {
        return Err(key.span);
    }
    let maps = match &merged.value {
        Value::List(items) => items.iter().collect(),
        _ => vec![&merged],
    };
    for map in maps {
        for entry in map.entries() {
            if !entries.iter().any(|own| own.key.value == entry.key.value) {
                entries.push(entry.clone());
            }
        }
    }
    Ok(())
}
