//! `backend_filtered`: packets to one pod are dropped in a family, even from its own node.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, commands},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct BackendFiltered;

impl CauseRule for BackendFiltered {
    fn id(&self) -> &'static str {
        "backend_filtered"
    }

    fn why(&self) -> &'static str {
        "Nobody reaches the pod in this family, though its node carries it for others. Policies are \
         often written for the addresses of one family and drop the other whole."
    }

    fn find(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(find)
    }
}

fn find(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let paths =
        || evidence.touching(node, family).filter(|probed| probed.is_pod_path() && !probed.large);
    let to = || paths().filter(|probed| probed.backend() == Some(node));
    let lost = |probed: &Probed<'_>| probed.dead() && probed.kind() != Some(Kind::Refused);
    let own = evidence.pod_path(node, node, family)?;
    // Where pods on the node reach nobody else either, it is the node and not the pod.
    let node_works = paths().any(|probed| {
        probed.from() == Some(node) && probed.backend() != Some(node) && probed.good()
    });
    if !lost(own) || !to().all(lost) || !node_works {
        return None;
    }
    let backend = evidence.world.fixture.backend_on(node)?;
    let pod = backend.pod.as_deref().unwrap_or("nginx");
    let namespace = &evidence.world.fixture.namespace;
    // Its own node asks for the address on the pod's link, and nobody answers.
    let nobody = own.kind() == Some(Kind::Unreachable);
    let mut fix = vec![
        format!(
            "Look for a NetworkPolicy (or one of the pod network's own kinds, also cluster-wide) \
             that selects the pod and allows {} ranges alone in its ipBlocks.",
            family.other()
        ),
        format!("Look for rules on {node} that drop {family} on their way to pods."),
    ];
    let interface = format!(
        "kubectl -n {namespace} exec {pod} -- ip {} addr  # only after run --keep",
        commands::flag(family)
    );
    let mut reproduce = vec![
        format!("kubectl -n {namespace} get networkpolicies  # only after run --keep"),
        commands::on_node_as_root(node, "nft list ruleset"),
    ];
    if nobody {
        reproduce.insert(0, interface);
        fix.insert(
            0,
            format!(
                "See that the pod's interface has the {family} address of its status and that IPv6 isn't \
                 disabled in it (net.ipv6.conf.eth0.disable_ipv6); make the pod anew."
            ),
        );
    }
    Some(Found {
        what: if nobody {
            format!(
                "Nobody answers for the {family} address of pod {pod} on node {node}, not even to its own \
                 node: its interface lacks the address that its status shows, or its node has no route to \
                 it."
            )
        } else {
            format!(
                "{family} packets to pod {pod} on node {node} are dropped, from every node and from its \
                 own."
            )
        },
        confidence: if nobody { Confidence::Possible } else { Confidence::Likely },
        evidence: vec![
            format!("from a pod on {node} itself: {}", own.seen()),
            format!("pods on {node} reach pods on other nodes over {family}"),
        ],
        reproduce,
        fix,
        probed: evidence.bad(|probed| {
            probed.family == family
                && match probed.backend() {
                    Some(backend) => backend == node,
                    // Any backend may have been picked.
                    None => probed.is_cluster_ip(),
                }
        }),
        ..Found::default()
    })
}
