//! `cluster_ip_dead`: from a node no ClusterIP of a family works, while pods are reached directly.

use std::{collections::BTreeSet, net::IpAddr};

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, remedy, words},
    net::IpFamily,
    probe::{Aim, ProbeId},
};

#[derive(Debug)]
pub(super) struct ClusterIpDead;

impl CauseRule for ClusterIpDead {
    fn id(&self) -> &'static str {
        "cluster_ip_dead"
    }

    fn why(&self) -> &'static str {
        "Pods on the node reach no Service in this family, though the backend pods are reachable. Every node \
         translates ClusterIPs separately, so pods on other nodes are not affected, and a pod that moves here breaks."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().flat_map(|family| in_family(evidence, family)).collect()
    }
}

/// The nodes from whose pods every ClusterIP is dead, though a backend is reached at its own address.
pub(super) fn nodes<'a>(evidence: &Evidence<'a>, family: IpFamily) -> Vec<&'a str> {
    let mut nodes = evidence.nodes();
    nodes.retain(|node| {
        let tried: Vec<&Probed<'_>> = evidence
            .touching(node, family)
            .filter(|probed| probed.is_cluster_ip() && probed.from() == Some(node))
            .filter(|probed| probed.backend().is_some() && !probed.by_host())
            .collect();
        // Where the pod network loses a path the ClusterIP must be dead too, and proves nothing.
        let reached = |probed: &&&Probed<'_>| {
            probed.backend().is_some_and(|backend| {
                evidence.pod_path(node, backend, family).is_none_or(|path| !path.dead())
            })
        };
        tried.iter().filter(reached).count() > 0 && tried.iter().all(|probed| probed.dead())
    });
    nodes
}

/// Whether a node itself reaches ClusterIPs that its pods don't: then it has the Services, and not what sends
/// there what comes in. `None` where that wasn't tried.
pub(super) fn host_reaches(evidence: &Evidence<'_>, family: IpFamily, node: &str) -> Option<bool> {
    let mut by_host = evidence
        .touching(node, family)
        .filter(|probed| probed.by_host() && probed.is_cluster_ip() && probed.from() == Some(node))
        .peekable();
    by_host.peek()?;
    Some(by_host.any(Probed::good))
}

/// What is to be looked at where that is so.
pub(super) fn not_led_there(node: &str, family: IpFamily) -> String {
    let tool = match family {
        IpFamily::V4 => "iptables",
        IpFamily::V6 => "ip6tables",
    };
    format!(
        "{node} itself finds the Services: check that what comes in is led to their rules, too (kube-proxy in mode \
         iptables: `{tool} -t nat -S PREROUTING` must name KUBE-SERVICES). A firewall that was reloaded may have \
         taken that away; kube-proxy writes it again when its pod there is restarted."
    )
}

/// What goes wrong where ClusterIPs of a family are dead from some nodes.
pub(super) fn explained(
    evidence: &Evidence<'_>,
    family: IpFamily,
    nodes: &[&str],
) -> BTreeSet<ProbeId> {
    evidence.bad(|probed| {
        let from_there = probed.from().is_some_and(|from| nodes.contains(&from));
        let by_proxy = probed.is_cluster_ip() || probed.is_api_server() || probed.is_target_ip();
        let service = probed.family == family && by_proxy;
        let dns = !matches!(probed.probe.aim, Aim::DnsPod { .. })
            && evidence.dns_unheard_over(probed, family);
        from_there && (service || dns)
    })
}

/// One dead ClusterIP from a node: what was seen, and the address.
pub(super) fn example<'e>(
    evidence: &'e Evidence<'_>,
    family: IpFamily,
    node: &'e str,
) -> Option<(&'e str, IpAddr)> {
    evidence
        .touching(node, family)
        .filter(|probed| probed.is_cluster_ip() && probed.bad())
        .find_map(|probed| {
            let address = probed.probe.target.address().filter(|_| probed.from() == Some(node))?;
            Some((probed.seen(), address.ip()))
        })
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Vec<Found> {
    let dead = nodes(evidence, family);
    let groups = if dead.len() == evidence.nodes().len() {
        vec![dead]
    } else {
        dead.into_iter().map(|node| vec![node]).collect()
    };
    groups.into_iter().filter_map(|nodes| found(evidence, family, &nodes)).collect()
}

fn found(evidence: &Evidence<'_>, family: IpFamily, nodes: &[&str]) -> Option<Found> {
    let node = *nodes.first()?;
    let (seen, ip) = example(evidence, family, node)?;
    let refused = evidence.touching(node, family).any(|probed| {
        probed.is_cluster_ip()
            && probed.from() == Some(node)
            && probed.kind() == Some(Kind::Refused)
    });
    let alive = host_reaches(evidence, family, node) == Some(true);
    let what = if nodes.len() > 1 {
        format!("{family} ClusterIPs are unreachable from every node.")
    } else if evidence.nodes().len() == 1 {
        let whence = if alive { "from the pods on node" } else { "from node" };
        format!("{family} ClusterIPs are unreachable {whence} {node}.")
    } else if alive {
        format!(
            "{family} ClusterIPs are unreachable from the pods on node {node}, but not from the node itself or \
             from other nodes."
        )
    } else {
        format!("{family} ClusterIPs are unreachable from node {node}; from other nodes they work.")
    };
    let directly = nodes
        .iter()
        .flat_map(|node| {
            evidence.touching(node, family).filter(move |probed| probed.from() == Some(node))
        })
        .any(|probed| probed.is_pod_path() && probed.good());
    let mut facts = vec![format!("{ip} from {node}: {seen}")];
    if directly {
        facts.push(format!(
            "pods on {} reach backends at their own {family} addresses",
            words::list(nodes)
        ));
    }
    let mut fix = remedy::service_proxy(evidence.world, family, node);
    if alive {
        facts.push(format!("{node} itself reaches {family} ClusterIPs"));
        fix.insert(0, not_led_there(node, family));
    }
    if refused {
        fix.insert(
            0,
            format!(
                "Refused means that {node} has the Services but no {family} endpoint for them: see \
                 that EndpointSlices of addressType {family} exist (`kubectl get endpointslices -A`)."
            ),
        );
    }
    Some(Found {
        what,
        evidence: facts,
        reproduce: remedy::inspect_own(evidence.world, family, node, &ip.to_string()),
        fix,
        probed: explained(evidence, family, nodes),
        ..Found::default()
    })
}
