//! Why a command did not get to its end, and the exit code that says so.

use std::io;

use anstyle::AnsiColor;

use crate::{
    baseline::BaselineError,
    cluster::ClusterError,
    exit::Exit,
    report::{OutputError, ReportError},
    run::{PlanError, RunError},
    suites::SuiteError,
};

/// An error for a person: one sentence with the next step.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    sentence: String,
}

impl Failure {
    pub(super) fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self { exit, sentence: sentence.into() }
    }

    pub(super) fn usage(sentence: impl Into<String>) -> Self {
        Self::new(Exit::Usage, sentence)
    }

    pub(super) const fn exit(&self) -> Exit {
        self.exit
    }

    /// Only the sentence.
    pub(super) fn sentence(&self) -> &str {
        &self.sentence
    }

    pub(super) fn text(&self) -> String {
        let style = AnsiColor::Red.on_default().bold();
        format!("{style}error:{style:#} {}", self.sentence)
    }
}

/// The exit code of a command that wrote reports. A missing report turns a success into a failure;
/// any other result stays what it is.
pub(super) fn with_reports(exit: Exit, unwritten: &[ReportError]) -> Result<Exit, Failure> {
    if unwritten.is_empty() {
        return Ok(exit);
    }
    let sentences: Vec<String> = unwritten.iter().map(ToString::to_string).collect();
    let exit = if exit == Exit::Passed { Exit::Usage } else { exit };
    Err(Failure::new(exit, sentences.join("\n")))
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::new(error.exit(), error.to_string())
    }
}

impl From<SuiteError> for Failure {
    fn from(error: SuiteError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<BaselineError> for Failure {
    fn from(error: BaselineError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        Self::new(error.exit(), error.to_string())
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::new(error.exit(), error.to_string())
    }
}

impl From<io::Error> for Failure {
    /// For what is written to stdout, which is all that commands without files write.
    fn from(error: io::Error) -> Self {
        Self::usage(format!("cannot write to stdout: {error}"))
    }
}
