//! `dns_without_endpoints`: DNS knows Services, and not the pods of headless ones.

use super::{CauseRule, Evidence, Found};
use crate::{
    check::{DnsPlace, commands, headless_fix, words},
    probe::{Aim, Vantage},
};

#[derive(Debug)]
pub(super) struct DnsWithoutEndpoints;

impl CauseRule for DnsWithoutEndpoints {
    fn id(&self) -> &'static str {
        "dns_without_endpoints"
    }

    fn why(&self) -> &'static str {
        "Members of a StatefulSet, and clients that do their own load balancing, find pods only by headless \
         Services. ClusterIPs still work, so the cluster looks healthy."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        in_cluster(evidence).into_iter().collect()
    }
}

fn in_cluster(evidence: &Evidence<'_>) -> Option<Found> {
    let cases = evidence.red("dns::headless", |_| true);
    let asks = |probed: &&super::evidence::Probed<'_>| match &probed.probe.aim {
        Aim::Name { service } => service.is_headless(),
        _ => false,
    };
    let bad: Vec<_> = evidence.probed.iter().filter(asks).filter(|probed| probed.bad()).collect();
    let example = *bad.first().filter(|_| !cases.is_empty())?;
    let all = evidence.probed.iter().filter(asks).count() == bad.len();
    let nodes = bad.iter().filter_map(|probed| match &probed.probe.vantage {
        Vantage::Pod { node } => Some(node.as_str()),
        _ => None,
    });
    let place = if all { String::new() } else { format!(", asked from {}", words::list(nodes)) };
    Some(Found {
        what: format!(
            "The cluster's DNS knows Services, but does not return the addresses of the pods behind headless \
             ones{place}."
        ),
        evidence: vec![
            format!("{}, {}: {}", example.whence(), example.probe.target, example.seen()),
            "the same servers give the ClusterIPs of other Services".to_owned(),
        ],
        reproduce: commands::repeat(evidence.world, [example.probe])
            .into_iter()
            .chain([DnsPlace::of(evidence.world).configuration()])
            .collect(),
        fix: headless_fix(DnsPlace::of(evidence.world)),
        probed: bad.iter().map(|probed| probed.id()).collect(),
        cases,
        ..Found::default()
    })
}
