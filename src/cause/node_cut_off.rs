//! `node_cut_off`: a node is dead to all others in a family.

use super::{CauseRule, Evidence, Found, isolation, proof};
use crate::{
    check::{commands, remedy},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct NodeCutOff;

impl CauseRule for NodeCutOff {
    fn id(&self) -> &'static str {
        "node_cut_off"
    }

    fn why(&self) -> &'static str {
        "Pods on this node and everyone else can't talk to each other in this family. The node stays Ready, \
         because its kubelet reaches the API server in the other one, so Services keep sending traffic to it."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

/// Whether the only node of a cluster has lost its address: then nobody else is there to miss it.
pub(super) fn is_lost_alone(evidence: &Evidence<'_>, family: IpFamily) -> bool {
    match evidence.nodes().as_slice() {
        [node] => proof::address_lost(evidence.world.facts, node, family).is_proof(),
        _ => false,
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let alone = is_lost_alone(evidence, family);
    let isolation = isolation::of(evidence, node, family);
    let mut seen = Vec::new();
    if alone {
        let lost = evidence.touching(node, family).find(|it| it.at() == Some(node) && it.bad())?;
        seen.push(lost.told());
    } else {
        isolation?;
        seen.push(format!("no pod on {node} reaches another node over {family}, nor the reverse"));
    }
    if isolation.is_some_and(|it| it.address_reached == Some(false)) {
        seen.push(format!("this machine doesn't reach {node}'s own {family} address either"));
    }
    if isolation.is_some_and(|it| it.own_pods_meet == Some(true)) {
        seen.push(format!("pods on {node} reach each other over {family}"));
    }
    let flag = commands::flag(family);
    let neighbours = match family {
        IpFamily::V4 => "Let ARP through to the node (ports' and hypervisors' spoofing filters).",
        IpFamily::V6 => {
            "Let ICMPv6 neighbour discovery (types 133 to 137) through: a firewall that drops all \
             ICMPv6 drops IPv6 (RFC 4890)."
        }
    };
    let facts = evidence.world.facts;
    let lost = proof::address_lost(facts, node, family);
    let silent = proof::neighbours_silent(facts, node, family);
    let address = format!(
        "Check that the interface of {node} still has its {family} address and isn't tentative or failed in \
         duplicate address detection."
    );
    let narrow =
        proof::too_narrow_for_v6(facts, node).filter(|_| family == IpFamily::V6 && lost.is_proof());
    let fix = if narrow.is_some() {
        vec![format!(
            "Raise the MTU of that interface of {node} to what its network carries, at least 1280, \
             and then give it its IPv6 address and routes again (restart the node's network configuration, and the \
             pod network's pod there)."
        )]
    } else if lost.is_proof() {
        vec![format!(
            "Give the interface of {node} its {family} address again, by the node's own network \
             configuration (netplan, NetworkManager, systemd-networkd, cloud-init), and look in its log for \
             what took it away."
        )]
    } else if silent.is_proof() {
        vec![neighbours.to_owned()]
    } else {
        let otherwise = remedy::pod_network(evidence.world, family);
        [address, neighbours.to_owned()].into_iter().chain(otherwise).collect()
    };
    let narrow: Vec<String> = narrow.into_iter().collect();
    let seen = [narrow, seen].concat();
    let shown = if lost.is_proof() { lost } else { silent };
    let found = Found {
        what: if alone {
            format!(
                "Node {node} has lost its {family} address: neither the node nor its NodePorts can be reached there."
            )
        } else {
            format!("Node {node} is cut off from all other nodes over {family}.")
        },
        evidence: seen,
        reproduce: vec![
            commands::on_node(node, &format!("ip {flag} addr show scope global")),
            commands::on_node(node, &format!("ip {flag} route")),
            commands::on_node(node, &format!("ip {flag} neigh")),
        ],
        fix,
        probed: isolation::explained(evidence, node, family),
        ..Found::default()
    };
    Some(found.shown(shown))
}
