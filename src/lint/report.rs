//! What came of linting, as data.

use std::collections::BTreeMap;

use super::{
    capacity::Room,
    goal::Plan,
    rules::{Finding, Level},
    source::{Sources, Span},
};

/// Something that a document says, in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// Where it says so.
    pub span: Span,
    /// What it says.
    pub text: String,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The texts that were read.
    pub sources: Sources,
    /// The findings, by place.
    pub findings: Vec<Finding>,
    /// How many findings comments or `--allow` let pass.
    pub allowed: usize,
    /// How many files were read.
    pub files: usize,
    /// How many documents were understood.
    pub understood: usize,
    /// How many documents say nothing about the network, or are of an unknown kind.
    pub ignored: usize,
    /// How many documents are of unknown kinds, by kind.
    pub unknown: BTreeMap<String, usize>,
    /// How many documents have no kind, and no keys that tell what they are.
    pub without_kind: usize,
    /// How many templates and patches were found in directories, and skipped.
    pub templates: usize,
    /// What was understood of the documents, by place.
    pub statements: Vec<Statement>,
    /// What was left out on the way, and why.
    pub skipped: Vec<String>,
    /// What the ranges of each cluster allow.
    pub capacity: Vec<Room>,
    /// How each cluster becomes dual-stack.
    pub plans: Vec<Plan>,
}

/// How a report ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No errors; there may be warnings and notes.
    Clean,
    /// At least one error.
    Errors,
    /// There was nothing to lint, which is not a pass.
    NothingToLint,
}

impl Report {
    /// How many findings have a level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    /// How it ends.
    pub fn outcome(&self) -> Outcome {
        if self.count(Level::Error) > 0 {
            Outcome::Errors
        } else if self.understood == 0 {
            Outcome::NothingToLint
        } else {
            Outcome::Clean
        }
    }
}
