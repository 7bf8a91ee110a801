//! `connections_untracked`: a node doesn't track the connections of its pods.

use super::{
    CauseRule, Confidence, Evidence, Found, evidence::Probed, isolation, rulesets, tcp_filtered,
};
use crate::{
    check::{Kind, commands},
    net::IpFamily,
    snapshot::FilterRule,
};

#[derive(Debug)]
pub(super) struct ConnectionsUntracked;

impl CauseRule for ConnectionsUntracked {
    fn id(&self) -> &'static str {
        "connections_untracked"
    }

    fn why(&self) -> &'static str {
        "kube-proxy translates connections, and a connection that is not tracked can't be translated in either \
         direction: no Service works. If a connection is tracked in one direction only, kube-proxy drops the \
         rest as invalid, so TCP fails to pods that datagrams still reach."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let silent: Vec<&Probed<'_>> = evidence
        .touching(node, family)
        .filter(|probed| !probed.udp() && probed.dead() && probed.kind() == Some(Kind::TimedOut))
        .collect();
    let dead_service = *silent.iter().find(|probed| {
        probed.is_cluster_ip()
            && !probed.by_host()
            && probed.from() == Some(node)
            && probed.backend().is_some()
    })?;
    let rule = rulesets::untracked(evidence, node, &silent);
    if rule.is_none() && !looks_so(evidence, node, family) {
        return None;
    }
    let mut seen: Vec<String> = rule.map(|rule| say(node, rule)).into_iter().collect();
    seen.push(dead_service.told());
    let others = evidence.nodes();
    let others = others.iter().filter(|other| **other != node);
    seen.extend(
        others.clone().filter_map(|other| evidence.say_pod_path(other, node, family)).take(1),
    );
    seen.extend(evidence.say_pod_path(node, node, family));
    if others.clone().any(|other| tcp_filtered::datagrams_pass(evidence, family, other, node)) {
        seen.push(format!("datagrams between the same pods are answered over {family}"));
    }
    Some(Found {
        what: format!(
            "Node {node} does not track {family} connections of its pods, or not in both directions: no Service \
             works for them, and TCP to and from other nodes stops."
        ),
        confidence: if rule.is_some() { Confidence::Proved } else { Confidence::Possible },
        evidence: seen,
        reproduce: vec![
            commands::on_node_as_root(
                node,
                "sh -c 'nft list ruleset; iptables-save; ip6tables-save' | grep -iE \"notrack|CT\"",
            ),
            commands::on_node_as_root(node, "cat /proc/net/stat/nf_conntrack"),
        ],
        fix: vec![
            format!(
                "Take out rules on {node} that switch tracking off (`notrack`, `-j NOTRACK`, `-j CT --notrack`) for \
                 packets of pods or Services, {family} ones too; who needs them for a server of their own lists that \
                 server's addresses and ports there."
            ),
            format!(
                "If there are none, look on {node} for a filter that drops TCP of {family} from and to pods, and see \
                 that answers come back through the interface that their connection left by."
            ),
        ],
        probed: isolation::explained(evidence, node, family),
        ..Found::default()
    })
}

fn say(node: &str, rule: &FilterRule) -> String {
    let FilterRule { table, chain, text, .. } = rule;
    let text = text.as_deref().unwrap_or_default();
    format!("a rule on {node} switches tracking off: {text} (table {table}, chain {chain})")
}

/// Whether the paths look like that without a word of the rules: TCP is lost between a node's pods and all
/// others, there and back, while datagrams pass; and its pods reach each other, but by no Service.
fn looks_so(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> bool {
    let mut between = evidence
        .touching(node, family)
        .filter(|probed| probed.is_pod_path() && !probed.large)
        .filter(|probed| (probed.from() == Some(node)) != (probed.backend() == Some(node)))
        .peekable();
    if between.peek().is_none() {
        return false;
    }
    let lost = between.all(|probed| {
        let ends = probed.from().zip(probed.backend());
        let datagrams = |(from, to)| tcp_filtered::datagrams_pass(evidence, family, from, to);
        probed.dead() && probed.kind() == Some(Kind::TimedOut) && ends.is_some_and(datagrams)
    });
    let own = evidence.pod_path(node, node, family).is_some_and(Probed::good);
    let mut by_service = evidence.touching(node, family).filter(|probed| {
        probed.is_cluster_ip()
            && !probed.by_host()
            && probed.from() == Some(node)
            && probed.backend() == Some(node)
    });
    lost && own && by_service.next().is_some_and(Probed::dead)
}
