//! What each Node object says of its families.

mod internal_ips;
mod pod_cidrs;

pub(super) use internal_ips::InternalIps;
pub(super) use pod_cidrs::PodCidrs;

use super::{Planned, Subject, Verdict, World};
use crate::{
    facts::{Fact, Node},
    net::IpFamily,
};

/// What a case is about: a node, and one family.
#[derive(Debug)]
pub(super) struct NodeInFamily {
    family: IpFamily,
    node: Node,
}

/// A case for each node and family, also for a family that must not be there. Where the nodes
/// can't be seen, one case for each family says so.
fn cases(world: World<'_>) -> Vec<Planned<NodeInFamily>> {
    let mut cases = Vec::new();
    for family in IpFamily::ALL {
        let unknown =
            |reason| Planned::settled(Subject::Cluster, family, Verdict::inconclusive(reason));
        match &world.facts.nodes {
            Fact::Known { value, .. } => {
                cases.extend(value.iter().map(|node| case(node, family)));
            }
            Fact::Absent { reason } => cases.push(unknown(reason.clone())),
            Fact::Forbidden { reason } => cases.push(unknown(format!("no right to {reason}"))),
        }
    }
    cases
}

fn case(node: &Node, family: IpFamily) -> Planned<NodeInFamily> {
    let name = &node.name;
    let subject = Subject::Node { name: name.clone() };
    if node.is_virtual {
        let reason = format!("{name} is a virtual node without a kubelet of its own");
        return Planned::settled(subject, family, Verdict::skip(reason));
    }
    Planned::new(subject, family, NodeInFamily { family, node: node.clone() })
}

/// Every node of the cluster, as far as they can be seen.
fn nodes(world: World<'_>) -> &[Node] {
    world.facts.nodes.known().map_or(&[], Vec::as_slice)
}
