//! What can go wrong, each as one clear sentence.

use std::{
    io,
    path::{Path, PathBuf},
};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything the testbed can fail at.
///
/// The texts are fragments that follow `error: `; where a log tells more, its last lines are kept
/// apart in [`Error::log_tail`], so that they can be shown below the sentence.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine lacks something; all of it is named at once.
    #[error("this machine can't run the testbed: {}", .0.join("; "))]
    Unfit(Vec<String>),

    /// A file, directory or kernel interface didn't do what was asked.
    #[error("could not {what}: {source}")]
    Io {
        /// What was tried, and on what.
        what: String,
        /// What came back.
        source: io::Error,
    },

    /// A command ended with an error.
    #[error("{what} failed ({status}){}", .log.as_ref().map_or_else(String::new, |p| format!("; its \
     log is {}", p.display())))]
    Command {
        /// What the command was to do.
        what: String,
        /// How it ended, such as `exit status: 1`.
        status: String,
        /// The file that holds all of its output, if there is one.
        log: Option<PathBuf>,
        /// The last lines of its output.
        tail: String,
    },

    /// Something that was waited for did not come about.
    #[error("timed out after {seconds} s waiting for {what}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// For how long.
        seconds: u64,
        /// The last lines of the log that tells more, or nothing.
        tail: String,
    },

    /// The cluster isn't there, or isn't running.
    #[error("cluster '{name}' {state}; `testbed --name {name} up` brings it up")]
    NotUp {
        /// The cluster's name.
        name: String,
        /// `does not exist` or `is not running`.
        state: &'static str,
    },

    /// A component or image can't be made of what there is.
    #[error("could not build {what}: {reason}")]
    Artefact {
        /// What was to be made, such as `kubernetes v1.36.3`.
        what: String,
        /// What is wrong, and what to do.
        reason: String,
    },

    /// A component or image isn't in a cache that was only to be looked into.
    #[error("{0} has not been built yet")]
    Missing(String),

    /// The making of a component or image was stopped, because another step failed.
    #[error("{0} was stopped")]
    Stopped(String),

    /// The request is invalid, or can't be met on this cluster.
    #[error("{0}")]
    Invalid(String),

    /// A file of the testbed's own could not be read or written as JSON or YAML.
    #[error("could not {what}: {reason}")]
    Format {
        /// What was tried, and on what.
        what: String,
        /// What the parser or serialiser said.
        reason: String,
    },
}

impl Error {
    /// The last lines of the log that belongs to the error; empty where there is none.
    pub fn log_tail(&self) -> &str {
        match self {
            Self::Command { tail, .. } | Self::Timeout { tail, .. } => tail,
            _ => "",
        }
    }

    /// Turns an I/O error into one that says what was tried on which file.
    pub(crate) fn io(action: &str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{action} {}", path.as_ref().display());
        move |source| Self::Io { what, source }
    }
}

/// Gives an I/O error the words that say what was tried.
pub(crate) trait Context<T> {
    /// Turns the error into [`Error::Io`]; `what` completes "could not …".
    fn context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<io::Error>> Context<T> for Result<T, E> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| Error::Io { what: what(), source: e.into() })
    }
}
