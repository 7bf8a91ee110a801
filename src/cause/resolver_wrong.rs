//! `resolver_wrong`: the pods of a node ask a DNS server that is not the cluster's.

use std::{collections::BTreeMap, net::IpAddr};

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed};
use crate::{
    check::{DnsPlace, commands, words},
    net::IpFamily,
    probe::{Aim, Target, Vantage},
};

#[derive(Debug)]
pub(super) struct ResolverWrong;

impl CauseRule for ResolverWrong {
    fn id(&self) -> &'static str {
        "resolver_wrong"
    }

    fn why(&self) -> &'static str {
        "Each kubelet writes the address of its clusterDNS into its pods' /etc/resolv.conf. If that is not the \
         address of the DNS Service, the pods of that node can't resolve names, while DNS itself is healthy and \
         answers them if they query it directly."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let mut misled: BTreeMap<Vec<IpAddr>, Vec<(&str, &Probed<'_>)>> = BTreeMap::new();
        for node in evidence.nodes() {
            if let Some((example, asked)) = self::misled(evidence, node) {
                misled.entry(asked).or_default().push((node, example));
            }
        }
        misled.iter().filter_map(|(asked, nodes)| on_nodes(evidence, asked, nodes)).collect()
    }
}

/// Whether a pod on the node asks for a name as its `/etc/resolv.conf` says.
fn asks(probed: &Probed<'_>, node: &str) -> bool {
    matches!(&probed.probe.vantage, Vantage::Pod { node: from } if from == node)
        && matches!(probed.probe.target, Target::Dns { .. } | Target::Pointer { .. })
}

/// What pods on a node ask, as far as it is known, where nobody there answers and the DNS Service does.
fn misled<'e, 'a>(
    evidence: &'e Evidence<'a>,
    node: &'e str,
) -> Option<(&'e Probed<'a>, Vec<IpAddr>)> {
    let touching =
        || IpFamily::ALL.into_iter().flat_map(move |family| evidence.touching(node, family));
    let mut names = touching().filter(|probed| probed.is_dns() && asks(probed, node));
    let example = names.next()?;
    let unheard = |probed: &Probed<'_>| probed.dead() && probed.dns_unheard();
    if !unheard(example) || !names.all(unheard) {
        return None;
    }
    let dns = evidence.world.facts.cluster_dns.known()?;
    // At any of its ClusterIPs, for each may be what the kubelet names.
    let answers = |ip: &IpAddr| {
        touching().any(|probed| {
            let asked = probed.probe.aim == Aim::DnsService && probed.from() == Some(node);
            let at = matches!(&probed.probe.target, Target::DnsServer { server, .. } if server.ip() == *ip);
            asked && at && probed.good()
        })
    };
    if !dns.cluster_ips.iter().all(answers) {
        return None;
    }
    let pod = evidence.world.fixture.probe_on(node)?.pod.as_deref()?;
    let inside = evidence.world.facts.inside(pod);
    let asked = inside.map(|inside| inside.nameservers.clone()).unwrap_or_default();
    // What asks the Service is misled by something else.
    (!asked.iter().any(|ip| dns.cluster_ips.contains(ip))).then_some((example, asked))
}

/// What the pods of these nodes have in common, which ask the same servers.
fn on_nodes(
    evidence: &Evidence<'_>,
    asked: &[IpAddr],
    misled: &[(&str, &Probed<'_>)],
) -> Option<Found> {
    let &(node, example) = misled.first()?;
    let nodes: Vec<&str> = misled.iter().map(|(node, _)| *node).collect();
    let dns = evidence.world.facts.cluster_dns.known()?;
    let ips = words::list(&dns.cluster_ips);
    let on = words::list(&nodes);
    // NodeLocal DNSCache listens at a link-local address.
    let cache = asked.iter().any(|ip| matches!(ip, IpAddr::V4(ip) if ip.is_link_local()));
    let whom = words::list(asked);
    let kubelet = format!(
        "Set clusterDNS in the kubelet's configuration on {on} (/var/lib/kubelet/config.yaml, or \
         `--cluster-dns`) to {ips}, restart the kubelet, and replace the node's pods: running pods keep their \
         /etc/resolv.conf."
    );
    let cached = format!(
        "{whom} is where NodeLocal DNSCache listens: check that its pod runs on {on} (`kubectl -n kube-system \
         get pods -l k8s-app=node-local-dns -o wide`)."
    );
    Some(Found {
        what: if asked.is_empty() {
            format!(
                "Pods on {on} can't resolve names, but the cluster's DNS ({ips}) answers if they query it \
                 directly: their /etc/resolv.conf most likely names another server."
            )
        } else {
            format!(
                "Pods on {on} send queries to {whom}, which does not answer and is not the cluster's DNS ({ips})."
            )
        },
        confidence: if asked.is_empty() { Confidence::Likely } else { Confidence::Proved },
        evidence: [
            (!asked.is_empty())
                .then(|| format!("/etc/resolv.conf of a pod on {node} names {whom}")),
            Some(format!("{}, {}: {}", example.whence(), example.probe.target, example.seen())),
            Some(format!("pods there get answers from the DNS Service at {ips} when they ask it")),
        ]
        .into_iter()
        .flatten()
        .collect(),
        reproduce: commands::in_probe(evidence.world, node, "cat /etc/resolv.conf")
            .into_iter()
            .map(|command| format!("{command}  # only after run --keep"))
            .chain([DnsPlace::of(evidence.world).service()])
            .collect(),
        fix: cache.then_some(cached).into_iter().chain([kubelet]).collect(),
        probed: evidence.bad(|probed| nodes.iter().any(|node| asks(probed, node))),
        ..Found::default()
    })
}
