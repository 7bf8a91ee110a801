//! `dns_server_not_responding`: a DNS pod doesn't answer in a family or over a transport, and others do.

mod asked;
mod at_node;

use std::collections::{BTreeMap, BTreeSet};

use self::asked::{own, udp};
use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{DnsPlace, UNANSWERED, commands, deaf_over, words},
    net::IpFamily,
    probe::Aim,
};

/// Where DNS servers listen (RFC 1035).
const DNS_PORT: u16 = 53;

#[derive(Debug)]
pub(super) struct DnsServerNotResponding;

impl CauseRule for DnsServerNotResponding {
    fn id(&self) -> &'static str {
        "dns_server_not_responding"
    }

    fn why(&self) -> &'static str {
        "A resolver picks a DNS server at random. If one of them does not answer, look-ups intermittently fail \
         or take seconds, on every node, and nothing in the cluster shows it: the pod is Ready, because its \
         readiness probe takes another path."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let nodes = evidence.nodes();
        // Where a node hears none at all, it is no matter of one server.
        let heard: Vec<&str> =
            nodes.into_iter().filter(|node| !hears_none(evidence, node)).collect();
        IpFamily::ALL
            .into_iter()
            .flat_map(|family| unheard_in_family(evidence, family, &heard))
            .collect()
    }
}

/// Whether every question that pods of a node sent to a DNS server stayed without an answer.
pub(super) fn hears_none(evidence: &Evidence<'_>, node: &str) -> bool {
    let mut asked = IpFamily::ALL
        .into_iter()
        .flat_map(|family| evidence.touching(node, family))
        .filter(|probed| probed.is_dns_server() && probed.from() == Some(node))
        .peekable();
    asked.peek().is_some() && asked.all(Probed::bad)
}

/// What DNS pods did not answer, by what they do not answer; alike ones together.
fn unheard_in_family(evidence: &Evidence<'_>, family: IpFamily, heard: &[&str]) -> Vec<Found> {
    let red = evidence.red("dns::servers", |judged| {
        judged.case.family == Some(family) && judged.verdict.detail().starts_with(UNANSWERED)
    });
    let at_node = at_node::found(evidence, family, &red);
    let (mut all, explained): (Vec<Found>, BTreeSet<usize>) = match at_node {
        Some((found, cases)) => (vec![found], cases),
        None => Default::default(),
    };
    let mut alike: BTreeMap<String, Vec<(&str, usize)>> = BTreeMap::new();
    for case in red.difference(&explained).copied() {
        let asked: Vec<&Probed<'_>> = own(evidence, case)
            .filter(|probed| probed.from().is_some_and(|from| heard.contains(&from)))
            .collect();
        let bad = asked.iter().filter(|probed| probed.bad()).map(|probed| probed.probe);
        let over =
            deaf_over(bad, asked.iter().map(|probed| probed.from()).collect::<BTreeSet<_>>().len());
        if let (Some(pod), true) = (pod(&asked), over != words::list::<&str>([])) {
            alike.entry(over).or_default().push((pod, case));
        }
    }
    all.extend(alike.into_iter().filter_map(|(over, pods)| found(evidence, family, &over, &pods)));
    all
}

fn pod<'a>(asked: &[&Probed<'a>]) -> Option<&'a str> {
    asked.iter().find_map(|probed| match &probed.probe.aim {
        Aim::DnsPod { pod, .. } => Some(pod.as_str()),
        _ => None,
    })
}

fn found(
    evidence: &Evidence<'_>,
    family: IpFamily,
    over: &str,
    pods: &[(&str, usize)],
) -> Option<Found> {
    let bad: Vec<&Probed<'_>> = pods
        .iter()
        .flat_map(|(_, case)| own(evidence, *case))
        .filter(|probed| probed.bad())
        .collect();
    let example = *bad.first()?;
    let dns = evidence.world.facts.cluster_dns.known();
    let placed = |name: &str| {
        let pod = dns.into_iter().flat_map(|dns| &dns.pods).find(|pod| pod.name == name);
        match pod.and_then(|pod| pod.node.as_deref()) {
            Some(node) => format!("{name} on node {node}"),
            None => name.to_owned(),
        }
    };
    let refused = bad.iter().all(|probed| probed.seen().contains("refused"));
    let (one, does) = match (pods.len(), refused) {
        (1, true) => ("The DNS pod", "refuses"),
        (1, false) => ("The DNS pod", "does not answer"),
        (_, true) => ("The DNS pods", "refuse"),
        (_, false) => ("The DNS pods", "do not answer"),
    };
    let placed = words::list(pods.iter().map(|(name, _)| placed(name)));
    let what = format!("{one} {placed} {does} queries over {family}: {over}.");
    let what = if refused { what } else { what.replace(" queries over ", " over ") };
    let all = dns.map_or(0, |dns| dns.pods.len());
    let source = source(evidence, &bad);
    // What answers every other node is not what is wrong.
    let there = source.filter(|_| pods.len() > 1 && pods.len() == all);
    let what = match there {
        Some(node) => format!(
            "Only pods on {node} get no answer from the DNS pods {placed} over {family} ({over}): \
             something on {node} drops it."
        ),
        None => what,
    };
    let mut seen: Vec<String> = bad
        .iter()
        .take(3)
        .map(|probed| {
            let over = if udp(probed) { "UDP" } else { "TCP" };
            let target =
                probed.probe.target.address().map_or_else(String::new, |it| it.to_string());
            format!("{} by {over} {target}: {}", probed.whence(), probed.seen())
        })
        .collect();
    let names: Vec<&str> = pods.iter().map(|(name, _)| *name).collect();
    let good: BTreeSet<&str> = evidence
        .probed
        .iter()
        .filter(|probed| probed.good())
        .filter(|probed| {
            matches!(&probed.probe.aim, Aim::DnsPod { pod, .. } if names.contains(&pod.as_str()))
        })
        .map(|probed| match (udp(probed), probed.family) {
            (true, IpFamily::V4) => "UDP over IPv4",
            (true, IpFamily::V6) => "UDP over IPv6",
            (false, IpFamily::V4) => "TCP over IPv4",
            (false, IpFamily::V6) => "TCP over IPv6",
        })
        .collect();
    if !good.is_empty() {
        let same = if pods.len() == 1 { "the same pod answers" } else { "the same pods answer" };
        seen.push(format!("{same} by {}", words::list(good)));
    }
    // A resolver may have asked one of these.
    let nodes: BTreeSet<&str> =
        bad.iter().filter(|probed| udp(probed)).filter_map(|probed| probed.from()).collect();
    let mut probed = evidence.bad(|probed| {
        probed.is_dns()
            && evidence.dns_unheard_over(probed, family)
            && probed.from().is_some_and(|from| nodes.contains(from))
    });
    probed.extend(bad.iter().map(|probed| probed.id()));
    Some(Found {
        what,
        evidence: seen,
        reproduce: commands::repeat(evidence.world, bad.iter().map(|probed| probed.probe))
            .into_iter()
            .chain([
                DnsPlace::of(evidence.world).pods(),
                DnsPlace::of(evidence.world).configuration(),
            ])
            .collect(),
        fix: fix(evidence, example, pods, refused, (source, there.is_some())),
        // By its probes alone, so that what another rule has explained stays explained by it.
        probed,
        ..Found::default()
    })
}

/// The node from which alone none of these DNS pods is heard, where others hear them.
fn source<'a>(evidence: &Evidence<'a>, bad: &[&Probed<'a>]) -> Option<&'a str> {
    let from = bad.first()?.from()?;
    let others = evidence.nodes().into_iter().any(|node| node != from);
    (others && bad.iter().all(|probed| probed.from() == Some(from))).then_some(from)
}

fn fix(
    evidence: &Evidence<'_>,
    example: &Probed<'_>,
    pods: &[(&str, usize)],
    refused: bool,
    (source, there): (Option<&str>, bool),
) -> Vec<String> {
    let place_of_dns = DnsPlace::of(evidence.world);
    let listens = format!(
        "Look in the Corefile for `bind` with addresses of one family, which makes CoreDNS listen on \
         that family alone; take it out, and restart the DNS pods: `{}`.",
        place_of_dns.restart()
    );
    let node = match &example.probe.aim {
        Aim::DnsPod { node, .. } => node.as_deref(),
        _ => None,
    };
    let rules = |node| commands::rules(node);
    let place = match (source, node) {
        // What only one node doesn't hear is most likely dropped there.
        (Some(source), _) => format!(
            "on {source} (`{}`), whose pods alone are not answered, then on the node of the DNS pod",
            rules(source)
        ),
        (None, Some(node)) => format!("on the node of the DNS pod (`{}`)", rules(node)),
        (None, None) => "on the node of the DNS pod".to_owned(),
    };
    let filter = format!(
        "Look for a rule {place}, or for a NetworkPolicy that selects DNS pods, which lets port 53 \
         through for one transport or one family alone."
    );
    let port = example.probe.target.address().map(|address| address.port());
    let odd = port.filter(|&port| port != DNS_PORT && source.is_none()).map(|port| {
        format!(
            "The DNS Service sends to port {port} of its pods: check that CoreDNS listens there (`.:53` in its \
             Corefile is port 53), and fix the Service's targetPort if it doesn't: `{}`.",
            place_of_dns.service()
        )
    });
    let dns = evidence.world.facts.cluster_dns.known();
    let all = dns.map_or(0, |dns| dns.pods.len());
    let mut fix = match (there, refused) {
        (true, _) => vec![filter],
        (false, true) => vec![listens, filter],
        (false, false) => vec![filter, listens],
    };
    fix.splice(0..0, odd);
    if let (Some((pod, _)), true) = (pods.first(), pods.len() < all) {
        fix.push(format!("If neither is there, replace the pod: `{}`.", place_of_dns.delete(pod)));
    }
    fix
}
