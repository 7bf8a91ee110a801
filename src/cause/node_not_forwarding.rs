//! `node_not_forwarding`: a node is there in a family, and passes nothing on to its pods or from
//! them.

use super::{
    CauseRule, Confidence, Evidence, Found,
    evidence::Probed,
    isolation,
    proof::{self, Proof},
};
use crate::{
    check::{Kind, commands, remedy},
    net::IpFamily,
    probe::Vantage,
};

#[derive(Debug)]
pub(super) struct NodeNotForwarding;

impl CauseRule for NodeNotForwarding {
    fn id(&self) -> &'static str {
        "node_not_forwarding"
    }

    fn why(&self) -> &'static str {
        "A node routes packets to and from its pods. If it doesn't forward a family, its pods are cut off in it, \
         even if the node itself is connected. IPv6 forwarding is a separate setting, and some network managers and \
         hardening profiles turn it off."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let (seen, confidence) =
        with_others(evidence, node, family).or_else(|| alone(evidence, node, family))?;
    let sysctl = remedy::forwarding(family);
    let ip = evidence.world.fixture.backend_on(node)?.address(family)?;
    let shown = proof::forwarding_off(evidence.world.facts, node, family);
    let mut found = Found {
        what: format!("Node {node} does not forward {family} to and from its pods."),
        confidence,
        evidence: seen,
        reproduce: vec![
            commands::on_node(node, &format!("sysctl -n {sysctl}")),
            commands::route(node, ip),
        ],
        fix: [
            set_forwarding(node, family),
            format!(
                "If it is 1, a rule on {node} drops forwarded {family}: look at the forward chains with \
                 `{}`.",
                commands::rules(node)
            ),
        ]
        .into_iter()
        .chain(remedy::pod_network(evidence.world, family))
        .collect(),
        probed: isolation::explained(evidence, node, family),
        ..Found::default()
    };
    match shown {
        Proof::Proved(_) => found.fix.truncate(1),
        // The kernel would forward: then it is a rule, and the first advice would be void.
        Proof::Denied(_) => {
            found.what = format!(
                "A rule on node {node} drops the {family} packets that it would forward to and from its pods."
            );
            found.fix = vec![format!(
                "Find the rule in the forward chains of {node} that drops {family}, with `{}`: a firewall of the \
                 node's own, or a NetworkPolicy.",
                commands::rules(node)
            )];
        }
        Proof::Partly(_) | Proof::Unknown => {}
    }
    Some(found.shown(shown))
}

/// What shows it in a cluster of several nodes: all ways between the node and the others are dead.
fn with_others(
    evidence: &Evidence<'_>,
    node: &str,
    family: IpFamily,
) -> Option<(Vec<String>, Confidence)> {
    let isolation = isolation::of(evidence, node, family)?;
    let mut seen =
        vec![format!("no pod on {node} reaches another node over {family}, nor the reverse")];
    match (isolation.address_reached, isolation.own_pods_meet) {
        (Some(true), _) => {
            seen.push(format!("this machine reaches {node}'s own {family} address"));
        }
        (None, Some(false)) => {
            seen.push(format!("pods on {node} don't reach each other over {family} either"));
        }
        _ => return None,
    }
    Some((seen, Confidence::Likely))
}

/// What shows it on the only node of a cluster: its pods don't meet, and nobody enters by its
/// NodePorts, while the node itself is there and reaches its pods.
fn alone(
    evidence: &Evidence<'_>,
    node: &str,
    family: IpFamily,
) -> Option<(Vec<String>, Confidence)> {
    if evidence.nodes().len() != 1 {
        return None;
    }
    let silent = |probed: &Probed<'_>| probed.dead() && probed.kind() == Some(Kind::TimedOut);
    let own = evidence.pod_path(node, node, family).filter(|own| silent(own))?;
    let outside = |probed: &&Probed<'_>| probed.probe.vantage == Vantage::Outside;
    let mut entries = evidence.of(family).filter(|probed| probed.is_node_port()).filter(outside);
    let there = evidence
        .of(family)
        .filter(outside)
        .any(|probed| !probed.is_node_port() && probed.proves_a_way());
    if there && !entries.all(Probed::dead) {
        return None;
    }
    let mut seen = vec![format!("pod on {node} to pod on {node} over {family}: {}", own.seen())];
    if there {
        seen.push(format!(
            "this machine reaches {node}'s own {family} address, and no NodePort there"
        ));
    }
    let by_host = |probed: &&Probed<'_>| {
        matches!(probed.probe.vantage, Vantage::HostNetwork { .. }) && probed.is_cluster_ip()
    };
    let by_host: Vec<&Probed<'_>> = evidence.of(family).filter(by_host).collect();
    let confidence = match by_host.first() {
        None => Confidence::Possible,
        Some(_) if by_host.iter().any(|probed| probed.good()) => {
            seen.push(format!(
                "the node itself, which needs no forwarding, reaches the pods over {family}"
            ));
            Confidence::Likely
        }
        // Where the node itself doesn't get to its pods, forwarding is not the matter.
        Some(_) => return None,
    };
    Some((seen, confidence))
}

/// How forwarding is turned on. In IPv6 the kernel then takes no router advertisements any more unless
/// `accept_ra` is 2, and drops the default routes that it has from them (Linux ip-sysctl, `forwarding`).
fn set_forwarding(node: &str, family: IpFamily) -> String {
    let sysctl = remedy::forwarding(family);
    let set = format!(
        "et {sysctl}=1 on {node}, keep it in /etc/sysctl.d, and look for what turned it off (a network manager, a \
         hardening profile)."
    );
    match family {
        IpFamily::V4 => format!("S{set}"),
        IpFamily::V6 => format!(
            "If {node} has its IPv6 address or default route from router advertisements (`ip -6 route show default` \
             says `proto ra`), first set net.ipv6.conf.<interface>.accept_ra=2 (systemd-networkd: IPv6AcceptRA=yes), \
             or it loses them. Then s{set}"
        ),
    }
}
