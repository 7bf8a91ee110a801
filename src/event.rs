//! The contract between running and reporting: a run tells what happens as [`Event`]s, in order,
//! and every report is made from them and nothing else.

use std::{sync::Arc, time::Duration};

pub use crate::record::{Phase, Started};
use crate::{cause::Judged, exit::Exit, fixture::SelectedNode, record::Record};

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
    /// Something the user should know that is no verdict (leftovers of a killed run, a missing
    /// permission).
    Notice(String),
    /// Which nodes take part.
    NodesSelected(Vec<SelectedNode>),
    /// What is about to be created, in a sentence fragment for each namespace.
    Creating(Vec<String>),
    /// How many cases there will be. Sent once, before the first probe.
    Planned {
        /// Cases.
        cases: usize,
        /// Different probes.
        probes: usize,
    },
    /// A case was judged.
    Judged(Judged),
    /// The run broke off (an unreachable API server, a Ctrl-C, the run's deadline); what is known
    /// is still reported.
    BrokenOff {
        /// One sentence: what was tried, on what, what came back, the next step.
        error: String,
    },
    /// Last: all of it.
    Finished(Arc<Finished>),
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How the process should end.
    pub exit: Exit,
    /// Everything, as `--json` writes it.
    pub record: Record,
}
