//! Forms that YAML 1.2 forbids and that Kubernetes' reader takes.
//!
//! `sigs.k8s.io/yaml` (go-yaml, a port of libyaml) does not look at the indentation of lines that
//! continue a flow collection or a quoted scalar: a `]` may stand in its key's column. White space
//! at the beginning of such a line means nothing, so that the line is indented for the parser as
//! deep as YAML 1.2 wants it.

use super::chunk::{Chunk, Line};

/// Stands for a colon that ends a plain scalar inside brackets, where YAML 1.2 takes it for the end
/// of a key: `{b: fd00::}`. It is of private use, and one character as the colon is.
pub(super) const COLON: char = '\u{E03A}';

/// Indents the lines that continue flow collections and quoted scalars. False if that changes
/// nothing.
pub(super) fn relax(chunk: &mut Chunk) -> bool {
    let mut scanner = Scanner::default();
    let mut changed = false;
    for line in &mut chunk.lines {
        if let Some(column) = scanner.continued() {
            if !line.text.trim().is_empty() {
                changed |= indent(line, column + 1);
            } else if line.text.contains('\t') {
                line.text.clear();
                changed = true;
            }
        }
        // A tab may stand between a key and its value; it becomes one space, so that no column
        // moves.
        if scanner.quote.is_none() && line.text.contains(":\t") {
            line.text = line.text.replace(":\t", ": ");
            changed = true;
        }
        let alias = scanner.continued().is_none() && scanner.block.is_none();
        let Differences { colons, comment } = scanner.line(&line.text);
        if !colons.is_empty() {
            let own = |(column, c)| if colons.contains(&column) { COLON } else { c };
            line.text = line.text.chars().enumerate().map(own).collect();
            changed = true;
        }
        if let Some(column) = comment {
            line.text = line.text.chars().take(column).collect();
            changed = true;
        }
        changed |= alias && alias_key(line);
    }
    changed
}

/// The name of an alias has no colon in it for Kubernetes' reader: `*a: 1` has the key `*a`.
fn alias_key(line: &mut Line) -> bool {
    let depth = line.indent();
    let Some((name, rest)) = line.text.split_once(':') else { return false };
    let Some(alias) = name.get(depth..).and_then(|own| own.strip_prefix('*')) else { return false };
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if alias.is_empty() || !alias.chars().all(word) || rest.starts_with(|c: char| c != ' ') {
        return false;
    }
    let column = name.chars().count();
    line.text = format!("{name} :{rest}");
    if line.shift == 0 {
        line.from = column + 1;
    }
    line.shift -= 1;
    true
}

/// Lines on which a tab stands where a token could begin: nothing but white space or a comment is
/// behind it, or it follows a list's dash. YAML 1.2 allows that, and Kubernetes' reader does not.
/// Each is told by its number and the tab's column.
pub(super) fn tabs(chunk: &Chunk) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let suspect = |line: &Line| {
        let inner = line.text.trim_start_matches([' ', '-']);
        inner.starts_with('\t')
    };
    if !chunk.lines.iter().any(suspect) {
        return found;
    }
    let mut scanner = Scanner::default();
    // Whether the next line with anything in it tells how deep a block scalar is.
    let mut undecided = false;
    // The least depth of a line that still belongs to the plain scalar before it.
    let mut plain = None;
    for (number, line) in chunk.lines.iter().enumerate() {
        let open = scanner.continued().is_some();
        let text = line.text.trim_end_matches('\r');
        let blank = line.is_blank();
        let column = text.chars().take_while(|c| *c == ' ').count();
        let inside = scanner.holds(text) || plain.is_some_and(|least| blank && column >= least);
        if !open && !inside {
            found.extend(token_tab(text).map(|column| (number, column)));
        }
        let tab = text.get(column..).is_some_and(|rest| rest.starts_with('\t'));
        if undecided && inside && tab {
            found.push((number, column));
        }
        undecided &= inside && !tab && text.trim().is_empty();
        let before = scanner.block.filter(|_| inside);
        scanner.line(text);
        if scanner.block.is_some() && before.is_none() {
            let header = text.rsplit(['|', '>']).next().unwrap_or_default();
            undecided = !header.starts_with(|c: char| c.is_ascii_digit())
                && !header.get(1..2).is_some_and(|c| c.chars().all(|c| c.is_ascii_digit()));
        }
        if !blank {
            plain = scanner.plain.map(|parent| parent + 1);
        } else if text.trim_start().starts_with('#') {
            plain = None;
        }
    }
    found
}

/// The column of a tab before the first token of a line, where the line has nothing behind it, or
/// of one that follows a dash.
fn token_tab(text: &str) -> Option<usize> {
    let mut dash = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            ' ' => {}
            '\t' => {
                let rest = text.get(at..)?.trim_start();
                return (dash || rest.is_empty() || rest.starts_with('#')).then_some(at);
            }
            '-' if characters.peek().is_none_or(|(_, next)| matches!(next, ' ' | '\t')) => {
                dash = true;
            }
            _ => return None,
        }
    }
    None
}

/// What a line holds that YAML 1.2 reads otherwise.
struct Differences {
    /// The columns of colons that end plain scalars inside brackets.
    colons: Vec<usize>,
    /// The column of a comment right behind a bracket or a quote.
    comment: Option<usize>,
}

fn indent(line: &mut Line, wanted: usize) -> bool {
    let has = line.text.chars().take_while(|c| *c == ' ').count();
    let Some(lacking) = wanted.checked_sub(has).filter(|lacking| *lacking > 0) else {
        return false;
    };
    line.text.insert_str(0, &" ".repeat(lacking));
    line.shift -= isize::try_from(lacking).unwrap_or_default();
    line.from = 0;
    true
}

/// What is open where a line ends.
#[derive(Default)]
struct Scanner {
    /// The quote that is open.
    quote: Option<char>,
    /// How many flow collections are open.
    flow: usize,
    /// The column at which the outermost of what is open began.
    column: usize,
    /// The indentation of what holds a block scalar, whose lines are deeper.
    block: Option<usize>,
    /// The indentation of what holds the plain scalar in which the last line ended, if it did.
    plain: Option<usize>,
}

impl Scanner {
    /// The column at which something began that the next line continues.
    fn continued(&self) -> Option<usize> {
        (self.quote.is_some() || self.flow > 0).then_some(self.column)
    }

    /// Whether a line belongs to a block scalar.
    fn holds(&self, text: &str) -> bool {
        let depth = text.chars().take_while(|c| *c == ' ').count();
        self.block.is_some_and(|parent| text.trim().is_empty() || depth > parent)
    }

    /// Reads a line.
    fn line(&mut self, text: &str) -> Differences {
        let mut odd = Differences { colons: Vec::new(), comment: None };
        let depth = text.chars().take_while(|c| *c == ' ').count();
        if self.holds(text) {
            return odd;
        }
        self.block = None;
        self.plain = None;
        // Whether the line has a key.
        let mut keyed = false;
        // Whether a value of brackets or quotes ended just before.
        let mut closed = false;
        // Whether a value can begin here, and the character before.
        let mut fresh = true;
        let mut before = ' ';
        let mut characters = text.chars().enumerate().peekable();
        while let Some((column, character)) = characters.next() {
            if let Some(quote) = self.quote {
                if quote == '"' && character == '\\' {
                    characters.next();
                } else if character == quote {
                    let doubled =
                        quote == '\'' && characters.peek().is_some_and(|(_, c)| *c == '\'');
                    if doubled {
                        characters.next();
                    } else {
                        self.quote = None;
                        fresh = false;
                        closed = true;
                    }
                }
                before = character;
                continue;
            }
            let behind = std::mem::take(&mut closed);
            let next = characters.peek().map(|(_, next)| *next);
            let spaced = next.is_none_or(char::is_whitespace);
            match character {
                '#' if before.is_whitespace() => {
                    self.plain = None;
                    break;
                }
                '#' if behind => {
                    odd.comment = Some(column);
                    break;
                }
                ' ' | '\t' => {}
                '"' | '\'' if fresh => {
                    self.open(column);
                    self.quote = Some(character);
                }
                '[' | '{' if fresh || self.flow > 0 => {
                    self.open(column);
                    self.flow += 1;
                    fresh = true;
                }
                ']' | '}' if self.flow > 0 => {
                    self.flow -= 1;
                    fresh = false;
                    closed = true;
                }
                ',' if self.flow > 0 => fresh = true,
                ':' if self.flow > 0
                    && !fresh
                    && !matches!(before, '"' | '\'' | ']' | '}')
                    && matches!(next, Some(',' | ']' | '}')) =>
                {
                    odd.colons.push(column);
                }
                ':' if self.flow > 0 && next == Some(':') && !fresh => {}
                ':' if spaced || self.flow > 0 => {
                    fresh = true;
                    keyed = true;
                    self.plain = None;
                }
                '-' | '?' if fresh && spaced => {}
                // A tag or an anchor stands before the value.
                '!' | '&' if fresh => {
                    while characters.peek().is_some_and(|(_, next)| !next.is_whitespace()) {
                        characters.next();
                    }
                }
                '|' | '>' if fresh && self.flow == 0 => {
                    self.block = Some(parent(text, depth));
                    break;
                }
                _ => {
                    if fresh && self.flow == 0 {
                        self.plain = Some(holder(text, depth, keyed));
                    }
                    fresh = false;
                }
            }
            before = character;
        }
        odd
    }

    fn open(&mut self, column: usize) {
        if self.flow == 0 {
            self.column = column;
        }
    }
}

/// The column of the key that a line's value belongs to: behind the dashes of list entries, unless
/// the value is an entry itself.
fn parent(text: &str, depth: usize) -> usize {
    let mut column = depth;
    let mut rest = text.get(depth..).unwrap_or_default();
    while let Some(entry) = rest.strip_prefix("- ") {
        let inner = entry.trim_start();
        if inner.starts_with(['|', '>']) {
            return column;
        }
        column += rest.len() - inner.len();
        rest = inner;
    }
    column
}

/// The column of what holds the plain value of a line: its key, or the last dash before it.
fn holder(text: &str, depth: usize, keyed: bool) -> usize {
    let mut column = depth;
    let mut last = depth;
    let mut rest = text.get(depth..).unwrap_or_default();
    while let Some(entry) = rest.strip_prefix("- ") {
        last = column;
        let inner = entry.trim_start();
        column += rest.len() - inner.len();
        rest = inner;
    }
    if keyed { column } else { last }
}

#[cfg(test)]
mod tests {
    use crate::lint::{
        source::{Source, Sources, Span},
        tree::{Budget, Node, parse},
    };

    /// Reads a text, which must be read without a flaw.
    fn read(text: &str) -> (Source, Node) {
        let mut sources = Sources::default();
        let source = Source::new("a", true, text.to_owned());
        let id = sources.add(source.clone());
        let mut flaws = Vec::new();
        let mut documents = parse(&source, id, None, &Budget::new(1000), &mut flaws);
        assert_eq!(flaws, [], "{text}");
        (source, documents.remove(0).root)
    }

    #[test]
    fn a_bracket_may_stand_in_its_keys_column() {
        let (source, root) = read("a:\n  b: [\n    1,\n  2\n  ]\n  c: {\n  d: e\n}\n");
        let items = root.at(&["a", "b"]).unwrap().items();
        assert_eq!(items.len(), 2);
        let Span { start, end, .. } = items[1].span;
        assert_eq!(&source.text[start..end], "2");
        assert_eq!(root.at(&["a", "c", "d"]).and_then(Node::str), Some("e"));
    }

    #[test]
    fn a_tab_may_stand_between_a_key_and_its_value() {
        let (_, root) = read("a:\tb\nc:\t\td\n");
        assert_eq!(root.get("a").and_then(Node::str), Some("b"));
        assert_eq!(root.get("c").and_then(Node::str), Some("d"));
    }

    #[test]
    fn a_plain_scalar_in_brackets_may_end_in_colons() {
        let (source, root) =
            read("a: {b: fd00::, c: [fd01::, fd02::]}\nd: [\n  x::1,\n  fd03::]\n");
        assert_eq!(root.at(&["a", "b"]).and_then(Node::str), Some("fd00::"));
        let items = root.at(&["a", "c"]).unwrap().items();
        assert_eq!(items.iter().filter_map(Node::str).collect::<Vec<_>>(), ["fd01::", "fd02::"]);
        let Span { start, end, .. } = items[1].span;
        assert_eq!(&source.text[start..end], "fd02::");
    }

    #[test]
    fn a_quoted_scalar_may_go_on_in_the_first_column() {
        let (_, root) = read("a:\n  - b: '{\n  \"c\": 1\n}'\n  - d: \"x\ny\"\n");
        assert_eq!(root.at(&["a"]).unwrap().items().len(), 2);
        assert_eq!(root.at(&["a"]).unwrap().items()[1].get("d").and_then(Node::str), Some("x y"));
    }

    #[test]
    fn an_aliass_name_ends_at_a_colon_and_a_comment_may_follow_a_bracket() {
        let (source, root) = read("a: &x y\n*x: [1]#c\nb: 2\n");
        assert_eq!(root.get("b").and_then(Node::str), Some("2"));
        let entry = root.entries().iter().find(|entry| !entry.value.items().is_empty()).unwrap();
        let Span { start, end, .. } = entry.value.items()[0].span;
        assert_eq!(&source.text[start..end], "1");
    }

    #[test]
    fn quotes_in_comments_in_plain_words_and_in_blocks_open_nothing() {
        let text = "a: it's # \"so\nb: |\n  [ \"\nc: [\n  x, # it's\n]\nd: don't [\ne: 1\n";
        let (_, root) = read(text);
        assert_eq!(root.get("e").and_then(Node::str), Some("1"));
        assert_eq!(root.get("c").unwrap().items().len(), 1);
    }
}
