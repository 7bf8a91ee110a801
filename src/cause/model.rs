//! What a rule finds, and what becomes of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    check::{Case, Verdict},
    probe::ProbeId,
};

/// A case with its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The case.
    pub case: Case,
    /// What became of it.
    pub verdict: Verdict,
}

/// How sure a cause is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Several faults look like this; the commands under `reproduce` decide.
    Possible,
    /// Only this fits all that was seen.
    #[default]
    Likely,
    /// The API server, an address in an answer, or a node's own tables say so.
    Proved,
}

impl Confidence {
    /// What is said of it behind a cause's number; nothing of a cause that alone fits.
    pub const fn aside(self) -> &'static str {
        match self {
            Self::Possible => " (possible)",
            Self::Likely => "",
            Self::Proved => " (proved)",
        }
    }
}

/// One fault, and what it explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The rule that found it (`pod_route_missing`).
    pub id: String,
    /// What is broken, where, as one full sentence.
    pub what: String,
    /// How sure that is.
    #[serde(default)]
    pub confidence: Confidence,
    /// Why it matters.
    pub why: String,
    /// What points to it: the observations, as sentence fragments.
    pub evidence: Vec<String>,
    /// How to see it by hand: shell commands, ready to paste.
    pub reproduce: Vec<String>,
    /// How to fix it, the likeliest first.
    pub fix: Vec<String>,
    /// The names of the cases it explains.
    pub explains: Vec<String>,
}

/// What a rule found: a fault, and which findings it explains.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// As in [`Cause`].
    pub what: String,
    /// As in [`Cause`].
    pub confidence: Confidence,
    /// As in [`Cause`].
    pub evidence: Vec<String>,
    /// As in [`Cause`].
    pub reproduce: Vec<String>,
    /// As in [`Cause`].
    pub fix: Vec<String>,
    /// The probes that went wrong because of it.
    pub probed: BTreeSet<ProbeId>,
    /// The cases without probes that went wrong because of it, by their place in the evidence.
    pub cases: BTreeSet<usize>,
}
