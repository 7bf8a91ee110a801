//! Causes: what one fault lies behind many red cases. Pure functions over what was found.
//!
//! A verdict says that a path is dead; a cause says that kube-proxy on one node drops IPv6, and
//! that this explains these eleven cases. One small file per cause, one ordered registry.

mod backend_filtered;
mod backend_not_listening;
mod cluster_ip_dead;
mod dns_unreachable;
mod dns_without_names;
mod dns_without_records;
mod endpoints_missing;
mod evidence;
mod isolation;
mod node_cut_off;
mod node_not_forwarding;
mod node_port_dead;
mod node_without_internal_ip;
mod node_without_pod_cidr;
mod other_primary;
mod outside_without_way;
mod path_mtu;
mod pod_network_down;
mod pod_route_missing;
mod pods_masqueraded;
mod pods_single_stack;
mod service_proxy_down;
mod services_single_stack;
mod single_stack_cluster;
#[cfg(test)]
mod tests;
mod unexpected_family;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use evidence::Evidence;

use crate::{
    check::{Case, Verdict, World},
    probe::{ProbeId, ProbeTable},
};

/// A case with its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The case.
    pub case: Case,
    /// What became of it.
    pub verdict: Verdict,
}

/// One fault, and what it explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The rule that found it (`pod_route_missing`).
    pub id: String,
    /// What is broken, where, as one full sentence.
    pub what: String,
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

/// A rule that finds causes of one kind.
pub trait CauseRule: Sync {
    /// Its id.
    fn id(&self) -> &'static str;

    /// Why such a fault matters.
    fn why(&self) -> &'static str;

    /// The faults of this kind.
    fn find(&self, evidence: &Evidence<'_>) -> Vec<Found>;
}

/// The rules in order: what explains more, or says more of one place, comes first. What one rule
/// has explained isn't explained again by a later one.
pub static REGISTRY: &[&dyn CauseRule] = &[
    &outside_without_way::OutsideWithoutWay,
    &unexpected_family::UnexpectedFamily,
    &single_stack_cluster::SingleStackCluster,
    &other_primary::OtherPrimary,
    &services_single_stack::ServicesSingleStack,
    &pods_single_stack::PodsSingleStack,
    &node_without_internal_ip::NodeWithoutInternalIp,
    &node_without_pod_cidr::NodeWithoutPodCidr,
    &backend_not_listening::BackendNotListening,
    &backend_filtered::BackendFiltered,
    &node_not_forwarding::NodeNotForwarding,
    &node_cut_off::NodeCutOff,
    &pod_network_down::PodNetworkDown,
    &pod_route_missing::PodRouteMissing,
    &path_mtu::PathMtu,
    &pods_masqueraded::PodsMasqueraded,
    &endpoints_missing::EndpointsMissing,
    &service_proxy_down::ServiceProxyDown,
    &cluster_ip_dead::ClusterIpDead,
    &node_port_dead::NodePortDead,
    &dns_without_records::DnsWithoutRecords,
    &dns_without_names::DnsWithoutNames,
    &dns_unreachable::DnsUnreachable,
];

/// What lies behind the cases that failed or could not be told, in the order of the rules.
pub fn causes(world: World<'_>, judged: &[Judged], probes: &ProbeTable) -> Vec<Cause> {
    let evidence = Evidence::new(world, judged, probes);
    let mut open = evidence.open();
    let mut causes = Vec::new();
    for rule in REGISTRY {
        for found in rule.find(&evidence) {
            let explains = open.explain(&evidence, &found);
            if explains.is_empty() {
                continue;
            }
            causes.push(Cause {
                id: rule.id().to_owned(),
                what: found.what,
                why: rule.why().to_owned(),
                evidence: found.evidence,
                reproduce: found.reproduce,
                fix: found.fix,
                explains,
            });
        }
    }
    causes
}
