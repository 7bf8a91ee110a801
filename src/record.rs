//! A run as one serialisable value: what `--json` writes and `judge` reads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    cause::{Cause, Judged},
    event::{Phase, Started},
    facts::Facts,
    fixture::Fixture,
    probe::Observation,
    suite::Suite,
};

/// The version of [`Record`]'s form. A reader refuses a version it doesn't know.
pub const RECORD_VERSION: u32 = 1;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`RECORD_VERSION`] at the time of writing.
    pub version: u32,
    /// The version of `dualstack` that wrote it.
    pub dualstack: String,
    /// What was touched.
    pub started: Started,
    /// When the run began.
    pub started_at: Timestamp,
    /// What was expected.
    pub suite: Suite,
    /// What the cluster said of itself; `None` where the run broke off before.
    pub facts: Option<Facts>,
    /// What stood in the cluster; `None` where the run broke off before.
    pub fixture: Option<Fixture>,
    /// What was observed.
    pub observations: Vec<Observation>,
    /// The verdicts, in the registry's order.
    pub judged: Vec<Judged>,
    /// What lies behind the failures.
    pub causes: Vec<Cause>,
    /// Why the run broke off, where it did.
    pub broken_off: Option<String>,
    /// What the operator was told that is no verdict, in order.
    #[serde(default)]
    pub notices: Vec<String>,
    /// What could not be removed from the cluster, as `kind namespace/name: reason`.
    pub left_behind: Vec<String>,
    /// How long each phase took, in milliseconds.
    pub phases: Vec<PhaseTime>,
}

/// How long a phase took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// The phase.
    pub phase: Phase,
    /// When it began, in milliseconds since the run began.
    pub start_ms: u64,
    /// How long it took, in milliseconds.
    pub millis: u64,
}
