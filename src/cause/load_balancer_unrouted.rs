//! `load_balancer_unrouted`: the address of a load balancer leads nowhere from outside.

use super::{CauseRule, Confidence, Evidence, Found};
use crate::{
    check::{UNROUTED, commands},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct LoadBalancerUnrouted;

impl CauseRule for LoadBalancerUnrouted {
    fn id(&self) -> &'static str {
        "load_balancer_unrouted"
    }

    fn why(&self) -> &'static str {
        "Inside the cluster every node translates a load balancer's address itself (unless the provider sets \
         ipMode Proxy), so pods reach it anyway. For clients outside, something must announce it by ARP, \
         neighbour discovery or a routing protocol, separately for each family, or an external load balancer \
         must listen on it."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let balanced = evidence.world.fixture.load_balancing.asked()?;
    let ip = balanced.address(family)?;
    let cases = evidence.red("service::load_balancer", |judged| {
        judged.case.family == Some(family) && judged.verdict.detail().starts_with(UNROUTED)
    });
    let first = cases.first().and_then(|&place| evidence.judged.get(place))?;
    let seen = first.verdict.detail();
    let who = balanced.provider.as_deref().unwrap_or("the cluster's load balancer provider");
    let other = balanced.address(family.other());
    let other = other.filter(|_| {
        let fails = |family| {
            move |judged: &super::Judged| {
                judged.case.family == Some(family) && judged.verdict.detail().starts_with(UNROUTED)
            }
        };
        evidence.red("service::load_balancer", fails(family.other())).is_empty()
    });
    Some(Found {
        what: format!(
            "{ip}, the {family} address of a load balancer, is not reached from outside."
        ),
        confidence: Confidence::Likely,
        evidence: std::iter::once(format!("{ip} {seen}"))
            .chain([format!(
                "the NodePorts of the same backend answer this machine over {family} at every node"
            )])
            .chain(
                other.map(|other| format!("{other}, its address of the other family, answers it")),
            )
            .collect(),
        reproduce: vec![format!("ip {} route get {ip}", commands::flag(family))],
        fix: vec![
            format!(
                "Check that {who} announces {ip} to the network between here and the nodes (MetalLB: an \
                 L2Advertisement or BGPAdvertisement for the pool), and that routers know the way."
            ),
            format!("Let {family} through to {ip} in the firewalls before the cluster."),
        ],
        cases,
        ..Found::default()
    })
}
