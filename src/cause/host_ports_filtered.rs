//! `host_ports_filtered`: a node admits others to its own ports in one family alone.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, commands},
    net::IpFamily,
    probe::Aim,
};

#[derive(Debug)]
pub(super) struct HostPortsFiltered;

impl CauseRule for HostPortsFiltered {
    fn id(&self) -> &'static str {
        "host_ports_filtered"
    }

    fn why(&self) -> &'static str {
        "Programs in the host network (ingress controllers, node agents, metrics) are unreachable from other \
         nodes in this family, also through Services, while pods with their own addresses are not affected. \
         Firewalls have separate rules for each family."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence
            .families()
            .flat_map(|family| {
                let nodes = evidence.nodes().into_iter();
                nodes.filter_map(move |node| at_node(evidence, node, family))
            })
            .collect()
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    // The node itself may be admitted all the same.
    let direct = |family| {
        evidence.of(family).filter(move |probed| {
            let host = matches!(&probed.probe.aim, Aim::HostBackend { node: at } if at == node);
            host && probed.from() != Some(node)
        })
    };
    let filtered = |probed: &&Probed<'_>| {
        matches!(probed.kind(), Some(Kind::TimedOut | Kind::Unreachable | Kind::Refused))
    };
    let dropped: Vec<&Probed<'_>> = direct(family).filter(filtered).collect();
    let other = family.other();
    if !direct(other).any(Probed::good) || direct(family).any(Probed::good) {
        return None;
    }
    let first = dropped.first()?;
    let place = first.probe.target.address()?;
    Some(Found {
        what: format!(
            "A filter on node {node} blocks connections from other nodes to its own ports over {family}, but not \
             over {other}."
        ),
        evidence: dropped
            .iter()
            .take(3)
            .copied()
            .chain(direct(other).find(|probed| probed.good()))
            .map(Probed::told)
            .collect(),
        reproduce: commands::repeat(evidence.world, [first.probe])
            .into_iter()
            .chain([commands::rules(node)])
            .collect(),
        fix: vec![format!(
            "Let the firewall of {node}, and what filters between the nodes (security groups), admit over {family} the \
             same pods and nodes, to the same ports of the node ({place} was tried), as over {other}."
        )],
        probed: evidence.bad(|probed| {
            let there = probed.host_backend() == Some(node) && probed.from() != Some(node);
            probed.family == family && there
        }),
        ..Found::default()
    })
}
