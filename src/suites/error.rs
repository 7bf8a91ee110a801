//! Why a suite can't be used.

use std::io;

use super::{embedded::EMBEDDED, names::UnknownCheck};

/// Why a suite, or a selection of its checks, can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// Neither a built-in suite nor a file.
    #[error(
        "suite `{name}` not found: it is neither a file nor one of the built-in suites ({})",
        embedded_names()
    )]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A file that can't be read.
    #[error("cannot read the suite {path}: {error}")]
    Read {
        /// The path.
        path: String,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// A file that is not a suite.
    #[error("invalid suite {origin}: {reason}")]
    Invalid {
        /// The file, or the built-in suite.
        origin: String,
        /// What is wrong, with line and column where it has a place.
        reason: String,
    },
    /// A selection of a check that doesn't exist.
    #[error(transparent)]
    UnknownCheck(#[from] UnknownCheck),
    /// A selection of a check that tests Services of the operator's, and none is named.
    #[error("{name} tests your own Services, but none is given; add --target NAMESPACE/NAME")]
    NoTarget {
        /// What was asked for.
        name: String,
    },
    /// A selection of a check that compares the families' times, and no limit is given.
    #[error(
        "{name} compares the families' times with a limit, but none is given; set one with --max-family-gap, \
         such as 200ms or 2x"
    )]
    NoLimit {
        /// What was asked for.
        name: String,
    },
    /// A selection of a check that isn't in the suite.
    #[error("suite {suite} does not include {name}; it includes {holds}")]
    NotInSuite {
        /// The suite.
        suite: String,
        /// What was asked for.
        name: String,
        /// Its checks.
        holds: String,
    },
}

fn embedded_names() -> String {
    EMBEDDED.map(|(name, _)| name).join(", ")
}
