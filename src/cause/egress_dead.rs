//! `egress_dead`: pods don't get out of the cluster.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, commands, remedy, words},
    net::IpFamily,
    probe::{Aim, Vantage},
    snapshot::Deprecated,
};

#[derive(Debug)]
pub(super) struct EgressDead;

impl CauseRule for EgressDead {
    fn id(&self) -> &'static str {
        "egress_dead"
    }

    fn why(&self) -> &'static str {
        "Pods that connect to anything outside the cluster wait for a time-out in this family, and only some \
         try the other one. Inside the cluster everything works."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let leaves = |probed: &&Probed<'_>| probed.probe.aim == Aim::Outside;
    let from_pod = |probed: &&Probed<'_>| matches!(probed.probe.vantage, Vantage::Pod { .. });
    let out = |family| evidence.of(family).filter(leaves);
    // Where nobody gets through in any family, there may be no way back to this machine.
    let works = |family| out(family).filter(from_pod).find(|probed| probed.good());
    let works_here = works(family);
    let works_there = works(family.other());
    works_here.or(works_there)?;
    let dead: Vec<&Probed<'_>> =
        out(family).filter(from_pod).filter(|probed| probed.dead()).collect();
    let mut nodes = evidence.nodes();
    nodes.retain(|node| dead.iter().any(|probed| probed.from() == Some(node)));
    let node = *nodes.first()?;
    let by_host = out(family)
        .filter(|probed| !from_pod(probed))
        .find(|probed| probed.good() && probed.from().is_some_and(|from| nodes.contains(&from)));
    let names = words::list(&nodes);
    let first = dead.first()?;
    let unroutable = dead.iter().all(|probed| probed.kind() == Some(Kind::TimedOut));
    let mut seen: Vec<String> = dead
        .iter()
        .take(3)
        .map(|probed| format!("{} to {}: {}", probed.whence(), probed.probe.target, probed.seen()))
        .collect();
    let also = [(works_here, family), (works_there, family.other())];
    seen.extend(also.iter().filter_map(|(probed, family)| {
        Some(format!("{} over {family}: works", (*probed)?.whence()))
    }));
    seen.extend(by_host.map(|probed| {
        format!("node {} itself gets there over {family}", probed.from().unwrap_or(node))
    }));
    // The kernel masquerades with an address that it may use anew: that of the pods' bridge, or none.
    let deprecated: Vec<&Deprecated> = nodes
        .iter()
        .filter_map(|node| evidence.world.facts.deprecated_ip(node, family))
        .filter(|it| by_host.is_none() && unroutable && has_another(evidence, it, family))
        .collect();
    let faded = if deprecated.len() == nodes.len() { deprecated } else { Vec::new() };
    let told = faded
        .iter()
        .take(3)
        .map(|it| format!("{} on {} of {} is deprecated", it.address, it.link, it.node));
    seen.splice(0..0, told);
    let mut fix = remedy::egress(family).to_vec();
    if let Some(first) = faded.first() {
        fix.insert(0, lasting(first, family));
    }
    Some(Found {
        what: format!(
            "Pods on {names} don't get out of the cluster over {family}: {}.",
            if !faded.is_empty() {
                "the node's own address is deprecated, so that the kernel sends from another one, and answers to that \
                 one are lost"
            } else if unroutable {
                "their packets or the answers are lost, most likely because the pod network doesn't \
                 masquerade them"
            } else {
                "something refuses or rejects their packets"
            }
        ),
        confidence: if by_host.is_some() || !faded.is_empty() {
            Confidence::Likely
        } else {
            Confidence::Possible
        },
        evidence: seen,
        reproduce: faded
            .first()
            .map(|it| {
                let flag = commands::flag(family);
                commands::on_node(&it.node, &format!("ip {flag} addr show dev {}", it.link))
            })
            .into_iter()
            .chain([commands::rules(node)])
            .chain(first.probe.target.address().map(|to| commands::route(node, to.ip())))
            .collect(),
        fix,
        probed: evidence
            .bad(|probed| probed.family == family && leaves(&probed) && from_pod(&probed)),
        ..Found::default()
    })
}

/// Whether the kernel has another address to send from: it takes a deprecated one where there is no other (RFC
/// 6724, rules 2 and 3).
fn has_another(evidence: &Evidence<'_>, it: &Deprecated, family: IpFamily) -> bool {
    let snapshot = evidence.world.facts.snapshot(&it.node);
    snapshot.is_some_and(|snapshot| {
        let mut own = snapshot.addresses.iter().map(|own| own.address);
        own.any(|own| IpFamily::of(own) == family && own != it.address)
    })
}

/// How an address is made one to send from again.
fn lasting(it: &Deprecated, family: IpFamily) -> String {
    let Deprecated { node, address, link } = it;
    format!(
        "See on {node} what gives {address} its lifetime (router advertisements, DHCP, a network manager), and make it \
         a preferred one that lasts. Until then: `ip {} addr change {address}/LENGTH dev {link} preferred_lft forever \
         valid_lft forever`, with the prefix length that `ip addr` shows.",
        commands::flag(family)
    )
}
