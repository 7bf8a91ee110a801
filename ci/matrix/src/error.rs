//! Why a row, or all of them, could not be tried.

use std::path::PathBuf;

/// Why a row, or all of them, could not be tried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The testbed refused or failed.
    #[error("{0}")]
    Testbed(#[from] testbed::error::Error),
    /// One of the programs could not be built or run, or wrote what can't be read.
    #[error("{0}")]
    Program(String),
    /// A file could not be written.
    #[error("could not write {path}: {source}")]
    Write {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}
