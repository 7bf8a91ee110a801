//! Why nothing was linted.

use std::path::PathBuf;

use thiserror::Error;

/// Why nothing was linted.
#[derive(Debug, Error)]
pub enum LintError {
    /// `--allow` or `--deny` names what does not exist.
    #[error("unknown rule {0}: `dualstack lint --rules` lists all rules")]
    UnknownRule(String),
    /// A path that was named doesn't exist, or can't be reached.
    #[error("cannot read {path}: {cause}")]
    Path {
        /// The path as it was named.
        path: String,
        /// Why not.
        cause: String,
    },
    /// The repository's settings can't be used.
    #[error("can't use {path}: {cause}")]
    Settings {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
    /// A file could not be fixed.
    #[error("can't fix {path}: {cause}")]
    Fix {
        /// The file.
        path: String,
        /// Why not.
        cause: std::io::Error,
    },
    /// A report could not be put into its form.
    #[error("can't write the report: {0}")]
    Write(#[from] std::io::Error),
}
