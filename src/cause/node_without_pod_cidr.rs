//! `node_without_pod_cidr`: Node objects have no pod range of a family, though pods there may.

use super::{CauseRule, Evidence, Found};
use crate::{
    check::{Subject, reconfigure, words},
    facts::Node,
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct NodeWithoutPodCidr;

impl CauseRule for NodeWithoutPodCidr {
    fn id(&self) -> &'static str {
        "node_without_pod_cidr"
    }

    fn why(&self) -> &'static str {
        "Pod networks that assign addresses from podCIDRs, kube-proxy if it recognizes pods by them, and route \
         controllers rely on the Node object. podCIDRs are set once and never change."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let nodes = evidence.world.facts.nodes.known()?;
    let lacks = |node: &&Node| {
        !node.is_virtual
            && evidence.world.expects(&node.name, family)
            && !node.pod_cidrs.iter().any(|range| range.contains(':') == (family == IpFamily::V6))
    };
    let without: Vec<&Node> = nodes.iter().filter(lacks).collect();
    let first = without.first()?;
    let names = words::list(without.iter().map(|node| &node.name));
    let everywhere = without.len() == nodes.len();
    let what = match without.len() {
        _ if everywhere => format!("No Node object has an {family} range in spec.podCIDRs."),
        1 => format!("The Node object {names} has no {family} range in spec.podCIDRs."),
        _ => format!("The Node objects {names} have no {family} range in spec.podCIDRs."),
    };
    Some(Found {
        what,
        evidence: without
            .iter()
            .map(|node| format!("{} has {}", node.name, words::list(&node.pod_cidrs)))
            .collect(),
        reproduce: vec![
            "kubectl get nodes -o custom-columns=NAME:.metadata.name,PODCIDRS:.spec.podCIDRs"
                .to_owned(),
        ],
        fix: vec![reconfigure::cluster_cidr(family), reconfigure::recreate_node(&first.name)],
        cases: evidence.red("node::pod_cidrs", |judged| {
            judged.case.family == Some(family)
                && matches!(&judged.case.subject, Subject::Node { name }
                    if without.iter().any(|node| node.name == *name))
        }),
        ..Found::default()
    })
}
