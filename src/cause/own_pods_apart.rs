//! `own_pods_apart`: the pods of a node reach all but each other.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, commands},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct OwnPodsApart;

impl CauseRule for OwnPodsApart {
    fn id(&self) -> &'static str {
        "own_pods_apart"
    }

    fn why(&self) -> &'static str {
        "Packets between pods on one node never leave it: they cross a bridge, or go directly from one pod's \
         interface to the other's. Rules meant for external traffic (firewalld's IPv6_rpfilter, a \
         FORWARD policy that applies to bridged packets, isolated ports of a bridge) separate only these pods from \
         each other; tests between nodes don't detect it."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let own = evidence.pod_path(node, node, family).filter(|probed| probed.dead())?;
    if !matches!(own.kind(), Some(Kind::TimedOut | Kind::Unreachable | Kind::Refused)) {
        return None;
    }
    let others = evidence.nodes().into_iter().filter(|other| *other != node);
    let ways: Vec<&Probed<'_>> = others
        .flat_map(|other| [(node, other), (other, node)])
        .filter_map(|(from, to)| evidence.pod_path(from, to, family))
        .collect();
    let out = ways.iter().find(|probed| probed.from() == Some(node))?;
    let back = ways.iter().find(|probed| probed.backend() == Some(node))?;
    // Whoever is deaf, or mute, is so for all.
    if !ways.iter().all(|probed| probed.good()) {
        return None;
    }
    let tool = match family {
        IpFamily::V4 => "iptables",
        IpFamily::V6 => "ip6tables",
    };
    let say = |probed: &Probed<'_>, from: &str, to: &str| {
        format!("pod on {from} to pod on {to} over {family}: {}", probed.seen())
    };
    let there = out.backend().unwrap_or_default();
    let whence = back.from().unwrap_or_default();
    Some(Found {
        what: format!(
            "Pods on node {node} don't reach each other over {family}, while they reach pods on other nodes and \
             are reached from there: a filter on {node} between its own pods."
        ),
        evidence: vec![say(own, node, node), say(out, node, there), say(back, whence, node)],
        reproduce: vec![
            commands::rules(node),
            commands::on_node_as_root(node, &format!("{tool} -S FORWARD")),
            commands::on_node_as_root(node, "bridge -d link"),
        ],
        fix: vec![
            format!(
                "Look on {node} for a rule that drops {family} between interfaces of pods (firewalld: \
                 `IPv6_rpfilter=loose` or `no` in /etc/firewalld/firewalld.conf; a NetworkPolicy that selects these \
                 pods), and let it through."
            ),
            format!(
                "Where the pods are on a bridge, check that its ports are not isolated (`bridge -d link`), and that \
                 what is bridged passes the FORWARD chain of {tool} on {node} (net.bridge.bridge-nf-call-{tool})."
            ),
        ],
        probed: evidence.bad(|probed| {
            let here = probed.family == family && probed.from() == Some(node) && !probed.by_host();
            let enters_here = probed.at().is_none_or(|at| at == node);
            let to_own = probed.backend() == Some(node)
                || evidence.leads_to(&probed.probe.aim, node)
                || (probed.backend().is_none() && probed.service().is_some());
            here && enters_here && to_own && probed.host_backend().is_none()
        }),
        ..Found::default()
    })
}
