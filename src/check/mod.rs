//! The checks: what dual-stack promises, one small file each, and the one ordered registry.
//!
//! A check is a pure description in three parts: which cases there are in this world and what each
//! wants probed ([`Check::plan`]); what the probes' readings mean ([`Check::judge`]); and the words
//! for a person (what, why, how to see it, how to fix it). No check reaches the cluster, a clock or
//! a runtime: [`World`] and readings in, [`Verdict`] out, so a saved run can be judged again.
//!
//! Each check has a type of its own for what a case is about, so that judging starts from what
//! planning knew. The registry and everything behind it see a [`DynCheck`], which has forgotten
//! that type.

mod case;
pub(crate) mod commands;
mod dns;
mod erased;
mod node;
mod node_port;
mod outcome;
mod plan;
mod pod;
mod primary;
mod reading;
mod registry;
pub(crate) mod remedy;
mod service;
#[cfg(test)]
mod tests;
mod untested;
mod verdict;
pub(crate) mod words;

use serde::{Deserialize, Serialize};

pub(crate) use case::Planned;
pub use case::{Blocked, Case, Subject};
pub use erased::{DynCheck, Judge, PlannedCase};
pub use reading::Readings;
pub(crate) use reading::{Kind, Reading, State, Symptom};
pub use registry::{REGISTRY, find};
pub(crate) use untested::untested;
pub use verdict::{Failure, Status, Verdict};

use crate::{facts::Facts, fixture::Fixture, suite::Suite};

/// What a check may look at.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// What the cluster says of itself.
    pub facts: &'a Facts,
    /// What stands in the cluster. Before it is deployed, and for checks of [`Stage::Facts`], an
    /// empty fixture.
    pub fixture: &'a Fixture,
    /// What is expected.
    pub suite: &'a Suite,
}

/// How far a run must have come before a check's cases can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The facts are gathered.
    Facts,
    /// The fixture's Services are applied.
    Applied,
    /// The fixture's pods are ready, or known not to become so.
    Ready,
    /// EndpointSlices name the pods, or had their time to.
    Served,
    /// The probes are done.
    Probed,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 5] =
        [Self::Facts, Self::Applied, Self::Ready, Self::Served, Self::Probed];
}

/// One check.
pub(crate) trait Check: Sync {
    /// What one of its cases is about, as far as judging needs to know.
    type Subject: Send + Sync + 'static;

    /// `area::name`; the area is `node`, `pod`, `service`, `node_port` or `dns`.
    fn id(&self) -> &'static str;

    /// What is true when it passes, as one sentence without a full stop.
    fn summary(&self) -> &'static str;

    /// Why it matters: what breaks for users where it doesn't hold.
    fn why(&self) -> &'static str;

    /// Where the promise is written down (Kubernetes documentation, KEP, RFC or API field).
    fn source(&self) -> &'static str;

    /// Whether each of its cases is of one family. Where not, a case judges both at once.
    fn per_family(&self) -> bool {
        true
    }

    /// When its cases can be judged.
    fn stage(&self) -> Stage;

    /// The facts it reads and the rights they take, as a person would ask for them
    /// (`list nodes`). The rights of the fixture itself go without saying.
    fn needs(&self) -> &'static [&'static str] {
        &[]
    }

    /// Its cases in this world: one for each node, pod or path, and family.
    fn plan(&self, world: World<'_>) -> Vec<Planned<Self::Subject>>;

    /// What became of a case, given the readings of the probes that it was planned with.
    fn judge(&self, world: World<'_>, subject: &Self::Subject, readings: &Readings<'_>) -> Verdict;
}
