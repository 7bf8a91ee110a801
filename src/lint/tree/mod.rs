//! A marked tree: what a YAML or JSON text says, with the position of every key and value.
//!
//! Unlike a serde parse it survives errors. A text is cut into documents first, at the lines that
//! begin with `---`, as Kubernetes' own readers cut it, so that a mistake in one document can't
//! hide the next. Within a document a mistake is reported where it began, repaired in memory and
//! read past, as long as that leads anywhere.

mod build;
mod chunk;
mod parse;
mod relax;
mod repair;
mod scalar;

pub(super) use build::Budget;
pub(super) use parse::{Document, parse};
pub(super) use scalar::ScalarKind;

use super::source::{Edit, Span, Spanned};

/// A value in the tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// Where it is; for a collection, from its first to its last entry.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order in which it was written; keys that are not scalars are left out.
    Map(Vec<Entry>),
}

/// One key of a mapping and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub key: Spanned<String>,
    /// The value.
    pub value: Node,
}

/// A single value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    /// The text after unquoting and unfolding.
    pub text: String,
    /// What type it has for Kubernetes' YAML reader.
    pub kind: ScalarKind,
    /// For a literal block (`|`): where its lines stand, so that a document inside it keeps its
    /// positions.
    pub block: Option<Block>,
}

/// Where the lines of a literal block stand in their source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The source's line (from 0) of the first content line.
    pub first_line: usize,
    /// By how many characters the lines are indented.
    pub indent: usize,
}

impl Node {
    /// A single value that stands in a text otherwise than as YAML: in a flag, in a path.
    pub(super) fn leaf(text: &Spanned<String>) -> Self {
        let kind = ScalarKind::of_plain(&text.value);
        let scalar = Scalar { text: text.value.clone(), kind, block: None };
        Self { span: text.span, value: Value::Scalar(scalar) }
    }

    /// The value of a key, if this is a mapping that has it. Of a duplicate key the last counts,
    /// as it does for Kubernetes' readers where they accept one.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key with its value, if this is a mapping that has it.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().rev().find(|entry| entry.key.value == key)
    }

    /// The value at the end of a path of keys.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The entries of a mapping; none for anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The scalar, if it is one.
    pub(super) const fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text of a scalar that is not null, whatever its type, with its position.
    pub(super) fn text(&self) -> Option<Spanned<String>> {
        let scalar = self.scalar()?;
        (scalar.kind != ScalarKind::Null).then(|| Spanned::new(scalar.text.clone(), self.span))
    }

    /// The text of a scalar that is not null, without its position.
    pub(super) fn str(&self) -> Option<&str> {
        self.scalar().filter(|scalar| scalar.kind != ScalarKind::Null).map(|s| s.text.as_str())
    }

    /// What it is, as a person says it: `a list`, `the number 24`.
    pub(super) fn describe(&self) -> String {
        match &self.value {
            Value::Map(_) => "a mapping".into(),
            Value::List(_) => "a list".into(),
            Value::Scalar(scalar) => match scalar.kind {
                ScalarKind::Null => "null".into(),
                ScalarKind::Bool => format!("the boolean `{}`", scalar.text),
                ScalarKind::Int | ScalarKind::Float => format!("the number `{}`", scalar.text),
                ScalarKind::String => "a string".into(),
            },
        }
    }
}

/// A mistake in the text itself, or a limit that it hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// What kind of mistake.
    pub kind: FlawKind,
    /// Where it began.
    pub span: Span,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// What to do, where more can be said than the kind says.
    pub fix: Option<String>,
    /// Another place that belongs to it, and why.
    pub also: Option<(Span, String)>,
    /// The change that fixes it, where there is one right answer.
    pub edit: Option<Edit>,
    /// The program that reads the document, where the mistake is one of its fields.
    pub reader: Option<&'static str>,
}

/// The kinds of mistakes that a text can hold, before any rule looks at what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlawKind {
    /// Not YAML (nor JSON).
    Syntax,
    /// Not YAML yet: a template that is still to be rendered.
    Template,
    /// A key that appears twice in one mapping.
    DuplicateKey,
    /// A bound was reached: nesting, aliases, number of values.
    TooMuch,
    /// A field that its type doesn't have.
    UnknownField,
    /// A value of another type than its field's.
    WrongType,
    /// A file that can't be read, or isn't text.
    Unreadable,
    /// A file without a document.
    Empty,
    /// A document that its program does not read.
    Unread,
    /// A `# dualstack: allow` comment that names no rule, gives no reason, or allows nothing.
    AllowComment,
}

impl Flaw {
    /// A flaw with nothing more to say than its message.
    pub fn new(kind: FlawKind, span: Span, message: impl Into<String>) -> Self {
        Self {
            kind,
            span,
            message: message.into(),
            fix: None,
            also: None,
            edit: None,
            reader: None,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Says which program reads the document.
    #[must_use]
    pub fn reader(mut self, reader: &'static str) -> Self {
        self.reader = Some(reader);
        self
    }

    /// Says what its text must become.
    #[must_use]
    pub fn edit(mut self, edit: Edit) -> Self {
        self.edit = Some(edit);
        self
    }

    /// Adds another place and why it belongs here.
    #[must_use]
    pub fn also(mut self, span: Span, why: impl Into<String>) -> Self {
        self.also = Some((span, why.into()));
        self
    }
}
