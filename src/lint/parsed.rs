//! A file between its reading and its meaning.

use std::path::PathBuf;

use super::{
    source::Source,
    tree::{Document, Flaw},
};

/// One text and what was read of it.
pub(super) struct Parsed {
    pub(super) source: Source,
    pub(super) path: Option<PathBuf>,
    pub(super) documents: Vec<Document>,
    pub(super) flaws: Vec<Flaw>,
    /// Whether it holds command lines, and no documents.
    pub(super) script: bool,
    /// Whether it was found in a directory, and not named by itself.
    pub(super) found: bool,
}
