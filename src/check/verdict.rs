//! What became of a case.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::shell::tidy;

/// The four ways a case can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It was seen to be as promised.
    Pass,
    /// It was seen not to be.
    Fail,
    /// There was nothing to try; the verdict says why.
    Skip,
    /// It could not be determined; the verdict says why.
    Inconclusive,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::Inconclusive => "inconclusive",
        })
    }
}

/// What became of a case, in words. A detail is on one line and short enough for a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Verdict {
    /// It was seen to be as promised.
    Pass {
        /// The evidence (`answered in 10 ms`).
        detail: String,
    },
    /// It was seen not to be.
    Fail {
        /// The evidence (`timed out 3 times`).
        detail: String,
        /// The same in full sentences, with what to do about it.
        failure: Failure,
    },
    /// There was nothing to try.
    Skip {
        /// The reason (`blocked by pod::pod_ips: …`).
        detail: String,
    },
    /// It could not be determined.
    Inconclusive {
        /// The reason (`the exec was lost: …`).
        detail: String,
    },
}

/// A failure in full sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What is wrong, naming the subject, what was expected and what was seen.
    pub what: String,
    /// How to see it by hand: shell commands, ready to paste.
    pub reproduce: Vec<String>,
    /// How to fix it, the likeliest first.
    pub fix: Vec<String>,
}

impl Failure {
    /// A failure that says what is wrong.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), reproduce: Vec::new(), fix: Vec::new() }
    }

    /// The same, with commands that show it.
    #[must_use]
    pub fn reproduce<T: Into<String>>(mut self, commands: impl IntoIterator<Item = T>) -> Self {
        let before = std::mem::take(&mut self.reproduce);
        self.reproduce = tidy(before.into_iter().chain(commands.into_iter().map(Into::into)));
        self
    }

    /// The same, with ways to fix it, the likeliest first.
    #[must_use]
    pub fn fix<T: Into<String>>(mut self, remedies: impl IntoIterator<Item = T>) -> Self {
        self.fix.extend(remedies.into_iter().map(Into::into));
        self
    }
}

impl Verdict {
    /// It was as promised.
    pub fn pass(detail: impl Into<String>) -> Self {
        Self::Pass { detail: detail.into() }
    }

    /// It was not.
    pub fn fail(detail: impl Into<String>, failure: Failure) -> Self {
        Self::Fail { detail: detail.into(), failure }
    }

    /// There was nothing to try.
    pub fn skip(reason: impl Into<String>) -> Self {
        Self::Skip { detail: reason.into() }
    }

    /// It could not be determined.
    pub fn inconclusive(reason: impl Into<String>) -> Self {
        Self::Inconclusive { detail: reason.into() }
    }

    /// How it ended, in one word.
    pub const fn status(&self) -> Status {
        match self {
            Self::Pass { .. } => Status::Pass,
            Self::Fail { .. } => Status::Fail,
            Self::Skip { .. } => Status::Skip,
            Self::Inconclusive { .. } => Status::Inconclusive,
        }
    }

    /// The evidence or the reason, on one line.
    pub fn detail(&self) -> &str {
        match self {
            Self::Pass { detail }
            | Self::Fail { detail, .. }
            | Self::Skip { detail }
            | Self::Inconclusive { detail } => detail,
        }
    }

    /// The failure in full sentences, where it is one.
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Fail { failure, .. } => Some(failure),
            Self::Pass { .. } | Self::Skip { .. } | Self::Inconclusive { .. } => None,
        }
    }
}
