//! `node_not_forwarding`: a node is there in a family, and passes nothing on to its pods or from
//! them.

use super::{CauseRule, Evidence, Found, isolation};
use crate::{
    check::{commands, remedy},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct NodeNotForwarding;

impl CauseRule for NodeNotForwarding {
    fn id(&self) -> &'static str {
        "node_not_forwarding"
    }

    fn why(&self) -> &'static str {
        "A node is the router of its pods. Where it doesn't forward a family, its pods are alone in \
         it, however well the node itself is connected. IPv6 forwarding is a setting of its own, and \
         is switched off by some network managers and hardening profiles."
    }

    fn find(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence
            .families()
            .flat_map(|family| {
                evidence.nodes().into_iter().filter_map(move |node| find(evidence, node, family))
            })
            .collect()
    }
}

fn find(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
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
    let sysctl = remedy::forwarding(family);
    Some(Found {
        what: format!("Node {node} does not forward {family} to and from its pods."),
        evidence: seen,
        reproduce: vec![commands::on_node(node, &format!("sysctl -n {sysctl}"))],
        fix: [
            format!(
                "Set {sysctl}=1 on {node}, and keep it in /etc/sysctl.d; look for what switched it off \
                 (a network manager, a hardening profile)."
            ),
            format!(
                "If it is 1, a rule on {node} drops forwarded {family}: look at the forward chains with \
                 `{}`.",
                commands::on_node_as_root(node, "nft list ruleset")
            ),
        ]
        .into_iter()
        .chain(remedy::pod_network(evidence.world, family))
        .collect(),
        probed: isolation::explained(evidence, node, family),
        ..Found::default()
    })
}
