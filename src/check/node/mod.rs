//! What each Node object says of its families.

mod internal_ips;
mod pod_cidrs;

pub(super) use internal_ips::InternalIps;
pub(super) use pod_cidrs::PodCidrs;

use super::{Case, Check, Subject, Verdict, World};
use crate::{
    facts::{Fact, Node},
    net::IpFamily,
};

/// A case for each node and family, also for a family that must not be there. Where the nodes
/// can't be seen, one case for each family says so.
fn cases(check: &dyn Check, world: World<'_>) -> Vec<Case> {
    let subjects: Vec<Subject> = match world.facts.nodes.known() {
        Some(nodes) => nodes.iter().map(|node| Subject::Node { name: node.name.clone() }).collect(),
        None => vec![Subject::Cluster],
    };
    IpFamily::ALL
        .into_iter()
        .flat_map(|family| subjects.iter().map(move |subject| (family, subject.clone())))
        .map(|(family, subject)| Case {
            check: check.id().to_owned(),
            subject,
            family: Some(family),
            probes: Vec::new(),
            blocked: None,
        })
        .collect()
}

/// What a case of [`cases`] is about: its family, its node, and all the nodes.
struct Found<'a> {
    family: IpFamily,
    node: &'a Node,
    nodes: &'a [Node],
}

/// Finds the case's node, or says why it can't be judged.
fn find<'a>(world: World<'a>, case: &Case) -> Result<Found<'a>, Verdict> {
    let nodes = match &world.facts.nodes {
        Fact::Known { value, .. } => value,
        Fact::Absent { reason } => return Err(Verdict::inconclusive(reason.clone())),
        Fact::Forbidden { reason } => {
            return Err(Verdict::inconclusive(format!("no right to {reason}")));
        }
    };
    let (Subject::Node { name }, Some(family)) = (&case.subject, case.family) else {
        return Err(Verdict::inconclusive("this is no case of a node and a family"));
    };
    let node = nodes
        .iter()
        .find(|node| node.name == *name)
        .ok_or_else(|| Verdict::inconclusive(format!("node {name} is not in the facts")))?;
    if node.is_virtual {
        return Err(Verdict::skip(format!(
            "{name} is a virtual node without a kubelet of its own"
        )));
    }
    Ok(Found { family, node, nodes })
}
