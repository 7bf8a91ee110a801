//! What became of a case.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The four ways a case can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It was seen to be as promised.
    Pass,
    /// It was seen not to be.
    Fail,
    /// There was nothing to try; the verdict's detail says why.
    Skip,
    /// It could not be determined; the verdict's detail says why.
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

/// What became of a case, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How it ended.
    pub status: Status,
    /// The evidence or the reason, on one line and short enough for a table
    /// (`answered in 10 ms`, `timed out 3 times`, `blocked by pod::pod_ips: …`).
    pub detail: String,
    /// How many attempts were made over all the case's probes; 0 where none was needed. More than
    /// the check asked for means that something had to be tried again.
    pub attempts: u32,
    /// Present exactly where `status` is [`Status::Fail`].
    pub failure: Option<Failure>,
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
        self.reproduce.extend(commands.into_iter().map(Into::into));
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
        Self { status: Status::Pass, detail: detail.into(), attempts: 0, failure: None }
    }

    /// It was not.
    pub fn fail(detail: impl Into<String>, failure: Failure) -> Self {
        Self { status: Status::Fail, detail: detail.into(), attempts: 0, failure: Some(failure) }
    }

    /// There was nothing to try.
    pub fn skip(reason: impl Into<String>) -> Self {
        Self { status: Status::Skip, detail: reason.into(), attempts: 0, failure: None }
    }

    /// It could not be determined.
    pub fn inconclusive(cause: impl Into<String>) -> Self {
        Self { status: Status::Inconclusive, detail: cause.into(), attempts: 0, failure: None }
    }

    /// The same verdict, with the number of attempts behind it.
    #[must_use]
    pub const fn after(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }
}
