//! `pods_single_stack`: pods of one node, or of all, get no address of a family.

use std::collections::BTreeSet;

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Subject, commands, remedy, words},
    net::IpFamily,
    probe::{ProbeId, Vantage},
};

#[derive(Debug)]
pub(super) struct PodsSingleStack;

impl CauseRule for PodsSingleStack {
    fn id(&self) -> &'static str {
        "pods_single_stack"
    }

    fn why(&self) -> &'static str {
        "Pods created there can neither connect nor serve in this family, and Services lose them as endpoints \
         in it. Older pods keep their addresses, so the loss spreads with every restart."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().flat_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Vec<Found> {
    let fixture = evidence.world.fixture;
    let pods = || {
        let all = fixture.backends.iter().chain(&fixture.probes);
        all.filter(|pod| !pod.pod_ips.is_empty())
    };
    let nodes: BTreeSet<&str> = pods().map(|pod| pod.node.as_str()).collect();
    let lacking = pods().filter(|pod| pod.address(family).is_none());
    let without: BTreeSet<&str> = lacking
        .map(|pod| pod.node.as_str())
        .filter(|node| evidence.world.expects(node, family))
        .collect();
    if without.is_empty() {
        Vec::new()
    } else if without == nodes {
        vec![found(evidence, family, &without)]
    } else {
        without.iter().map(|node| found(evidence, family, &BTreeSet::from([*node]))).collect()
    }
}

fn found(evidence: &Evidence<'_>, family: IpFamily, nodes: &BTreeSet<&str>) -> Found {
    let world = evidence.world;
    let is_here = |node: &str| nodes.contains(node);
    let facts = world.facts.nodes.known();
    let ranged: Vec<&str> = nodes
        .iter()
        .copied()
        .filter(|name| {
            facts.into_iter().flatten().find(|node| node.name == *name).is_some_and(|node| {
                node.pod_cidrs.iter().any(|range| range.contains(':') == (family == IpFamily::V6))
            })
        })
        .collect();
    let example = nodes.iter().next().copied().unwrap_or_default();
    let all = nodes.len() > 1;
    let what = if all {
        format!("Pods get no {family} address on any node.")
    } else {
        let others =
            if world.fixture.selected().count() > 1 { "; those on other nodes do" } else { "" };
        format!("Pods on node {example} get no {family} address{others}.")
    };
    let pods = world.fixture.backends.iter().chain(&world.fixture.probes);
    let mut seen: Vec<String> = pods
        .filter(|pod| {
            is_here(&pod.node) && !pod.pod_ips.is_empty() && pod.address(family).is_none()
        })
        .map(|pod| {
            let name = pod.pod.as_deref().unwrap_or("a pod");
            format!("{name} on {} has only {}", pod.node, words::list(&pod.pod_ips))
        })
        .collect();
    // A pod network that follows podCIDRs can't do better than they allow.
    let mut fix = Vec::new();
    if ranged.is_empty() {
        seen.push(format!("spec.podCIDRs of {} has no {family} range", words::list(nodes)));
        fix.push(format!(
            "Give the Node object an {family} range first (node::pod_cidrs): a pod network that uses \
             podCIDRs has nothing to give."
        ));
    } else {
        seen.push(format!("spec.podCIDRs of {} has an {family} range", words::list(&ranged)));
    }
    fix.extend(remedy::addressing(world, family));
    let on_node = |subject: &Subject| match subject {
        Subject::Pod { node, .. } | Subject::Node { name: node } => is_here(node),
        _ => false,
    };
    let red = |check| {
        evidence.red(check, |judged| {
            judged.case.family == Some(family) && on_node(&judged.case.subject)
        })
    };
    let mut cases = red("pod::pod_ips");
    cases.extend(red("node::pod_cidrs"));
    Found {
        what,
        probed: asked_in_vain(evidence, family, nodes),
        evidence: seen,
        reproduce: vec![
            format!(
                "kubectl get pods -A --field-selector spec.nodeName={example} -o \
                 'custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,IPS:.status.podIPs[*].ip'"
            ),
            commands::on_node(
                example,
                "sh -c 'cat /host/etc/cni/net.d/* /host/var/lib/rancher/k3s/agent/etc/cni/net.d/* 2>/dev/null'",
            ),
        ],
        fix,
        cases,
        ..Found::default()
    }
}

/// What pods asked the cluster's DNS that has addresses of the family alone, which they have none of.
fn asked_in_vain(
    evidence: &Evidence<'_>,
    family: IpFamily,
    nodes: &BTreeSet<&str>,
) -> BTreeSet<ProbeId> {
    let world = evidence.world;
    let servers = world.facts.cluster_dns.known().map_or(&[][..], |dns| &dns.cluster_ips);
    if servers.is_empty() || servers.iter().any(|server| IpFamily::of(*server) != family) {
        return BTreeSet::new();
    }
    let alone = |node: &str| {
        let pod = world.fixture.probe_on(node);
        pod.is_some_and(|pod| !pod.pod_ips.is_empty() && pod.address(family).is_none())
    };
    let asked = evidence.probed.iter().filter(|probed| probed.is_dns() && probed.dns_unheard());
    let from_here = asked.filter(|probed| {
        let pods_own = matches!(&probed.probe.vantage, Vantage::Pod { .. });
        let node = probed.from().filter(|node| nodes.contains(node));
        pods_own && node.is_some_and(alone)
    });
    from_here.map(Probed::id).collect()
}
