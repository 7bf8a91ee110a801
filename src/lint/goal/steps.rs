//! What a plan is made of.

use crate::lint::source::Span;

/// What a cluster is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Goal {
    /// Pods, Services and nodes with IPv4 and IPv6.
    DualStack,
}

/// How a cluster becomes dual-stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the cluster is: its tool, version, families and nodes.
    pub cluster: String,
    /// Why it can't become dual-stack as it is, and the page that says so.
    pub rebuild: Option<(String, &'static str)>,
    /// What can't be changed in place.
    pub fixed: Vec<String>,
    /// What its files must say: for a cluster that is still to be built, or to be built anew.
    pub changes: Vec<Change>,
    /// What is to be done, in order; nothing where the goal is reached.
    pub steps: Vec<Step>,
    /// Where that is written.
    pub sources: Vec<&'static str>,
}

/// What a file is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where what is changed stands, or the place beside which it is added.
    pub at: Span,
    /// What becomes of it.
    pub how: How,
    /// The setting.
    pub field: String,
    /// Its new value as it is to be written, or its new name.
    pub new: String,
}

/// In which way a file is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A value becomes another one.
    Value,
    /// A setting gets another name and keeps its value.
    Name,
    /// A setting is added.
    Add,
    /// A document is added.
    Document,
}

impl Change {
    /// A setting that is added.
    pub(super) fn add(at: Span, field: impl Into<String>, new: impl Into<String>) -> Self {
        Self { at, how: How::Add, field: field.into(), new: new.into() }
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What, in a sentence.
    pub title: String,
    /// What to know about it, in sentences.
    pub text: String,
    /// How, in order.
    pub actions: Vec<Action>,
}

/// A part of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A command that can be pasted.
    Run(String),
    /// Lines that a file or a document is to hold.
    Write {
        /// Where, in words that follow "in".
        place: String,
        /// The lines.
        lines: Vec<String>,
    },
}

impl Action {
    /// A command.
    pub(super) fn run(command: impl Into<String>) -> Self {
        Self::Run(command.into())
    }

    /// Lines of a file.
    pub(super) fn write(
        place: impl Into<String>,
        lines: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let lines = lines.into_iter().map(Into::into).collect();
        Self::Write { place: place.into(), lines }
    }
}

/// A step.
pub(super) fn step(
    title: impl Into<String>,
    text: impl Into<String>,
    actions: Vec<Action>,
) -> Step {
    Step { title: title.into(), text: text.into(), actions }
}

impl Plan {
    /// Whether the cluster is dual-stack as far as its documents tell.
    pub const fn is_reached(&self) -> bool {
        self.steps.is_empty() && self.changes.is_empty() && self.rebuild.is_none()
    }
}
