//! `pods_outside_range`: the pods of a node have addresses outside its podCIDR, to which nothing leads.

use std::{collections::HashMap, net::IpAddr};

use ipnet::IpNet;

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed};
use crate::{
    check::{commands, gives_own_addresses, reconfigure},
    facts::Node,
    net::IpFamily,
    probe::Aim,
};

#[derive(Debug)]
pub(super) struct PodsOutsideRange;

impl CauseRule for PodsOutsideRange {
    fn id(&self) -> &'static str {
        "pods_outside_range"
    }

    fn why(&self) -> &'static str {
        "Other nodes route traffic to a node's pods by the podCIDR of its Node object. If the pod network \
         assigns addresses of another range, no route leads to them, or one to another node that has this \
         range; the pods and the node itself look healthy."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        // A pod network with an address management of its own cares for no podCIDR.
        if gives_own_addresses(evidence.world) {
            return Vec::new();
        }
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

/// A pod's address that is not of its node's range.
struct OutsideAddress<'a> {
    node: &'a str,
    range: IpNet,
    ip: IpAddr,
}

/// The one node whose pods are elsewhere, where all others' are where they belong.
fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let nodes = evidence.world.facts.nodes.known()?;
    let of: HashMap<&str, IpNet> =
        nodes.iter().filter_map(|node| Some((node.name.as_str(), range(node, family)?))).collect();
    let (mut astray, mut example) = (Vec::new(), None);
    for node in evidence.nodes() {
        let range = *of.get(node)?;
        let pods = pods(evidence, node, family);
        match pods.iter().find(|ip| !range.contains(*ip)) {
            Some(&ip) => astray.push(OutsideAddress { node, range, ip }),
            None if pods.is_empty() => {}
            None => example = Some(node),
        }
    }
    let [astray] = astray.as_slice() else { return None };
    at_node(evidence, family, astray, example?)
}

fn at_node(
    evidence: &Evidence<'_>,
    family: IpFamily,
    astray: &OutsideAddress<'_>,
    example: &str,
) -> Option<Found> {
    let OutsideAddress { node, range, ip: astray } = *astray;
    let nodes = evidence.world.facts.nodes.known()?;
    let others: Vec<&str> = evidence.nodes().into_iter().filter(|other| *other != node).collect();
    let mut ways = others
        .iter()
        .flat_map(|other| [(*other, node), (node, *other)])
        .filter_map(|(from, to)| evidence.pod_path(from, to, family))
        .peekable();
    let way = *ways.peek()?;
    // A pod of the node whose range it is may have the same address, and answers in their place.
    if ways.any(|probed| !probed.bad()) {
        return None;
    }
    let owner = nodes
        .iter()
        .find(|other| ranges(other).any(|range| range.contains(&astray)))
        .map(|other| other.name.as_str());
    let whose = owner
        .map(|owner| format!(", in the range of {owner}, to which other nodes send it"))
        .unwrap_or_default();
    let leaves = |probed: &Probed<'_>| {
        probed.from() == Some(node) && !probed.by_host() && matches!(probed.probe.aim, Aim::Outside)
    };
    Some(Found {
        what: format!(
            "Pods on node {node} get {family} addresses outside the node's podCIDR {range}: {astray}{whose}."
        ),
        confidence: Confidence::Proved,
        evidence: vec![
            format!("the Node {node} has the podCIDR {range}, and a pod there has {astray}"),
            format!("the pods on {example} have addresses of its own podCIDR"),
            way.told(),
        ],
        reproduce: vec![
            format!("kubectl get node {node} -o jsonpath={{.spec.podCIDRs}}"),
            format!("kubectl get pods -A -o wide --field-selector spec.nodeName={node}"),
            commands::on_node_as_root(
                node,
                "sh -c 'cat /etc/cni/net.d/* /var/lib/rancher/k3s/agent/etc/cni/net.d/* 2>/dev/null'",
            ),
        ],
        fix: vec![
            format!(
                "Put {range} into the pod network's configuration on {node} (/etc/cni/net.d), or restart what \
                 writes it there from the Node object, and create the node's pods again."
            ),
            format!(
                "If the range that its pods have now is the right one, the Node object is old. {}",
                reconfigure::recreate_node(node)
            ),
        ],
        probed: evidence.bad(|probed| {
            probed.family == family
                && (leaves(probed)
                    || others.iter().any(|other| evidence.crosses(probed, node, other, false)))
        }),
        ..Found::default()
    })
}

/// A node's podCIDR of a family.
fn range(node: &Node, family: IpFamily) -> Option<IpNet> {
    ranges(node).find(|range| IpFamily::of(range.addr()) == family)
}

fn ranges(node: &Node) -> impl Iterator<Item = IpNet> {
    node.pod_cidrs.iter().filter_map(|range| range.parse().ok())
}

/// The addresses of the run's pods on a node.
fn pods(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Vec<IpAddr> {
    let fixture = evidence.world.fixture;
    let pods = fixture.backend_on(node).into_iter().chain(fixture.probe_on(node));
    pods.filter_map(|pod| pod.address(family)).collect()
}
