//! A report as a value.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{cause::Judged, check::Status};

/// The version of the form.
pub(crate) const API_VERSION: &str = "dualstack/v1alpha1";
/// The kind of document.
pub(crate) const KIND: &str = "ConformanceReport";

/// A conformance report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Report {
    /// `dualstack/v1alpha1`.
    #[schemars(extend("const" = API_VERSION))]
    pub api_version: String,
    /// `ConformanceReport`.
    #[schemars(extend("const" = KIND))]
    pub kind: String,
    /// When the run began.
    pub date: Timestamp,
    /// Whose network it is, in its maker's words.
    pub implementation: Implementation,
    /// The version of the API server.
    pub kubernetes_version: String,
    /// The version of `dualstack` that judged the run.
    pub dualstack_version: String,
    /// The suite.
    pub suite: String,
    /// What the run found and tested.
    pub tested: Tested,
    /// The result of the whole.
    pub result: Grade,
    /// Why the result can't be `success`, beyond the verdicts: nodes left out, checks not run, …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limitations: Vec<String>,
    /// The profiles.
    pub profiles: Vec<Profile>,
    /// The record that the report follows from.
    pub record: RecordOf,
    /// Commands that make such a record and hold this report against it.
    pub reproduce: Vec<String>,
}

/// Whose network a report is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Implementation {
    /// The organization behind it.
    #[schemars(length(min = 1))]
    pub organization: String,
    /// The project's name.
    #[schemars(length(min = 1))]
    pub project: String,
    /// The project's address on the web.
    #[schemars(length(min = 1))]
    pub url: String,
    /// The version that was tested: a release, a tag or a commit, and no branch.
    #[schemars(length(min = 1))]
    pub version: String,
    /// Whom to ask: user names, mail addresses or web addresses.
    #[schemars(length(min = 1))]
    pub contact: Vec<String>,
}

/// What a run found and tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Tested {
    /// The pod network that was found.
    pub cni: String,
    /// The mode of kube-proxy that was found.
    pub kube_proxy: String,
    /// How many nodes were tested.
    pub nodes: usize,
}

/// How a part of a report, or all of it, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Grade {
    /// Everything passed.
    Success,
    /// Nothing of the core failed, and not everything was seen to pass.
    Partial,
    /// Something of the core failed; of extended features, none is supported.
    Failure,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Success => "success",
            Self::Partial => "partial",
            Self::Failure => "failure",
        })
    }
}

/// A profile: a core and what is beyond it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Profile {
    /// Its name.
    pub name: String,
    /// What must pass.
    pub core: Core,
    /// What may be supported.
    pub extended: Extended,
    /// The results in a sentence or two.
    pub summary: String,
}

/// The core of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Core {
    /// How it ended.
    pub result: Grade,
    /// How many cases ended in which way.
    pub statistics: Statistics,
    /// The checks of which a case failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_checks: Vec<String>,
}

/// The extended features of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Extended {
    /// How they ended.
    pub result: Grade,
    /// How many cases ended in which way.
    pub statistics: Statistics,
    /// Those that were seen to work in every case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supported_features: Vec<String>,
    /// Those of which a case failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsupported_features: Vec<Feature>,
    /// Those that were not, or not wholly, tested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped_features: Vec<Feature>,
}

/// A feature with the reason why it isn't among the supported ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Feature {
    /// Its name.
    pub name: String,
    /// The reason.
    pub reason: String,
}

/// How many cases ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Statistics {
    /// Seen to be as promised.
    pub passed: usize,
    /// Seen not to be, whether a baseline knows them or not.
    pub failed: usize,
    /// Nothing to try.
    pub skipped: usize,
    /// Could not be determined.
    pub inconclusive: usize,
}

impl Statistics {
    pub(super) fn of<'a>(cases: impl IntoIterator<Item = &'a Judged>) -> Self {
        let mut statistics = Self::default();
        for judged in cases {
            match judged.verdict.status() {
                Status::Pass => statistics.passed += 1,
                Status::Fail => statistics.failed += 1,
                Status::Skip => statistics.skipped += 1,
                Status::Inconclusive => statistics.inconclusive += 1,
            }
        }
        statistics
    }
}

/// The record that a report follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RecordOf {
    /// The run's id.
    pub run: String,
    /// The SHA-256 of the file that `run --json` wrote, in hexadecimal.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: String,
}
