//! `address_duplicate`: another machine answers for a node's address.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed, isolation, proof};
use crate::{check::commands, net::IpFamily};

#[derive(Debug)]
pub(super) struct AddressDuplicate;

impl CauseRule for AddressDuplicate {
    fn id(&self) -> &'static str {
        "address_duplicate"
    }

    fn why(&self) -> &'static str {
        "If two machines have the same address, each gets some of its packets. Traffic from other nodes to this node \
         and its pods ends up at the wrong machine."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let mut found = evidence.of_each_node(held_by_another);
        found.extend(evidence.of_each_node(at_node));
        found
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let facts = evidence.world.facts;
    let shown = proof::address_taken(facts, node, family);
    if !shown.is_proof() {
        return None;
    }
    let ip = facts.node(node)?.internal_ips(family).next()?;
    let flag = commands::flag(family);
    let other = evidence.nodes().into_iter().find(|other| *other != node)?;
    let found = Found {
        what: format!("Another machine answers for {ip}, the {family} address of node {node}."),
        evidence: Vec::new(),
        reproduce: vec![
            commands::on_node(other, &format!("ip {flag} neigh show {ip}")),
            commands::on_node(node, &format!("ip {flag} addr show to {ip}")),
        ],
        fix: vec![
            format!(
                "Find the machine with the link address above (the switch's or hypervisor's tables \
                 tell), and take {ip} away from it; then flush the entry on the other nodes (`ip {flag} \
                 neigh flush to {ip}`)."
            ),
            format!(
                "Give {node} an address that nobody else can have: a reservation, or a range that the \
                 {} server does not hand out.",
                match family {
                    IpFamily::V4 => "DHCP",
                    IpFamily::V6 => "DHCPv6",
                }
            ),
        ],
        probed: isolation::explained(evidence, node, family),
        ..Found::default()
    };
    Some(found.shown(shown))
}

/// Another node of the cluster has the address on an interface of its own.
fn held_by_another(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let facts = evidence.world.facts;
    let (holder, link) = proof::held_by(facts, node, family)?;
    let ip = facts.node(node)?.internal_ips(family).next()?;
    let flag = commands::flag(family);
    let ends = |probed: &Probed<'_>, of: &str| {
        [probed.from(), probed.at(), probed.backend()].contains(&Some(of))
    };
    Some(Found {
        what: format!(
            "Node {holder} has {ip} on its interface {link}, which is the {family} address of node {node}."
        ),
        confidence: Confidence::Proved,
        evidence: vec![
            format!("{link} of {holder} has {ip}, the InternalIP of {node}"),
            format!(
                "packets from pods on {holder} to {node} end on {holder}, and packets from {node} are dropped \
                 there as spoofed"
            ),
        ],
        reproduce: vec![
            commands::on_node(holder, &format!("ip {flag} addr show to {ip}")),
            commands::on_node(node, &format!("ip {flag} addr show to {ip}")),
        ],
        fix: vec![format!(
            "Take {ip} off {link} of {holder} (its network configuration, or a program that moves addresses, \
             such as keepalived or kube-vip, has put it there), and keep it from coming back."
        )],
        probed: evidence.bad(|probed| {
            let shared = probed.is_shared();
            probed.family == family && (ends(probed, holder) || ends(probed, node) || shared)
        }),
        ..Found::default()
    })
}
