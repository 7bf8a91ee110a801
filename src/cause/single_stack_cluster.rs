//! `single_stack_cluster`: the suite expects a family that nothing in the cluster has.

use super::{CauseRule, Evidence, Found};
use crate::{check::words, facts::Node, fixture::Allocation, net::IpFamily};

#[derive(Debug)]
pub(super) struct SingleStackCluster;

impl CauseRule for SingleStackCluster {
    fn id(&self) -> &'static str {
        "single_stack_cluster"
    }

    fn why(&self) -> &'static str {
        "Dual-stack is a decision made when a cluster is set up: ranges of both families for pods and \
         Services, and nodes with addresses of both. If all of this is missing, no single component is broken."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let fixture = evidence.world.fixture;
    let mut pods =
        fixture.backends.iter().chain(&fixture.probes).filter(|pod| !pod.pod_ips.is_empty());
    let accepted = |allocation: &Allocation| matches!(allocation, Allocation::Accepted { .. });
    let mut services =
        fixture.services.iter().filter(|service| accepted(&service.allocation)).peekable();
    let nodes: &[Node] = evidence.world.facts.nodes.known().map_or(&[], Vec::as_slice);
    let ranged = |node: &Node| {
        node.pod_cidrs.iter().any(|range| range.contains(':') == (family == IpFamily::V6))
    };
    let nothing_seen = services.peek().is_none() || pods.clone().next().is_none();
    if nothing_seen
        || pods.any(|pod| pod.address(family).is_some())
        || services.any(|service| service.cluster_ip(family).is_some())
        || nodes.iter().any(ranged)
    {
        return None;
    }
    let of_family = |check| evidence.red(check, |judged| judged.case.family == Some(family));
    let addressed = nodes.iter().filter(|node| node.internal_ips(family).next().is_some()).count();
    Some(Found {
        what: format!("The cluster is single-stack {}: it has no {family} at all.", family.other()),
        evidence: vec![
            format!("no node has an {family} pod range"),
            format!("no pod was given an {family} address"),
            format!("no Service was given an {family} ClusterIP"),
            format!("{} of {} have an {family} InternalIP", addressed, words::count(nodes.len(), "node")),
        ],
        reproduce: vec![
            "kubectl get nodes -o \
             'custom-columns=NAME:.metadata.name,PODCIDRS:.spec.podCIDRs,IPS:.status.addresses[*].address'".to_owned(),
            "kubectl get servicecidrs  # Kubernetes 1.33 or later".to_owned(),
        ],
        fix: vec![
            format!(
                "If it is meant to be single-stack, run the suite single-stack-{}.",
                family.other().slug()
            ),
            "If not, set it up with ranges of both families: for kubeadm networking.podSubnet and \
             networking.serviceSubnet, for the kubelets --node-ip with both addresses, and for the \
             pod network both families (https://kubernetes.io/docs/concepts/services-networking/dual-stack/)."
                .to_owned(),
        ],
        cases: ["node::pod_cidrs", "node::internal_ips", "pod::pod_ips", "pod::host_ips", "service::ranges"]
            .into_iter()
            .flat_map(of_family)
            .chain(evidence.red("service::cluster_ips", |_| true))
            .collect(),
        ..Found::default()
    })
}
