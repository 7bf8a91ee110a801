//! Cases: what a check judges, planned and named.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Verdict, World};
use crate::{
    net::IpFamily,
    probe::{Probe, ProbeId},
    suite::Suite,
};

/// One thing a check judges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The check's id.
    pub check: String,
    /// What is judged.
    pub subject: Subject,
    /// In which family; `None` where both are judged at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<IpFamily>,
    /// The probes that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<ProbeId>,
    /// The probes that it only compares with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<ProbeId>,
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

/// What a case is about, for people and reports.
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

impl Subject {
    /// A way from somewhere to somewhere.
    pub(crate) fn path(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self::Path { from: from.into(), to: to.into() }
    }
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

/// Why a case can't be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The check that reports the reason; `None` where it lies outside the checks (a pod of ours
    /// didn't come up).
    pub by: Option<&'static str>,
    /// The reason, as a sentence fragment (`the probe on n2 has no IPv6 address`).
    pub reason: String,
}

impl Blocked {
    /// The verdict on a case that is blocked: skipped where a check of this suite reports the
    /// reason, and otherwise inconclusive, for then nothing else in the run does.
    pub fn verdict(&self, suite: &Suite) -> Verdict {
        match self.by {
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

/// A case as its check plans it.
#[derive(Debug)]
pub(crate) struct Planned<S> {
    pub(super) subject: Subject,
    pub(super) family: Option<IpFamily>,
    pub(super) probes: Vec<Probe>,
    pub(super) witnesses: Vec<Probe>,
    pub(super) work: Work<S>,
}

/// What is left to be done on a planned case.
#[derive(Debug)]
pub(super) enum Work<S> {
    /// To judge it, once its probes are done.
    Judge(S),
    /// Nothing: its verdict is known.
    Settled(Verdict),
}

impl<S> Planned<S> {
    /// A case that is judged without probes. `about` is handed to [`super::Check::judge`].
    pub(crate) fn new(subject: Subject, family: impl Into<Option<IpFamily>>, about: S) -> Self {
        Self {
            subject,
            family: family.into(),
            probes: Vec::new(),
            witnesses: Vec::new(),
            work: Work::Judge(about),
        }
    }

    /// A case whose verdict is known already.
    pub(crate) fn settled(
        subject: Subject,
        family: impl Into<Option<IpFamily>>,
        verdict: Verdict,
    ) -> Self {
        Self {
            subject,
            family: family.into(),
            probes: Vec::new(),
            witnesses: Vec::new(),
            work: Work::Settled(verdict),
        }
    }

    /// A case that is judged by its probes, or whose verdict follows from what stands in the way.
    pub(crate) fn probing(
        world: World<'_>,
        subject: Subject,
        family: impl Into<Option<IpFamily>>,
        plan: impl FnOnce() -> Result<(S, Vec<Probe>), Blocked>,
    ) -> Self {
        match plan() {
            Ok((about, probes)) => Self { probes, ..Self::new(subject, family, about) },
            Err(blocked) => Self::settled(subject, family, blocked.verdict(world.suite)),
        }
    }

    /// The same case with more known of what it is about.
    pub(crate) fn map<T>(self, more: impl FnOnce(S) -> T) -> Planned<T> {
        let Self { subject, family, probes, witnesses, work } = self;
        let work = match work {
            Work::Judge(about) => Work::Judge(more(about)),
            Work::Settled(verdict) => Work::Settled(verdict),
        };
        Planned { subject, family, probes, witnesses, work }
    }

    /// The same, with probes of other cases to compare with. Those of its own are left out.
    pub(crate) fn beside<'p>(mut self, witnesses: impl IntoIterator<Item = &'p Probe>) -> Self {
        if matches!(self.work, Work::Judge(_)) {
            let others = witnesses.into_iter().filter(|probe| !self.probes.contains(probe));
            self.witnesses = others.cloned().collect();
        }
        self
    }
}
