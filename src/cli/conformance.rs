//! `--conformance` and `--badge`.

use std::path::PathBuf;

use clap::Args;

use crate::{
    conformance::Implementation,
    report::{
        Fan, OutputError, OutputFile,
        conformance::{Badge, Claim, Conformance},
    },
};

/// A conformance report, and whose network it is of.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Conformance")]
pub(super) struct ConformanceArgs {
    /// Write a conformance report (YAML) to this file (`-`: stdout); see docs/reports
    #[arg(
        long,
        value_name = "FILE",
        requires_all = [
            "conformance_organization",
            "conformance_project",
            "conformance_url",
            "conformance_version",
            "conformance_contact",
        ]
    )]
    conformance: Option<PathBuf>,
    /// Write a badge (SVG) with the result of the conformance report to this file (`-`: stdout)
    #[arg(long, value_name = "FILE")]
    badge: Option<PathBuf>,
    /// The organization behind the network that was tested
    #[arg(long, value_name = "NAME", value_parser = words)]
    conformance_organization: Option<String>,
    /// The project
    #[arg(long, value_name = "NAME", value_parser = words)]
    conformance_project: Option<String>,
    /// The project's address on the web
    #[arg(long, value_name = "URL", value_parser = words)]
    conformance_url: Option<String>,
    /// The version that was tested: a release, a tag or a commit
    #[arg(long, value_name = "VERSION", value_parser = words)]
    conformance_version: Option<String>,
    /// Whom to ask: a user name, a mail or a web address; repeatable
    #[arg(long, value_name = "CONTACT", value_parser = words)]
    conformance_contact: Vec<String>,
}

/// Text that says something.
fn words(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("it has line breaks or other control characters".to_owned());
    }
    Ok(text.trim().to_owned())
}

/// The places of both, opened.
#[derive(Debug)]
pub(super) struct ConformanceOutputs {
    report: Option<(OutputFile, Implementation)>,
    badge: Option<OutputFile>,
    /// The digest of the record, where it is read from a file.
    pub(super) sha256: Option<String>,
}

impl ConformanceArgs {
    /// Whether a conformance report is asked for.
    pub(super) const fn asked_for(&self) -> bool {
        self.conformance.is_some() || self.badge.is_some()
    }

    /// Opens the files, so that a bad path is known before anything is begun.
    pub(super) fn open(&self) -> Result<ConformanceOutputs, OutputError> {
        let report = self.conformance.as_deref();
        let report = report.map(|path| OutputFile::open("the conformance report", path));
        let badge = self.badge.as_deref().map(|path| OutputFile::open("the badge", path));
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let implementation = Implementation {
            organization: text(&self.conformance_organization),
            project: text(&self.conformance_project),
            url: text(&self.conformance_url),
            version: text(&self.conformance_version),
            contact: self.conformance_contact.clone(),
        };
        let report = report.transpose()?.map(|output| (output, implementation));
        Ok(ConformanceOutputs { report, badge: badge.transpose()?, sha256: None })
    }
}

impl ConformanceOutputs {
    /// The files.
    pub(super) fn files(&self) -> impl Iterator<Item = &OutputFile> {
        self.report.iter().map(|(output, _)| output).chain(&self.badge)
    }

    /// Adds their reporters.
    pub(super) fn reporters(self, mut fan: Fan) -> Fan {
        if let Some((output, implementation)) = self.report {
            fan = fan.with(Conformance::new(output, Claim { implementation, sha256: self.sha256 }));
        }
        if let Some(output) = self.badge {
            fan = fan.with(Badge::new(output));
        }
        fan
    }
}
