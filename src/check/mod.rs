//! The checks: what dual-stack promises, one small file each, and the one ordered registry.
//!
//! A check is a pure description in three parts: which [`Case`]s there are in this world and what
//! each wants probed ([`Check::plan`]); what the observations mean ([`Check::judge`]); and the
//! words for a person (what, why, how to see it, how to fix it). No check reaches the cluster, a
//! clock or a runtime: [`World`] and [`Observations`] in, [`Verdict`] out, so a saved run can be
//! judged again.

mod aim;
pub(crate) mod commands;
mod dns;
#[cfg(test)]
pub(crate) mod lab;
mod node;
mod node_port;
mod observations;
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
mod verdict;
pub(crate) mod words;

use serde::{Deserialize, Serialize};
use std::fmt;

pub(crate) use aim::Aim;
pub use observations::Observations;
pub(crate) use reading::{Kind, Reading, State, Symptom};
pub use registry::{REGISTRY, find};
pub use verdict::{Failure, Status, Verdict};

use crate::{facts::Facts, fixture::Fixture, net::IpFamily, probe::Probe, suite::Suite};

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

/// One check.
pub trait Check: Sync {
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
    fn plan(&self, world: World<'_>) -> Vec<Case>;

    /// What became of a case.
    fn judge(&self, world: World<'_>, case: &Case, observations: &Observations) -> Verdict;
}

impl fmt::Debug for dyn Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// One thing a check judges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The check's id.
    pub check: String,
    /// What is judged.
    pub subject: Subject,
    /// In which family; `None` where both are judged at once.
    pub family: Option<IpFamily>,
    /// What must be tried.
    pub probes: Vec<Probe>,
    /// Set where the case has no subject to try, because of what another check reports.
    pub blocked: Option<Blocked>,
}

impl Case {
    /// The case's name, unique in a run and the same from run to run:
    /// `service::cluster_ip_reachable/ipv6/n1 -> n2`.
    pub fn name(&self) -> String {
        match self.family {
            Some(family) => format!("{}/{}/{}", self.check, family.slug(), self.subject),
            None => format!("{}/{}", self.check, self.subject),
        }
    }
}

/// Why a case can't be tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// The check that reports the reason; `None` where it lies outside the checks (a pod of ours
    /// didn't come up).
    pub by: Option<String>,
    /// The reason, as a sentence fragment (`the probe on n2 has no IPv6 address`).
    pub reason: String,
}

impl Blocked {
    /// The verdict on a case that is blocked: skipped where a check of this suite reports the
    /// reason, and otherwise inconclusive, for then nothing else in the run does.
    pub fn verdict(&self, suite: &Suite) -> Verdict {
        match &self.by {
            Some(check) if suite.names(check) => {
                Verdict::skip(format!("blocked by {check}: {}", self.reason))
            }
            Some(check) => {
                Verdict::inconclusive(format!("{} (run {check} to see why)", self.reason))
            }
            None => Verdict::inconclusive(self.reason.clone()),
        }
    }
}

/// What a case is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "subject", rename_all = "snake_case")]
pub enum Subject {
    /// The cluster as a whole.
    Cluster,
    /// A node.
    Node {
        /// Its name.
        name: String,
    },
    /// A pod.
    Pod {
        /// `nginx` or `busybox` for one of ours, or a DNS pod's name.
        workload: String,
        /// The node it is on.
        node: String,
    },
    /// A Service of ours.
    Service {
        /// Its role (`prefer-dual-stack`).
        name: String,
    },
    /// A way from somewhere to somewhere.
    Path {
        /// `outside`, or a node's name.
        from: String,
        /// A node's name, or a Service's role.
        to: String,
    },
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("cluster"),
            Self::Node { name } | Self::Service { name } => f.write_str(name),
            Self::Pod { workload, node } => write!(f, "{workload} on {node}"),
            Self::Path { from, to } => write!(f, "{from} -> {to}"),
        }
    }
}
