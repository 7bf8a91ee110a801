//! What a check may look at, and when.

use serde::{Deserialize, Serialize};

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
