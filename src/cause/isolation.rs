//! Whether a node is dead to all others in a family: what two rules build on.

use std::collections::BTreeSet;

use super::{
    Evidence,
    evidence::{Origin, Probed},
    tcp_filtered::datagrams_pass,
};
use crate::{net::IpFamily, probe::ProbeId};

/// How a node that is dead to the others looks by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Isolation {
    /// Whether this machine reaches the node's own address; `None` where that isn't known.
    pub(super) address_reached: Option<bool>,
    /// Whether pods on the node reach each other; `None` where that isn't known.
    pub(super) own_pods_meet: Option<bool>,
}

/// Whether every way between a node and the others is dead in a family, while others have theirs.
pub(super) fn of(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Isolation> {
    let outside_works = evidence.way_in(family);
    let mut between = evidence
        .touching(node, family)
        .filter(|probed| probed.is_pod_path() && !probed.large)
        .filter(|probed| (probed.from() == Some(node)) != (probed.backend() == Some(node)))
        .peekable();
    between.peek()?;
    let mut ports = evidence.touching(node, family).filter(|probed| {
        probed.is_node_port()
            && probed.at() == Some(node)
            && probed.from() != Some(node)
            && (outside_works || !is_outside(probed))
    });
    let mut refused = false;
    let through = |probed: &Probed<'_>| {
        refused |= probed.refused_at_first();
        probed.leads_through()
    };
    if !between.all(Probed::dead) || ports.any(through) {
        return None;
    }
    // Where datagrams pass, it is connections that are dropped.
    let mut others = evidence.nodes().into_iter().filter(|other| *other != node);
    if others.any(|other| {
        datagrams_pass(evidence, family, node, other)
            || datagrams_pass(evidence, family, other, node)
    }) {
        return None;
    }
    let elsewhere = |probed: &Probed<'_>| {
        let spares = |place: Option<&str>| place.is_some_and(|place| place != node);
        let pod_path =
            probed.is_pod_path() && spares(probed.from()) && probed.from() != probed.backend();
        let outside = is_outside(probed) && spares(probed.at());
        (pod_path || outside) && probed.backend() != Some(node) && probed.good()
    };
    if !evidence.of(family).any(elsewhere) {
        return None;
    }
    let control = evidence
        .touching(node, family)
        .find(|probed| is_outside(probed) && !probed.is_node_port() && probed.at() == Some(node));
    Some(Isolation {
        address_reached: control
            .filter(|_| outside_works)
            .map(Probed::proves_a_way)
            .or(refused.then_some(true)),
        own_pods_meet: evidence.pod_path(node, node, family).map(Probed::good),
    })
}

/// What goes wrong when a node is dead to the others.
pub(super) fn explained(
    evidence: &Evidence<'_>,
    node: &str,
    family: IpFamily,
) -> BTreeSet<ProbeId> {
    let api_there = evidence.serves_api(node, family);
    let dns_there = evidence.dns_nodes().any(|dns| dns == node);
    evidence.bad(|probed| {
        let involved = probed.family == family
            && (probed.from() == Some(node)
                || probed.at() == Some(node)
                || probed.backend() == Some(node)
                || probed.host_backend() == Some(node)
                || probed.is_shared()
                || evidence.leads_to(&probed.probe.aim, node)
                || (probed.is_api_server() && api_there));
        let dns =
            evidence.dns_unheard_over(probed, family) && (probed.from() == Some(node) || dns_there);
        (involved && !probed.is_dns()) || dns
    })
}

fn is_outside(probed: &Probed<'_>) -> bool {
    matches!(probed.origin, Origin::Outside)
}
