//! `udp_dropped`: datagrams are lost where TCP works.

use std::collections::HashSet;

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{commands, words},
    net::IpFamily,
    probe::{Aim, Target, Vantage},
};

#[derive(Debug)]
pub(super) struct UdpDropped;

impl CauseRule for UdpDropped {
    fn id(&self) -> &'static str {
        "udp_dropped"
    }

    fn why(&self) -> &'static str {
        "DNS, QUIC and telemetry stop in this family while every TCP health check passes. The usual reason is a \
         rule that allows only TCP."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

/// The one node at whose NodePorts all of these were lost, where that is what they have in common.
fn entry<'e>(lost: &[&'e Probed<'_>]) -> Option<&'e str> {
    let entered = |probed: &Probed<'_>| matches!(probed.probe.aim, Aim::NodePort { .. });
    let node = lost.first()?.at()?;
    let all = lost.iter().all(|probed| entered(probed) && probed.at() == Some(node));
    (all && lost.len() > 1).then_some(node)
}

/// The one node from which all of these were sent to ClusterIPs, where that is what they have in common.
fn asker<'e>(lost: &[&'e Probed<'_>]) -> Option<&'e str> {
    let node = lost.first()?.from()?;
    let to_service = |probed: &Probed<'_>| matches!(probed.probe.aim, Aim::ClusterIp { .. });
    let all = lost.iter().all(|probed| to_service(probed) && probed.from() == Some(node));
    (all && lost.len() > 1).then_some(node)
}

/// The two nodes between whose pods all of these were lost, in one direction alone.
fn one_way<'e>(lost: &[&'e Probed<'_>]) -> Option<(&'e str, &'e str)> {
    let ends = |probed: &&'e Probed<'_>| {
        let by_pod = matches!(probed.probe.vantage, Vantage::Pod { .. });
        Some((probed.from().filter(|_| by_pod)?, probed.backend()?))
    };
    // A Service that may pick any backend has picked that one.
    let mut sure = lost.iter().filter(|probed| probed.backend().is_some());
    let first = ends(sure.next()?)?;
    let alike = sure.all(|probed| ends(probed) == Some(first));
    let from_there = lost.iter().all(|probed| probed.from() == Some(first.0));
    (first.0 != first.1 && alike && from_there).then_some(first)
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let datagrams = || evidence.of(family).filter(|probed| probed.udp() && !probed.large);
    // Where TCP is lost too, that is the finding.
    let by_tcp: HashSet<(&Vantage, &Aim)> = evidence
        .of(family)
        .filter(|probed| !probed.udp() && probed.good())
        .map(|probed| (&probed.probe.vantage, &probed.probe.aim))
        .collect();
    let tcp_works = |udp: &Probed<'_>| by_tcp.contains(&(&udp.probe.vantage, &udp.probe.aim));
    let lost: Vec<&Probed<'_>> =
        datagrams().filter(|probed| probed.bad() && tcp_works(probed)).collect();
    let example = *lost.first()?;
    let all_lost = |node: &str, belongs: &dyn Fn(&Probed<'_>) -> bool| {
        let there = evidence.touching(node, family).filter(|probed| probed.udp() && !probed.large);
        let mut there = there.filter(|probed| belongs(probed)).peekable();
        there.peek().is_some() && there.all(Probed::bad)
    };
    let mut senders = evidence.nodes();
    // What a node itself sends takes another way than what its pods do.
    let sent_by_pod = |probed: &Probed<'_>, node: &str| match &probed.probe.vantage {
        Vantage::Pod { node: from } => from == node,
        _ => false,
    };
    senders.retain(|node| all_lost(node, &|probed| sent_by_pod(probed, node)));
    let mut receivers = evidence.nodes();
    let by_host = |probed: &Probed<'_>| matches!(probed.probe.vantage, Vantage::HostNetwork { .. });
    receivers.retain(|node| {
        all_lost(node, &|probed| probed.backend() == Some(node) && !by_host(probed))
    });
    let everywhere = senders.len() == evidence.nodes().len();
    let (what, place) = if everywhere {
        let all = match senders.as_slice() {
            [node] => format!("node {node}"),
            _ => "every node".to_owned(),
        };
        (format!("UDP over {family} is dropped on {all}; TCP works."), example.from()?)
    } else if let Some(&node) = senders.first().filter(|_| senders == receivers) {
        let nodes = words::list(&senders);
        let what =
            format!("Datagrams to and from pods on {nodes} over {family} are lost; TCP works.");
        (what, node)
    } else if let Some(&node) = senders.first() {
        let nodes = words::list(&senders);
        (format!("Datagrams that pods on {nodes} send over {family} are lost; TCP works."), node)
    } else if let Some(&node) = receivers.first() {
        let nodes = words::list(&receivers);
        (format!("Datagrams to pods on {nodes} over {family} are lost; TCP works."), node)
    } else if let Some(node) = entry(&lost) {
        let what = format!(
            "Datagrams to the NodePorts of node {node} over {family} are lost before they reach a pod; TCP works."
        );
        (what, node)
    } else if let Some(node) = asker(&lost) {
        let what = format!(
            "Datagrams from node {node} to ClusterIPs over {family} are lost, others are not; TCP works."
        );
        (what, node)
    } else if let Some((from, to)) = one_way(&lost) {
        let what = format!(
            "Datagrams from pods on {from} to pods on {to} over {family}, or the replies, are lost; TCP works."
        );
        (what, to)
    } else {
        let what = format!("Some datagrams over {family} are lost where TCP works.");
        (what, example.from().or(example.backend())?)
    };
    // The first question of every resolver goes by UDP.
    let deaf_dns: Vec<&str> = evidence
        .world
        .facts
        .cluster_dns
        .known()
        .into_iter()
        .flat_map(|dns| &dns.pods)
        .filter(|pod| pod.node.as_deref().is_some_and(|node| receivers.contains(&node)))
        .map(|pod| pod.name.as_str())
        .collect();
    let by_dns = |probed: &Probed<'_>| {
        let sends = probed.from().is_some_and(|from| senders.contains(&from));
        // Which replica a resolver asked is not known.
        let receives = match &probed.probe.aim {
            Aim::DnsPod { pod, .. } => deaf_dns.contains(&pod.as_str()),
            _ => !deaf_dns.is_empty(),
        };
        let by_tcp = matches!(probed.probe.target, Target::Tcp { .. });
        evidence.dns_unheard_over(probed, family) && !by_tcp && (sends || receives)
    };
    let mut seen: Vec<String> = lost
        .iter()
        .take(3)
        .map(|probed| format!("{} {}: {}", probed.whence(), probed.probe.target, probed.seen()))
        .collect();
    if evidence.dns_speaks(family) && evidence.probed.iter().any(by_dns) && !deaf_dns.is_empty() {
        seen.push(format!(
            "of the DNS pods, {} {} there and {} not answer over UDP",
            words::list(&deaf_dns),
            if deaf_dns.len() == 1 { "runs" } else { "run" },
            if deaf_dns.len() == 1 { "does" } else { "do" }
        ));
    }
    Some(Found {
        what,
        evidence: seen,
        reproduce: vec![commands::rules(place)],
        fix: vec![format!(
            "Look for a rule on {place} (nftables, NetworkPolicy, security group) that drops UDP over \
             {family}, and let it through."
        )],
        probed: evidence.bad(|probed| {
            (probed.family == family && probed.udp() && tcp_works(probed)) || by_dns(probed)
        }),
        ..Found::default()
    })
}
