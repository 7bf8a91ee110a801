//! `service_proxy_down`: a node carries no Services of a family, neither by ClusterIP nor by
//! NodePort.

use super::{CauseRule, Evidence, Found, cluster_ip_dead, node_port_dead};
use crate::{
    check::{remedy, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct ServiceProxyDown;

impl CauseRule for ServiceProxyDown {
    fn id(&self) -> &'static str {
        "service_proxy_down"
    }

    fn why(&self) -> &'static str {
        "Every node translates Services separately, with separate rules for each family. Without them pods on \
         the node reach no Service in this family, and neither do clients that enter at the node, while pods \
         still reach each other."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().flat_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Vec<Found> {
    let ports = node_port_dead::nodes(evidence, family);
    let down: Vec<&str> = cluster_ip_dead::nodes(evidence, family)
        .into_iter()
        .filter(|node| ports.contains(node))
        .collect();
    let groups = if down.len() == evidence.nodes().len() {
        vec![down]
    } else {
        down.into_iter().map(|node| vec![node]).collect()
    };
    groups.into_iter().filter_map(|nodes| found(evidence, family, &nodes)).collect()
}

fn found(evidence: &Evidence<'_>, family: IpFamily, nodes: &[&str]) -> Option<Found> {
    let node = *nodes.first()?;
    let mut probed = cluster_ip_dead::explained(evidence, family, nodes);
    probed.extend(node_port_dead::explained(evidence, family, nodes));
    let place = if nodes.len() > 1 { "No node".to_owned() } else { format!("Node {node}") };
    let verb = if nodes.len() > 1 { "carries" } else { "does not carry" };
    let example = cluster_ip_dead::example(evidence, family, node)?;
    let mut reproduce = remedy::inspect_own(evidence.world, family, node, &example.1.to_string());
    reproduce.dedup();
    let alive = cluster_ip_dead::host_reaches(evidence, family, node) == Some(true);
    let mut fix = remedy::service_proxy(evidence.world, family, node);
    let mut seen = vec![
        format!("{} from {node}: {}", example.1, example.0),
        format!("every NodePort at {} is unreachable over {family}", words::list(nodes)),
        format!("pods on {node} reach backends at their own {family} addresses"),
    ];
    if alive {
        seen.push(format!("{node} itself reaches {family} ClusterIPs"));
        fix.insert(0, cluster_ip_dead::not_led_there(node, family));
    }
    Some(Found {
        what: format!("{place} {verb} Services over {family}, by ClusterIP or by NodePort."),
        evidence: seen,
        reproduce,
        fix,
        probed,
        ..Found::default()
    })
}
