//! The conformance report and the badge as files.

use std::{io, sync::Arc};

use super::{OutputFile, ReportError, Reporter, harmless::for_xml, json};
use crate::{
    conformance::{Grade, Implementation, Report, assess, digest},
    event::{Event, Finished},
};

/// What both files are made from.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// Whose network it is, for the report.
    pub implementation: Implementation,
    /// The digest of the record's file, where it was read from one; otherwise that of the file which
    /// `--json` writes.
    pub sha256: Option<String>,
}

/// The conformance report as YAML.
#[derive(Debug)]
pub(crate) struct Conformance {
    output: OutputFile,
    claim: Claim,
    finished: Option<Arc<Finished>>,
}

impl Conformance {
    /// Into this place.
    pub(crate) const fn new(output: OutputFile, claim: Claim) -> Self {
        Self { output, claim, finished: None }
    }
}

impl Reporter for Conformance {
    fn event(&mut self, event: &Event) {
        if let Event::Finished(finished) = event {
            self.finished = Some(Arc::clone(finished));
        }
    }

    fn finish(self: Box<Self>) -> Result<(), ReportError> {
        // A run that broke off before it began has no record, and claims nothing.
        let Self { output, claim, finished } = *self;
        let Some(finished) = finished else { return Ok(()) };
        let what = output.describe();
        let Claim { implementation, sha256 } = claim;
        let sha256 = match sha256 {
            Some(sha256) => Ok(sha256),
            None => json::written(&finished.record).map(|file| digest(&file)),
        };
        sha256
            .map(|sha256| assess(&finished.record, implementation, sha256))
            .and_then(|report| yaml(&report))
            .and_then(|text| output.write(text.as_bytes()))
            .map_err(|error| ReportError { what, error })
    }
}

/// A report as it is published.
///
/// # Errors
/// Where it can't be written as YAML.
pub(crate) fn yaml(report: &Report) -> io::Result<String> {
    serde_saphyr::to_string(report).map_err(io::Error::other)
}

/// A badge for a README: the result of the conformance report.
#[derive(Debug)]
pub(crate) struct Badge {
    output: OutputFile,
    finished: Option<Arc<Finished>>,
}

impl Badge {
    /// Into this place.
    pub(crate) const fn new(output: OutputFile) -> Self {
        Self { output, finished: None }
    }
}

impl Reporter for Badge {
    fn event(&mut self, event: &Event) {
        if let Event::Finished(finished) = event {
            self.finished = Some(Arc::clone(finished));
        }
    }

    fn finish(self: Box<Self>) -> Result<(), ReportError> {
        let Some(finished) = &self.finished else { return Ok(()) };
        let what = self.output.describe();
        let nobody = Implementation {
            organization: String::new(),
            project: String::new(),
            url: String::new(),
            version: String::new(),
            contact: Vec::new(),
        };
        let report = assess(&finished.record, nobody, String::new());
        let image = badge(report.result, &report.kubernetes_version);
        self.output.write(image.as_bytes()).map_err(|error| ReportError { what, error })
    }
}

/// The badge: an image that needs nothing else, and says in words what it shows.
pub(crate) fn badge(result: Grade, kubernetes: &str) -> String {
    // Dark enough for white letters to be read (WCAG AA).
    let colour = match result {
        Grade::Success => "#1a7f37",
        Grade::Partial => "#8a5a00",
        Grade::Failure => "#b3261e",
    };
    let (left, right) = ("dual-stack", result.to_string());
    // Of Verdana at 11 pixels a letter takes some 7, and 10 are left free on both sides.
    let width = |text: &str| text.len() * 7 + 20;
    let (a, b) = (width(left), width(&right));
    let title = for_xml(&format!("dual-stack conformance: {right}, Kubernetes {kubernetes}"));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"20\" role=\"img\" \
         aria-label=\"{title}\">\n\
         <title>{title}</title>\n\
         <rect width=\"{all}\" height=\"20\" rx=\"3\" fill=\"#444\"/>\n\
         <path d=\"M{a} 0h{inner}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{a}z\" fill=\"{colour}\"/>\n\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" \
         font-size=\"11\">\n\
         <text x=\"{left_middle}\" y=\"14\">{left}</text>\n\
         <text x=\"{right_middle}\" y=\"14\">{right}</text>\n\
         </g>\n\
         </svg>\n",
        all = a + b,
        inner = b - 3,
        left_middle = a / 2,
        right_middle = a + b / 2,
    )
}
