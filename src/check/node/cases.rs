//! The cases of nodes: what a check of them is about.

use crate::{
    check::{Planned, Subject, Verdict, World},
    facts::{Fact, Node},
    net::IpFamily,
};

/// What a case is about: a node, and one family.
#[derive(Debug)]
pub(in crate::check) struct NodeInFamily {
    pub(super) family: IpFamily,
    pub(super) node: Node,
}

/// A case for each node and family, also for a family that must not be there. Where the nodes
/// can't be seen, one case for each family says so.
pub(super) fn cases(world: World<'_>) -> Vec<Planned<NodeInFamily>> {
    let mut cases = Vec::new();
    for family in IpFamily::ALL {
        let unknown =
            |reason| Planned::settled(Subject::Cluster, family, Verdict::inconclusive(reason));
        match &world.facts.nodes {
            Fact::Known { value, .. } => {
                cases.extend(value.iter().map(|node| case(node, family)));
            }
            Fact::Absent { reason } => cases.push(unknown(reason.clone())),
            Fact::Forbidden { reason } => {
                cases.push(unknown(format!("missing permission: {reason}")))
            }
        }
    }
    cases
}

fn case(node: &Node, family: IpFamily) -> Planned<NodeInFamily> {
    let name = &node.name;
    let subject = Subject::Node { name: name.clone() };
    if node.is_virtual {
        let reason = format!("{name} is a virtual node without its own kubelet");
        return Planned::settled(subject, family, Verdict::skip(reason));
    }
    Planned::new(subject, family, NodeInFamily { family, node: node.clone() })
}

/// Every node of the cluster, as far as they can be seen.
pub(super) fn nodes(world: World<'_>) -> &[Node] {
    world.facts.nodes.known().map_or(&[], Vec::as_slice)
}
