//! `pod_network_down`: no pod reaches a pod on another node in a family.

use super::{
    CauseRule, Evidence, Found,
    evidence::{Origin, Probed},
};
use crate::{
    check::{commands, remedy},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct PodNetworkDown;

impl CauseRule for PodNetworkDown {
    fn id(&self) -> &'static str {
        "pod_network_down"
    }

    fn why(&self) -> &'static str {
        "Pods have addresses of this family that can't be reached from other nodes. Clients that prefer \
         the family wait for a time-out before they try the other, or fail."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let paths = || evidence.of(family).filter(|probed| probed.is_pod_path() && !probed.large);
    let between: Vec<&Probed<'_>> =
        paths().filter(|probed| probed.from() != probed.backend()).collect();
    let example = between.first()?;
    // Of two nodes a missing route tells more.
    if evidence.nodes().len() < 3 || !between.iter().all(|probed| probed.dead()) {
        return None;
    }
    let mut seen = vec![
        format!("none of {} paths between pods on different nodes works", between.len()),
        format!(
            "{} to {}: {}",
            example.from().unwrap_or_default(),
            example.backend().unwrap_or_default(),
            example.seen()
        ),
    ];
    if paths().any(|probed| probed.from() == probed.backend() && probed.good()) {
        seen.push("pods on the same node reach each other".to_owned());
    }
    let nodes_meet = evidence.of(family).any(|probed| {
        probed.is_node_port()
            && probed.good()
            && matches!(probed.origin, Origin::Node(from) if probed.at() != Some(from))
            && probed.backend() == probed.at()
    });
    if nodes_meet {
        seen.push(format!("pods reach the addresses of other nodes over {family}"));
    }
    let ip = evidence.world.fixture.backend_on(example.backend()?)?.address(family)?;
    Some(Found {
        what: format!("The pod network does not carry {family} between nodes."),
        evidence: seen,
        reproduce: vec![commands::route(example.from()?, ip)],
        fix: remedy::pod_network(evidence.world, family),
        probed: evidence.bad(|probed| {
            let sender = probed.at().or(probed.from());
            let another = probed.backend().is_none_or(|backend| sender != Some(backend));
            (probed.family == family && !probed.is_dns() && another)
                || evidence.dns_unheard_over(probed, family)
        }),
        ..Found::default()
    })
}
