//! `node_without_internal_ip`: nodes report no InternalIP of a family.

use super::{CauseRule, Evidence, Found};
use crate::{
    check::{Subject, commands, reconfigure, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct NodeWithoutInternalIp;

impl CauseRule for NodeWithoutInternalIp {
    fn id(&self) -> &'static str {
        "node_without_internal_ip"
    }

    fn why(&self) -> &'static str {
        "Traffic to and from pods may continue for a while, but host-network pods created there get one podIP, the \
         kubelet lists other pods' addresses in the order of its own ones, load balancers and pod networks \
         don't learn the address, and no client knows where its NodePorts are in this family."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let nodes = evidence.world.facts.nodes.known()?;
    let without: Vec<_> = nodes
        .iter()
        .filter(|node| !node.is_virtual && node.internal_ips(family).next().is_none())
        .filter(|node| evidence.world.expects(&node.name, family))
        .collect();
    let first = without.first()?;
    let names = words::list(without.iter().map(|node| &node.name));
    let what = match without.len() {
        1 => format!("Node {names} reports no {family} InternalIP."),
        n if n == nodes.len() => format!("No node reports an {family} InternalIP."),
        _ => format!("Nodes {names} report no {family} InternalIP."),
    };
    let seen = without.iter().map(|node| {
        format!("{} reports only {}", node.name, words::list(node.internal_ips(family.other())))
    });
    let cloud = first.provider_id.as_ref().map(|id| {
        format!(
            "The cloud provider reports the addresses ({id}): give the instance an {family} address \
             and switch on dual-stack in the cloud-controller-manager."
        )
    });
    let kubelet = reconfigure::node_ip("the kubelet");
    let address = format!(
        "If the interface has no global {family} address, assign one: the kubelet reports only \
         addresses that the node has."
    );
    let is_without = |name: &str| without.iter().any(|node| node.name == name);
    let addresses = evidence.red("node::internal_ips", |judged| {
        judged.case.family == Some(family)
            && matches!(&judged.case.subject, Subject::Node { name } if is_without(name))
    });
    let told = evidence.red("pod::host_ips", |judged| {
        judged.case.family == Some(family)
            && matches!(&judged.case.subject, Subject::Pod { node, .. } if is_without(node))
    });
    // Pods that have the family get it last: the kubelet puts the family of its own first address
    // first.
    let fixture = &evidence.world.fixture;
    let has_family = |at: &str| {
        let mut pods = fixture.backends.iter().chain(&fixture.probes).filter(|pod| pod.node == at);
        pods.any(|pod| pod.address(family).is_some())
    };
    let orders = evidence.red("pod::pod_ips", |judged| {
        judged.case.family == Some(family)
            && matches!(&judged.case.subject, Subject::Pod { node, .. }
                if is_without(node) && has_family(node))
    });
    Some(Found {
        what,
        evidence: seen.collect(),
        reproduce: vec![
            format!(
                "kubectl get node {} -o jsonpath='{{.status.addresses}}{{\"\\n\"}}'",
                first.name
            ),
            commands::on_node(
                &first.name,
                &format!("ip {} addr show scope global", commands::flag(family)),
            ),
        ],
        fix: cloud.into_iter().chain([kubelet, address]).collect(),
        cases: [addresses, told, orders].into_iter().flatten().collect(),
        ..Found::default()
    })
}
