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

/// A value in a file that is to become another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where it stands.
    pub at: Span,
    /// The setting.
    pub field: String,
    /// Its new value.
    pub new: String,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What, in a sentence.
    pub title: String,
    /// What to know about it, in sentences.
    pub text: String,
    /// Commands that can be pasted.
    pub commands: Vec<String>,
}

impl Plan {
    /// Whether the cluster is dual-stack as far as its documents tell.
    pub const fn is_reached(&self) -> bool {
        self.steps.is_empty() && self.changes.is_empty() && self.rebuild.is_none()
    }
}
