//! `--conformance` and `--badge`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Deserialize;

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
    /// Write a conformance report (YAML) to this file (`-`: stdout); see docs/reports. It
    /// names whose network was tested: --conformance-implementation, or the options after it
    #[arg(long, value_name = "FILE")]
    conformance: Option<PathBuf>,
    /// File that names whose network was tested: YAML with organization, project, url, version and
    /// contact (a list); the options after this one override it
    #[arg(long, value_name = "FILE")]
    conformance_implementation: Option<PathBuf>,
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

/// Whose network was tested, as a file says it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Inputs {
    organization: Option<String>,
    project: Option<String>,
    url: Option<String>,
    version: Option<String>,
    contact: Vec<String>,
}

impl Inputs {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error| format!("cannot read the implementation {shown}: {error}"))?;
        let invalid = |reason: String| {
            format!(
                "invalid implementation {shown}: {reason}; it has organization, project, url, version \
                 and contact (a list)"
            )
        };
        let given: Self = serde_saphyr::from_str(&text)
            .map_err(|error: serde_saphyr::Error| invalid(error.without_snippet().to_string()))?;
        let Self { organization, project, url, version, contact } = &given;
        let said = [organization, project, url, version].into_iter().flatten().chain(contact);
        for text in said {
            words(text).map_err(|problem| invalid(format!("of {text:?}, {problem}")))?;
        }
        Ok(given)
    }
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

    /// The same, with whose network it is read from its file.
    ///
    /// # Errors
    /// Where a conformance report is asked for and something is missing of whose network it is of.
    pub(super) fn complete(mut self) -> Result<Self, String> {
        if let Some(path) = &self.conformance_implementation {
            let given = Inputs::read(path)?;
            let Self {
                conformance_organization: organization,
                conformance_project: project,
                conformance_url: url,
                conformance_version: version,
                conformance_contact: contact,
                ..
            } = &mut self;
            for (option, given) in [
                (organization, given.organization),
                (project, given.project),
                (url, given.url),
                (version, given.version),
            ] {
                *option = option.take().or(given);
            }
            if contact.is_empty() {
                *contact = given.contact;
            }
        }
        let missing: Vec<&str> = [
            ("--conformance-organization", self.conformance_organization.is_none()),
            ("--conformance-project", self.conformance_project.is_none()),
            ("--conformance-url", self.conformance_url.is_none()),
            ("--conformance-version", self.conformance_version.is_none()),
            ("--conformance-contact", self.conformance_contact.is_empty()),
        ]
        .into_iter()
        .filter_map(|(option, missing)| missing.then_some(option))
        .collect();
        if self.conformance.is_some() && !missing.is_empty() {
            return Err(format!(
                "--conformance needs {}, or a file with --conformance-implementation",
                missing.join(", ")
            ));
        }
        Ok(self)
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
