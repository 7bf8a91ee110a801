//! `neighbour_entry_wrong`: a node has a permanent neighbour entry with a wrong link address for another node.

use std::net::IpAddr;

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed, proof};
use crate::{check::commands, net::IpFamily};

#[derive(Debug)]
pub(super) struct NeighbourEntryWrong;

impl CauseRule for NeighbourEntryWrong {
    fn id(&self) -> &'static str {
        "neighbour_entry_wrong"
    }

    fn why(&self) -> &'static str {
        "The kernel never checks a permanent neighbour entry again (ARP; RFC 4861 for IPv6). If the other node \
         gets another interface, or is created again with the same address, every packet sent to it is lost, \
         including replies."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        // Who was not looked at shows nothing, and those that were are few.
        let snapshots = &evidence.world.facts.snapshots;
        let nodes: Vec<&str> = snapshots.iter().map(|snapshot| snapshot.node.as_str()).collect();
        let pairs = || nodes.iter().flat_map(|at| nodes.iter().map(move |of| (*at, *of)));
        evidence
            .families()
            .flat_map(|family| pairs().filter_map(move |(at, of)| found(evidence, at, of, family)))
            .collect()
    }
}

fn found(evidence: &Evidence<'_>, at: &str, of: &str, family: IpFamily) -> Option<Found> {
    let facts = evidence.world.facts;
    let ip: IpAddr = facts.node(of)?.internal_ips(family).next()?;
    let fact = proof::neighbour_fixed_wrong(facts, at, of, family)?;
    let flag = commands::flag(family);
    let ends = |probed: &Probed<'_>, node: &str| {
        [probed.from(), probed.at(), probed.backend(), probed.host_backend()].contains(&Some(node))
    };
    Some(Found {
        what: format!(
            "Node {at} has a permanent neighbour entry with a wrong link address for {ip}, the {family} address of \
             node {of}."
        ),
        confidence: Confidence::Proved,
        evidence: vec![fact],
        reproduce: vec![
            commands::on_node(at, &format!("ip {flag} neigh show {ip}")),
            commands::on_node(of, &format!("ip {flag} addr show to {ip}")),
        ],
        fix: vec![format!(
            "Delete the entry (`{}`), and find what set it: a network configuration, or an agent that keeps \
             neighbours by hand.",
            commands::on_node_as_root(at, &format!("ip {flag} neigh del {ip} dev INTERFACE"))
        )],
        probed: evidence.bad(|probed| {
            let between = ends(probed, at) && ends(probed, of);
            probed.family == family
                && (between
                    || evidence.crosses(probed, at, of, false)
                    || (probed.is_shared() && (ends(probed, at) || ends(probed, of))))
        }),
        ..Found::default()
    })
}
