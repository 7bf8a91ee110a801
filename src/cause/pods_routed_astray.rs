//! `pods_routed_astray`: a routing rule of a node sends what its pods send elsewhere.

use super::{CauseRule, Confidence, Evidence, Found, forward_filtered, isolation};
use crate::{check::commands, net::IpFamily};

#[derive(Debug)]
pub(super) struct PodsRoutedAstray;

impl CauseRule for PodsRoutedAstray {
    fn id(&self) -> &'static str {
        "pods_routed_astray"
    }

    fn why(&self) -> &'static str {
        "Source-based routing rules take precedence over the main table. One that matches the pods of a node in one \
         family sends their packets and replies along a path that nothing else uses."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let lost = forward_filtered::lost(evidence, node, family)?;
    let fixture = evidence.world.fixture;
    let pods = [fixture.backend_on(node), fixture.probe_on(node)];
    let pods: Vec<_> = pods.into_iter().flatten().filter_map(|pod| pod.address(family)).collect();
    let snapshot = evidence.world.facts.snapshot(node)?;
    let rule = snapshot.rules.iter().find(|rule| {
        let from = rule.from().filter(|from| from.prefix_len() > 0);
        from.is_some_and(|from| pods.iter().any(|pod| from.contains(pod)))
    })?;
    let flag = commands::flag(family);
    let mut seen = vec![format!("{node} has the routing rule `{}`", rule.text)];
    seen.extend(lost.seen);
    Some(Found {
        what: format!(
            "Node {node} routes its pods' {family} packets by a separate routing table (`{}`), and they are lost.",
            rule.text
        ),
        confidence: Confidence::Likely,
        evidence: seen,
        reproduce: vec![
            commands::on_node(node, &format!("ip {flag} rule")),
            commands::on_node(node, &format!("ip {flag} route show table all")),
        ],
        fix: vec![format!(
            "Find what set that rule on {node} (a VPN, a routing daemon, a script of an earlier pod network) and see \
             that its table leads to the pods' own links and to the other nodes, or take the rule away. The pod \
             networks of some clouds set such rules on purpose: then it is their agent on {node} that must repair \
             the table."
        )],
        probed: isolation::explained(evidence, node, family),
        ..Found::default()
    })
}
