//! `host_to_pods_filtered`: what a node itself sends to pods on other nodes is lost, while its pods reach them.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, commands},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct HostToPodsFiltered;

impl CauseRule for HostToPodsFiltered {
    fn id(&self) -> &'static str {
        "host_to_pods_filtered"
    }

    fn why(&self) -> &'static str {
        "Programs in the node's own network (agents, proxies, on a control plane the API server) reach no pod \
         on another node in this family, through a Service or directly, while everything else works. A firewall \
         on the node that filters outgoing packets does that; its rules for IPv4 and IPv6 are often separate."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let silent = |probed: &Probed<'_>| probed.dead() && probed.kind() == Some(Kind::TimedOut);
    let by_host = || {
        evidence.touching(node, family).filter(|probed| {
            probed.by_host() && probed.from() == Some(node) && probed.is_cluster_ip()
        })
    };
    let elsewhere =
        || by_host().filter(|probed| probed.backend().is_some_and(|backend| backend != node));
    let first = elsewhere().next()?;
    let to = first.backend()?;
    let own = by_host().find(|probed| probed.backend() == Some(node))?;
    // Where its own pods are out of its reach as well, what else it reaches by ClusterIPs tells a filter from a
    // proxy that translates nothing.
    let reaches_own = own.good();
    let translated = || by_host().any(|probed| probed.host_backend().is_some() && probed.good());
    let cut_off = || silent(own) && translated();
    if !reaches_own && !cut_off() {
        return None;
    }
    let by_pods = |probed: &Probed<'_>| {
        let path = probed.backend().and_then(|to| evidence.pod_path(node, to, family));
        path.is_some_and(Probed::good)
    };
    if !elsewhere().all(|probed| silent(probed) && by_pods(probed)) {
        return None;
    }
    // What it passes on under its own address gets there: then only what it sends itself is lost.
    let passed_on = evidence.touching(node, family).find(|probed| {
        probed.is_node_port()
            && probed.at() == Some(node)
            && probed.from() != Some(node)
            && probed.backend() == Some(to)
            && probed.good()
    })?;
    let tool = match family {
        IpFamily::V4 => "iptables",
        IpFamily::V6 => "ip6tables",
    };
    let mut seen = vec![
        format!(
            "the host network of {node} at {}, whose backend is on {to}: {}",
            first.probe.target,
            first.seen()
        ),
        format!("the same at {}, whose backend is on {node}: {}", own.probe.target, own.seen()),
        format!(
            "{} at {}, which {node} passes on to {to}: {}",
            passed_on.whence(),
            passed_on.probe.target,
            passed_on.seen()
        ),
    ];
    seen.extend(evidence.say_pod_path(node, to, family));
    Some(Found {
        what: format!(
            "{family} packets from node {node} itself to pods{} are lost, while its pods reach them: an output \
             filter on {node}, or a wrong source address.",
            if reaches_own { " on other nodes" } else { ", its own too," }
        ),
        evidence: seen,
        reproduce: vec![
            commands::on_node_as_root(node, &format!("{tool} -S OUTPUT")),
            commands::rules(node),
            commands::route(node, first.probe.target.address()?.ip()),
        ],
        fix: vec![
            format!(
                "Let {family} to the pod ranges of all nodes through in the chain OUTPUT of the firewall of {node} \
                 (firewalld, ufw, nftables, a security agent)."
            ),
            format!(
                "If nothing drops it there, check that {node} sends it from its InternalIP (`src` in the answer to the \
                 last command): other nodes and NetworkPolicies may know no other address of it."
            ),
        ],
        probed: evidence.bad(|probed| {
            probed.family == family
                && probed.by_host()
                && probed.from() == Some(node)
                && (!reaches_own || probed.backend().is_none_or(|backend| backend != node))
                && probed.host_backend().is_none()
                && !probed.is_dns()
                && !probed.is_api_server()
        }),
        ..Found::default()
    })
}
