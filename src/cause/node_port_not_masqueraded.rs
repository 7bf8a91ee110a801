//! `node_port_not_masqueraded`: what enters a node by its NodePorts goes on to other nodes under the
//! client's own address.

use super::{
    CauseRule, Confidence, Evidence, Found,
    evidence::{Origin, Probed},
};
use crate::{
    check::{commands, remedy, words},
    fixture::ServiceRole,
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct NodePortNotMasqueraded;

impl CauseRule for NodePortNotMasqueraded {
    fn id(&self) -> &'static str {
        "node_port_not_masqueraded"
    }

    fn why(&self) -> &'static str {
        "A node that forwards a connection must replace the client's address with its own. Otherwise the backend on \
         another node answers the client directly, and the client drops the reply. \
         Load balancers see such a node healthy, and lose every connection whose backend is elsewhere."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

/// Whether a node answers its NodePorts for the backend that it has, and for none on other nodes
/// though it reaches them.
fn strays(evidence: &Evidence<'_>, family: IpFamily, node: &str) -> bool {
    let outside_works = evidence.way_in(family);
    let tried: Vec<&Probed<'_>> = evidence
        .touching(node, family)
        .filter(|probed| probed.is_node_port() && !probed.large && probed.at() == Some(node))
        .filter(|probed| probed.from() != Some(node) && probed.backend().is_some())
        .filter(|probed| outside_works || !matches!(probed.origin, Origin::Outside))
        .collect();
    let (own, far): (Vec<&Probed<'_>>, Vec<&Probed<'_>>) =
        tried.into_iter().partition(|probed| probed.backend() == Some(node));
    let reached = |probed: &&Probed<'_>| {
        probed.backend().is_some_and(|backend| {
            evidence.pod_path(node, backend, family).is_none_or(Probed::good)
        })
    };
    // Where nobody enters for the node's own backend, its own pods show that it opens NodePorts.
    let opens = if own.is_empty() {
        !evidence.world.fixture.mesh.serves(node) && serves_own_pods(evidence, family, node)
    } else {
        own.iter().all(|probed| probed.good())
    };
    opens && far.iter().any(reached) && far.iter().all(|probed| probed.dead())
}

/// Whether pods on a node reach the backends of other nodes by its NodePorts.
fn serves_own_pods(evidence: &Evidence<'_>, family: IpFamily, node: &str) -> bool {
    evidence.touching(node, family).any(|probed| {
        probed.is_node_port()
            && probed.at() == Some(node)
            && probed.from() == Some(node)
            && probed.backend() != Some(node)
            && probed.good()
    })
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let mut nodes = evidence.nodes();
    nodes.retain(|node| strays(evidence, family, node));
    let node = *nodes.first()?;
    let lost = |probed: &Probed<'_>| {
        let at = probed.at().filter(|at| nodes.contains(at));
        let foreign = at.is_some() && probed.from() != at && probed.backend() != at;
        // A pod that is its own client gets packets from itself.
        let own = matches!(probed.service(), Some(ServiceRole::Probe(node)) if nodes.contains(&node.as_str()));
        // 127.0.0.1 is nobody's address in a pod.
        let loopback = probed.is_loopback() && at.is_some();
        probed.family == family && !probed.is_dns() && (foreign || own || loopback)
    };
    let example = evidence.of(family).find(|probed| {
        lost(probed) && probed.dead() && probed.at().is_some() && probed.backend().is_some()
    })?;
    let mut seen = vec![format!(
        "{} at {}, whose backend is on {}: {}",
        example.whence(),
        example.probe.target,
        example.backend().unwrap_or("another node"),
        example.seen()
    )];
    let own_backend = evidence.touching(node, family).any(|probed| {
        probed.is_node_port()
            && probed.at() == Some(node)
            && probed.from() != Some(node)
            && probed.backend() == Some(node)
    });
    if own_backend {
        seen.push(format!("the NodePorts at {node} answer where the backend is on {node} itself"));
    }
    if serves_own_pods(evidence, family, node) {
        seen.push(format!("pods on {node} reach the backends of other nodes by them"));
    }
    let names = words::list(&nodes);
    let verb = if nodes.len() > 1 { "don't" } else { "doesn't" };
    let plural = if nodes.len() > 1 { "Nodes" } else { "Node" };
    let mut fix = vec![format!(
        "Look for what takes kube-proxy's mark (0x4000 unless its masqueradeBit says otherwise) off the packets, or \
         returns before MASQUERADE in KUBE-POSTROUTING: a pod network or firewall that uses the same bit."
    )];
    fix.extend(remedy::service_proxy(evidence.world, family, node));
    Some(Found {
        what: format!(
            "{plural} {names} {verb} masquerade {family} traffic to NodePorts: replies of backends on other \
             nodes are lost."
        ),
        // A filter at the node that lets its own pods through looks the same.
        confidence: if own_backend { Confidence::Likely } else { Confidence::Possible },
        evidence: seen,
        reproduce: vec![
            commands::on_node_as_root(
                node,
                &format!("sh -c '{}-save | grep -E \"KUBE-POSTROUTING|0x4000\"'", tables(family)),
            ),
            commands::rules(node),
        ],
        fix,
        probed: evidence.bad(lost),
        ..Found::default()
    })
}

const fn tables(family: IpFamily) -> &'static str {
    match family {
        IpFamily::V4 => "iptables",
        IpFamily::V6 => "ip6tables",
    }
}
