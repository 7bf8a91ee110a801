//! The contract between running and reporting: a run tells what happens as [`Event`]s, in order,
//! and every report is made from them and nothing else.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    cause::{Cause, Judged},
    exit::Exit,
    facts::Server,
    fixture::SelectedNode,
    record::Record,
};

/// One thing that happened in a run.
#[derive(Clone, Debug)]
pub enum Event {
    /// First: what we are about to touch. Nothing has been created yet.
    Started(Started),
    /// A phase began.
    PhaseStarted(Phase),
    /// A phase ended after this long.
    PhaseFinished(Phase, Duration),
    /// What is awaited right now, in a sentence fragment (`2 of 6 pods: nginx on n2 (image pull)`).
    Waiting {
        /// In which phase.
        phase: Phase,
        /// For what.
        what: String,
    },
    /// Something the operator should know that is no verdict (a node passed over, leftovers of a
    /// dead run, no right to read something).
    Notice(String),
    /// Which nodes take part.
    NodesSelected(Vec<SelectedNode>),
    /// How many cases there will be. Sent once, before the first probe.
    Planned {
        /// Cases.
        cases: usize,
        /// Different probes.
        probes: usize,
    },
    /// A case was judged.
    Judged(Judged),
    /// A cause was found; after all the verdicts.
    Cause(Cause),
    /// The run broke off (an unreachable API server, a Ctrl-C, the run's deadline); what is known
    /// is still reported.
    BrokenOff {
        /// One sentence: what was tried, on what, what came back, the next step.
        error: String,
    },
    /// Last: all of it.
    Finished(Arc<Finished>),
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

/// The phases of a run, in order. Some overlap: checks of the facts are judged while the fixture
/// comes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading the kubeconfig and reaching the API server.
    Connect,
    /// Asking for the rights that the run needs.
    Preflight,
    /// Gathering the facts.
    Facts,
    /// Applying the fixture.
    Deploy,
    /// Waiting for its pods.
    Ready,
    /// Waiting for EndpointSlices that name them.
    Serve,
    /// Probing.
    Probe,
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
            Self::Deploy => "deploying the fixture",
            Self::Ready => "waiting for pods",
            Self::Serve => "waiting for endpoints",
            Self::Probe => "probing",
            Self::Judge => "judging",
            Self::Teardown => "tearing down",
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How the process should end.
    pub exit: Exit,
    /// Everything, as `--json` writes it.
    pub record: Record,
}
