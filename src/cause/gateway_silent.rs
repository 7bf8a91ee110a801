//! `gateway_silent`: a node's default route leads to a gateway that nobody answers for.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Origin};
use crate::{
    check::{commands, words},
    net::IpFamily,
    probe::Aim,
    snapshot::Gateway,
};

#[derive(Debug)]
pub(super) struct GatewaySilent;

impl CauseRule for GatewaySilent {
    fn id(&self) -> &'static str {
        "gateway_silent"
    }

    fn why(&self) -> &'static str {
        "Packets that leave the nodes' own network in this family are lost, and so are replies to clients \
         outside it. Inside the cluster everything works."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let gateways = &evidence.world.facts.gateways;
    let of = |node: &str| -> Vec<&Gateway> {
        let its = gateways.iter().filter(|gateway| gateway.family == family);
        its.filter(|gateway| gateway.node == node).collect()
    };
    let mut nodes = evidence.nodes();
    nodes.retain(|node| {
        let its = of(node);
        !its.is_empty() && its.iter().all(|gateway| gateway.is_silent())
    });
    // A node that is cut off from everybody doesn't find its gateway either.
    nodes.retain(|node| {
        evidence.nodes().len() == 1
            || evidence.touching(node, family).any(|probed| {
                let meets = probed.backend().or(probed.at()).is_some_and(|to| to != *node);
                probed.good() && meets && probed.from() == Some(node)
            })
    });
    // Nor is a gateway the reason where the node itself gets there.
    nodes.retain(|node| {
        !evidence.of(family).any(|probed| {
            let leaves = probed.by_host() && probed.probe.aim == Aim::Outside;
            leaves && probed.from() == Some(node) && probed.good()
        })
    });
    let lost = |node: &str| {
        evidence.bad(|probed| {
            let leaves = probed.probe.aim == Aim::Outside && probed.from() == Some(node);
            let enters = probed.origin == Origin::Outside && probed.at() == Some(node);
            probed.family == family && (leaves || enters)
        })
    };
    nodes.retain(|node| !lost(node).is_empty());
    let node = *nodes.first()?;
    let gateway = of(node).first()?.address;
    let by = match family {
        IpFamily::V4 => "ARP",
        IpFamily::V6 => "neighbour discovery",
    };
    let example = evidence.of(family).find(|probed| lost(node).contains(&probed.id()));
    let seen = nodes.iter().take(3).flat_map(|node| of(node)).map(|gateway| {
        format!(
            "{} gets no answer to {by} for {}, its {family} default gateway on {} ({})",
            gateway.node, gateway.address, gateway.link, gateway.state
        )
    });
    let example = example
        .map(|probed| format!("{} to {}: {}", probed.whence(), probed.probe.target, probed.seen()));
    Some(Found {
        what: format!(
            "The {family} default gateway of {}, {gateway}, does not answer: traffic to other networks is lost.",
            words::list(&nodes)
        ),
        confidence: Confidence::Proved,
        evidence: seen.chain(example).collect(),
        reproduce: vec![
            commands::on_node(node, &format!("ip {} route show default", commands::flag(family))),
            commands::on_node(node, &format!("ip neigh show to {gateway}")),
        ],
        fix: vec![
            format!(
                "Check that the router still has {gateway} on this link, and that no firewall on it or on the way \
                 drops {by}."
            ),
            format!(
                "If the router has another address, correct the default route where it comes from (DHCP, router \
                 advertisements, the node's network configuration), on {}.",
                words::list(&nodes)
            ),
        ],
        probed: nodes.iter().flat_map(|node| lost(node)).collect(),
        ..Found::default()
    })
}
