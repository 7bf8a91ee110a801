//! Why an artefact could not be made.

use std::io;
use std::path::{Path, PathBuf};

/// Why an artefact is not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A command of a step failed. `tail` holds the last lines of `log`, oldest first.
    #[error("{step} failed: `{command}` {outcome}; its log is {}", log.display())]
    Command {
        /// The step, such as `kubelet v1.36.3`.
        step: String,
        /// The command with its arguments, as a shell would take it.
        command: String,
        /// How it ended: `exited with code 2`, `was killed by signal 9`, or why it could not be started.
        outcome: String,
        /// The last lines that it wrote.
        tail: Vec<String>,
        /// Where all that it wrote is kept.
        log: PathBuf,
    },
    /// A file or directory could not be read or written.
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `create`, `rename`, …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What came back.
        source: io::Error,
    },
    /// Something that a step was given or made is not as it must be.
    #[error("{step} failed: {reason}")]
    Content {
        /// The step.
        step: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// It was stopped, because another step failed.
    #[error("{step} was stopped")]
    Stopped {
        /// The step.
        step: String,
    },
    /// It is not in a cache that was only to be looked into.
    #[error("{step} has not been made yet")]
    Missing {
        /// The step that would make it.
        step: String,
    },
    /// An image could not be written.
    #[error(transparent)]
    Image(#[from] crate::images::Error),
    /// No directory to keep artefacts in is known.
    #[error(
        "neither TESTBED_CACHE nor XDG_CACHE_HOME nor HOME is set: set TESTBED_CACHE to a directory with 12 GiB free"
    )]
    NoCache,
    /// A minor that there are no components for.
    #[error("Kubernetes {asked} can't be built here: choose one of {known}")]
    UnknownMinor {
        /// The minor that was asked for.
        asked: crate::version::KubernetesMinor,
        /// Those that there are, newest first.
        known: String,
    },
}

impl Error {
    /// The last lines of the failed command's log, oldest first; empty where no command failed.
    pub fn tail(&self) -> &[String] {
        match self {
            Self::Command { tail, .. } => tail,
            _ => &[],
        }
    }

    /// Turns an I/O error into one that says what was tried on what.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { action, path, source }
    }
}
