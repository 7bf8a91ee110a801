//! `other_primary`: both families are there, in the other order than the suite expects.

use super::{CauseRule, Evidence, Found, Judged};
use crate::{
    check::Subject,
    fixture::{Allocation, Service},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct OtherPrimary;

impl CauseRule for OtherPrimary {
    fn id(&self) -> &'static str {
        "other_primary"
    }

    fn why(&self) -> &'static str {
        "The primary family is what single-stack Services get, what older clients see as podIP, and where the \
         API server itself is reached. It is chosen when the cluster is created and can't be changed in place."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let suite = evidence.world.suite;
        suite.primary.and_then(|primary| beside_primary(evidence, primary)).into_iter().collect()
    }
}

fn beside_primary(evidence: &Evidence<'_>, primary: IpFamily) -> Option<Found> {
    let other = primary.other();
    let fixture = evidence.world.fixture;
    let service = |judged: &Judged| {
        let Subject::Service { name } = &judged.case.subject else { return None };
        fixture.services.iter().find(|service| service.role.to_string() == *name)
    };
    let reversed = |service: &Service| match &service.allocation {
        Allocation::Accepted { cluster_ips, .. } => {
            service.role.requested_families().is_empty()
                && cluster_ips.first().is_some_and(|&ip| IpFamily::of(ip) == other)
        }
        Allocation::Refused { .. } => false,
    };
    let allocations =
        evidence.red("service::cluster_ips", |judged| service(judged).is_some_and(reversed));
    let pods = evidence.red("pod::pod_ips", |judged| {
        let Subject::Pod { workload, node } = &judged.case.subject else { return false };
        let pod =
            if workload == "nginx" { fixture.backend_on(node) } else { fixture.probe_on(node) };
        judged.case.family == Some(primary)
            && pod.is_some_and(|pod| {
                pod.address(primary).is_some()
                    && pod.pod_ips.first().is_some_and(|&ip| IpFamily::of(ip) == other)
            })
    });
    let nodes = evidence.world.facts.nodes.known();
    let on_node = |judged: &Judged| {
        let Subject::Node { name } = &judged.case.subject else { return None };
        nodes?.iter().find(|node| node.name == *name)
    };
    let is_v6 = primary == IpFamily::V6;
    let ranges = evidence.red("node::pod_cidrs", |judged| {
        judged.case.family == Some(primary)
            && on_node(judged).is_some_and(|node| {
                node.pod_cidrs.first().is_some_and(|range| range.contains(':') != is_v6)
                    && node.pod_cidrs.iter().any(|range| range.contains(':') == is_v6)
            })
    });
    let addresses = evidence.red("node::internal_ips", |judged| {
        judged.case.family == Some(primary)
            && on_node(judged).is_some_and(|node| node.internal_ips(primary).next().is_some())
    });
    // One node in the wrong order is that node's fault; the cluster's shows where Services or every
    // range have it.
    if allocations.is_empty() && nodes.is_none_or(|nodes| ranges.len() < nodes.len()) {
        return None;
    }
    let mut seen = Vec::new();
    let mut count = |what: &str, n: usize| {
        if n > 0 {
            seen.push(format!("{n} {what}, {other} first"));
        }
    };
    count("of the nodes' podCIDRs", ranges.len());
    count("of the nodes' InternalIPs", addresses.len());
    count("of the pods' podIPs", pods.len());
    count("of the Services that don't ask for an order", allocations.len());
    Some(Found {
        what: format!(
            "The cluster's primary family is {other}, and the suite {} expects {primary}.",
            evidence.world.suite.name
        ),
        evidence: seen,
        reproduce: vec![
            "kubectl get nodes -o custom-columns=NAME:.metadata.name,PODCIDRS:.spec.podCIDRs"
                .to_owned(),
            "kubectl -n default get service kubernetes -o jsonpath='{.spec.clusterIPs}{\"\\n\"}'"
                .to_owned(),
        ],
        fix: vec![
            "If that is how it is meant to be, run the suite dual-stack.".to_owned(),
            format!(
                "If not, recreate the cluster with the {primary} range first everywhere: podSubnet, \
                 serviceSubnet, the kubelets' --node-ip and the API server's advertise address."
            ),
        ],
        cases: [allocations, pods, ranges, addresses].into_iter().flatten().collect(),
        ..Found::default()
    })
}
