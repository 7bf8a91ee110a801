//! `kube_proxy_family_unhealthy`: a kube-proxy says that it can't write the rules of a family.

use super::{CauseRule, Confidence, Evidence, Found, cluster_ip_dead, node_port_dead};
use crate::{
    check::{Kind, proxy_fixes, proxy_logs},
    net::IpFamily,
    probe::Aim,
};

#[derive(Debug)]
pub(super) struct KubeProxyFamilyUnhealthy;

impl CauseRule for KubeProxyFamilyUnhealthy {
    fn id(&self) -> &'static str {
        "kube_proxy_family_unhealthy"
    }

    fn why(&self) -> &'static str {
        "kube-proxy writes the rules of each family separately. Old Services keep working by rules that it \
         wrote before, which hides the problem; new Services of the family, and old ones whose pods move, don't \
         work on the node, though its kube-proxy is Running and Ready."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let asked = Aim::ProxyHealth { node: node.to_owned(), family };
    let told = evidence
        .probed
        .iter()
        .find(|probed| probed.probe.aim == asked && probed.kind() == Some(Kind::Unhealthy))?;
    let mut probed = cluster_ip_dead::explained(evidence, family, &[node]);
    probed.extend(node_port_dead::explained(evidence, family, &[node]));
    probed.insert(told.id());
    let mut seen = vec![format!("{} says of {family}: {}", told.probe.target, told.seen())];
    if let Some((how, address)) = cluster_ip_dead::example(evidence, family, node) {
        seen.push(format!("{address} from {node}: {how}"));
    }
    Some(Found {
        what: format!("The kube-proxy on node {node} can't write its rules of {family}."),
        confidence: Confidence::Proved,
        evidence: seen,
        reproduce: proxy_logs(evidence.world, node),
        fix: proxy_fixes(evidence.world, family, node),
        probed,
        ..Found::default()
    })
}
