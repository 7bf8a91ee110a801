//! Facts about what other people run in the cluster, and what the API server keeps of it: numbers
//! and examples, for a cluster may have very many of each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::net::IpFamily;

/// How many there are of something, and a few of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// How many there are.
    pub count: usize,
    /// The first few of them, by name.
    pub first: Vec<String>,
}

impl Sample {
    /// How many names are kept.
    const KEPT: usize = 5;

    /// Counts one more.
    pub(super) fn add(&mut self, name: String) {
        self.count += 1;
        if self.first.len() < Self::KEPT {
            self.first.push(name);
        }
    }
}

/// A ServiceCIDR object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCidr {
    /// `metadata.name`.
    pub name: String,
    /// `spec.cidrs`, as written.
    pub cidrs: Vec<String>,
    /// Whether the condition `Ready` is `True`.
    pub ready: bool,
    /// The condition's message.
    pub message: String,
}

/// What the Services of the cluster have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Services {
    /// How many ClusterIPs they have, by family.
    pub cluster_ips: BTreeMap<IpFamily, usize>,
    /// Those with the policy PreferDualStack or RequireDualStack, and one ClusterIP.
    pub half_dual: Sample,
    /// Those with a ClusterIP and an empty `spec.ipFamilies`.
    pub without_families: Sample,
}

/// The ClusterIPs that no IPAddress object reserves for their Service, by family, each as
/// `ADDRESS of NAMESPACE/NAME`.
pub type Unreserved = BTreeMap<IpFamily, Sample>;

/// What the running pods have that aren't in their node's network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pods {
    /// How many were looked at.
    pub seen: usize,
    /// Whether there are more than were looked at.
    pub more: bool,
    /// Those with addresses of only one family, by that family.
    pub single_stack: BTreeMap<IpFamily, Sample>,
}

/// How long a component's Lease must have been silent, in multiples of its duration, to count as
/// stale: an API server that restarts holds renewals up.
const STALE: u64 = 2;

/// The Lease by which one instance of a control plane component leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// `kube-controller-manager` or `kube-scheduler`.
    pub component: String,
    /// Who leads, or led last.
    pub holder: Option<String>,
    /// For how many seconds it had not been renewed, by the API server's clock; `None` where it never
    /// was.
    pub silent_seconds: Option<u64>,
    /// For how many seconds it counts.
    pub duration_seconds: u64,
}

impl Lease {
    /// Whether there is no leader any more.
    pub fn is_stale(&self) -> bool {
        self.silent_seconds.is_some_and(|silent| silent > STALE * self.duration_seconds)
    }
}

/// A pod of kube-proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyPod {
    /// Its name.
    pub name: String,
    /// Its node.
    pub node: Option<String>,
    /// Whether a container of it runs.
    pub running: bool,
    /// How often its containers were started again.
    pub restarts: u32,
    /// What a container waits for (`CrashLoopBackOff`).
    pub waiting: Option<String>,
    /// How a container ended last, and its last words where it left any.
    pub ended: Option<String>,
}

impl ProxyPod {
    /// Whether it ends each time it is started.
    pub fn is_crashing(&self) -> bool {
        !self.running && self.restarts > 0
    }
}
