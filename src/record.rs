//! A run as one serialisable value: what `--json` writes and `judge` reads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    baseline::{Baseline, Review},
    cause::{Cause, Judged},
    check::{self, Parity, Stage, Status},
    exit::Exit,
    facts::{Facts, Server},
    fixture::Fixture,
    probe::{Observation, ProbeTable},
    suite::Suite,
};

/// The version of [`Record`]'s form. A reader refuses a version it doesn't know.
pub const RECORD_VERSION: u32 = 2;

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
    /// How far the run came.
    pub reached: Stage,
    /// Why the run broke off, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_off: Option<BrokenOff>,
    /// What the operator was told that is no verdict, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// What could not be removed from the cluster, as `kind namespace/name: reason`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// How long each phase took.
    pub phases: Vec<PhaseTime>,
    /// What the cluster said of itself.
    pub facts: Facts,
    /// What stood in the cluster; `None` where nothing was put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixture: Option<Fixture>,
    /// What was tried, each probe once, and what came of it.
    #[serde(flatten)]
    pub probes: ProbeTable,
    /// The verdicts, in the registry's order.
    pub judged: Vec<Judged>,
    /// What lies behind the failures.
    pub causes: Vec<Cause>,
    /// How long answers took in both families.
    #[serde(default, skip_serializing_if = "Parity::is_empty")]
    pub parity: Parity,
    /// The failures that were known, where a baseline was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
}

/// Why a run ended before its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenOff {
    /// One sentence: what was tried, on what, what came back, the next step.
    pub error: String,
    /// How the process ends because of it, whatever was found until then; `None` where the
    /// verdicts say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
}

/// What a run is about to touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The run's id.
    pub run: String,
    /// The API server.
    pub server: Server,
    /// The suite's name.
    pub suite: String,
    /// The namespace that will be created or used.
    pub namespace: String,
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

/// The phases of a run, in order. Some overlap: checks of the facts are judged while the fixture
/// comes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading the kubeconfig and reaching the API server.
    Connect,
    /// Asking for the permissions that the run needs.
    Preflight,
    /// Gathering the facts.
    Facts,
    /// Waiting for nodes that are becoming ready.
    Nodes,
    /// Applying the fixture.
    Deploy,
    /// Waiting for its pods.
    Ready,
    /// Waiting for EndpointSlices that name them.
    Serve,
    /// Probing.
    Probe,
    /// Looking at nodes from inside, where something failed.
    Snapshot,
    /// Judging and naming causes.
    Judge,
    /// Deleting the fixture.
    Teardown,
}

impl Phase {
    /// The phase as a present participle, for progress (`deploying the fixture`).
    pub const fn doing(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Preflight => "checking permissions",
            Self::Facts => "gathering facts",
            Self::Nodes => "waiting for nodes",
            Self::Deploy => "deploying the fixture",
            Self::Ready => "waiting for pods",
            Self::Serve => "waiting for endpoints",
            Self::Probe => "probing",
            Self::Snapshot => "reading node diagnostics",
            Self::Judge => "judging",
            Self::Teardown => "tearing down",
        }
    }
}

impl Record {
    /// What the baseline makes of the run; nothing where there is none.
    pub fn review(&self) -> Review<'_> {
        let complete = self.broken_off.is_none();
        self.baseline.as_ref().map_or_else(Review::default, |baseline| {
            baseline.review(&self.suite, &self.judged, complete)
        })
    }

    /// How a process should end that reports this record: as what broke the run off demands, and
    /// otherwise by its worst verdict, failures that the baseline knows left aside.
    pub fn exit(&self) -> Exit {
        if let Some(exit) = self.broken_off.as_ref().and_then(|broken_off| broken_off.exit) {
            return exit;
        }
        let any = |status| self.judged.iter().any(|judged| judged.verdict.status() == status);
        let failed =
            self.judged.iter().filter(|judged| judged.verdict.status() == Status::Fail).count();
        if failed > self.review().count() {
            Exit::Failed
        } else if any(Status::Inconclusive) || self.broken_off.is_some() || !any(Status::Pass) {
            // A run in which nothing was seen to work proves nothing.
            Exit::Inconclusive
        } else {
            Exit::Passed
        }
    }

    /// What was observed of the probes that a case is about.
    pub fn observations<'a>(&'a self, judged: &'a Judged) -> impl Iterator<Item = &'a Observation> {
        judged.case.probes.iter().filter_map(|&id| self.probes.observation(id))
    }

    /// Where the record contradicts itself, as no run writes one: a sentence fragment about the
    /// first such place.
    pub fn contradiction(&self) -> Option<String> {
        let latest = self.suite.checks().into_iter().max_by_key(|check| check.promise().stage);
        if let Some(check) = latest
            && self.broken_off.is_none()
            && self.reached < check.promise().stage
        {
            return Some(format!(
                "the run ended before {} could be judged, and the record has no reason",
                check.id()
            ));
        }
        if self.reached > Stage::Facts && self.fixture.is_none() {
            return Some("something was put into the cluster, and `fixture` is missing".to_owned());
        }
        self.judged.iter().find_map(|judged| self.contradicts(judged))
    }

    fn contradicts(&self, judged: &Judged) -> Option<String> {
        let case = &judged.case;
        let name = case.name();
        if !self.suite.names(&case.check) {
            return Some(format!("{name} was judged, and its check is not in the suite"));
        }
        // What a check of another version wanted is not known here.
        let stage = check::by_id(&case.check).map(|check| check.promise().stage);
        if stage.is_some_and(|stage| stage > self.reached) {
            return Some(format!("{name} was judged, and the run did not come so far"));
        }
        let mut probes = case.probes.iter().chain(&case.witnesses);
        let unknown = probes.any(|&id| self.probes.probe(id).is_none());
        unknown.then(|| format!("{name} names a probe that is not among the {}", self.probes.len()))
    }
}
