//! Reports as text, JSON, SARIF, GitHub's annotations, GitLab's code quality, reviewdog's
//! diagnostics and JUnit.

mod excerpt;
mod explain;
mod github;
mod gitlab;
mod json;
mod junit;
mod place;
mod rdjson;
mod sarif;
mod text;
mod wrap;

use std::io::{self, Write};

pub use explain::explain;
pub(super) use explain::list;
pub(super) use place::clean;
use place::place;
pub(super) use wrap::wrap;

use super::Report;

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: each finding with its source line.
    #[default]
    Text,
    /// For programs: everything, with a version number.
    Json,
    /// SARIF 2.1.0, which code hosts and editors read.
    Sarif,
    /// Annotations in the log of a GitHub workflow.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// reviewdog's diagnostic format, with what --fix would write as suggestions.
    Rdjson,
    /// JUnit XML: a test case for each rule.
    Junit,
}

impl Format {
    /// Writes a report. `width` is that of the terminal; only text knows one.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(self, report: &Report, width: usize, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Text => text::write(report, width, out),
            Self::Json => json::write(report, out),
            Self::Sarif => sarif::write(report, out),
            Self::Github => github::write(report, out),
            Self::Gitlab => gitlab::write(report, out),
            Self::Rdjson => rdjson::write(report, out),
            Self::Junit => junit::write(report, out),
        }
    }
}
