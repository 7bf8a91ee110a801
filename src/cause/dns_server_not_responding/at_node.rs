//! A node that drops DNS on its way to and from its pods: they hear no server elsewhere, and its own servers
//! are heard by nobody there.

use std::collections::BTreeSet;

use super::asked::{own, udp};
use crate::{
    cause::{Evidence, Found, evidence::Probed},
    check::{DnsPlace, commands},
    net::IpFamily,
    probe::Aim,
};

/// What is dropped at one node in a family, and the cases of DNS pods that are deaf by it alone.
pub(super) fn found(
    evidence: &Evidence<'_>,
    family: IpFamily,
    red: &BTreeSet<usize>,
) -> Option<(Found, BTreeSet<usize>)> {
    if red.is_empty() {
        return None;
    }
    let asked: Vec<&Probed<'_>> = evidence
        .of(family)
        .filter(|probed| matches!(probed.probe.aim, Aim::DnsPod { .. }) && probed.from().is_some())
        .collect();
    let nodes: BTreeSet<&str> = evidence.dns_nodes().collect();
    let mut dropping = nodes.into_iter().filter_map(|node| {
        let transports: Vec<bool> = [true, false]
            .into_iter()
            .filter(|&by_udp| {
                dropped(asked.iter().copied().filter(|probed| udp(probed) == by_udp), node)
            })
            .collect();
        (!transports.is_empty()).then_some((node, transports))
    });
    let (node, transports) = dropping.next()?;
    // Between two nodes either of them may be the one.
    if dropping.next().is_some() {
        return None;
    }
    at_node(evidence, (family, node), red, &asked, &transports)
}

fn at_node(
    evidence: &Evidence<'_>,
    (family, node): (IpFamily, &str),
    red: &BTreeSet<usize>,
    asked: &[&Probed<'_>],
    transports: &[bool],
) -> Option<(Found, BTreeSet<usize>)> {
    let over = match transports {
        [true] => "UDP",
        [false] => "TCP",
        [_, _] => "UDP and TCP",
        _ => return None,
    };
    let lost = |probed: &&&Probed<'_>| probed.bad() && transports.contains(&udp(probed));
    let cases: BTreeSet<usize> = red
        .iter()
        .copied()
        .filter(|&case| own(evidence, case).any(|probed| lost(&&probed)))
        .collect();
    let crossing =
        |out: bool| asked.iter().filter(lost).find(|probed| (probed.from() == Some(node)) == out);
    let (out, into) = (crossing(true)?, crossing(false)?);
    let heard = asked.iter().find(|probed| probed.good() && udp(probed) == transports[0]);
    let seen = [Some(out), Some(into), heard].into_iter().flatten();
    let mut probed: BTreeSet<_> = asked.iter().filter(lost).map(|probed| probed.id()).collect();
    // A resolver may have asked one of those that are not heard.
    probed.extend(evidence.bad(|probed| {
        probed.is_dns() && evidence.dns_unheard_over(probed, family) && transports.contains(&true)
    }));
    let place = DnsPlace::of(evidence.world);
    let found = Found {
        what: format!(
            "Node {node} drops DNS ({over} port 53) over {family} to and from its pods: they get no \
             answer from DNS pods on other nodes, and the DNS pods on {node} answer no client there."
        ),
        evidence: seen
            .map(|probed| {
                let transport = if udp(probed) { "UDP" } else { "TCP" };
                format!("by {transport} {}", probed.told())
            })
            .collect(),
        reproduce: commands::repeat(evidence.world, [out.probe, into.probe])
            .into_iter()
            .chain([commands::rules(node), place.pods()])
            .collect(),
        fix: vec![
            format!(
                "Look for a rule on {node} (`{}`) that names port 53, and let {over} over {family} through as \
                 for {}.",
                commands::rules(node),
                family.other()
            ),
            "Look for a NetworkPolicy, or one of the pod network's own kinds, that allows DNS by one transport \
             or one family alone."
                .to_owned(),
        ],
        probed,
        ..Found::default()
    };
    Some((found, cases))
}

/// Whether, of these questions, those that pass the network at a node are lost, and none elsewhere.
fn dropped<'e, 'a: 'e>(ways: impl Iterator<Item = &'e Probed<'a>>, node: &str) -> bool {
    let (mut out, mut into) = (false, false);
    for probed in ways {
        let Aim::DnsPod { node: Some(at), .. } = &probed.probe.aim else { return false };
        match (probed.from() == Some(node), at == node) {
            (true, false) if probed.dead() => out = true,
            (false, true) if probed.dead() => into = true,
            // On the node itself some filters know no port, and some do.
            (true, true) => {}
            (false, false) if probed.good() => {}
            _ => return false,
        }
    }
    out && into
}
