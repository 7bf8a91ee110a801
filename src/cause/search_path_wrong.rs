//! `search_path_wrong`: pods of a node complete short names with a domain that DNS doesn't serve.

use std::collections::BTreeSet;

use super::{CauseRule, Evidence, Found};
use crate::{
    check::{DnsPlace, commands, short_names_fix, words},
    probe::{Aim, Vantage},
};

#[derive(Debug)]
pub(super) struct SearchPathWrong;

impl CauseRule for SearchPathWrong {
    fn id(&self) -> &'static str {
        "search_path_wrong"
    }

    fn why(&self) -> &'static str {
        "A kubelet writes its clusterDomain into the /etc/resolv.conf of each pod that it starts. Where \
         that is not the domain of CoreDNS, applications that call Services by short names fail on this \
         node and work on others."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        in_cluster(evidence).into_iter().collect()
    }
}

fn in_cluster(evidence: &Evidence<'_>) -> Option<Found> {
    let cases = evidence.red("dns::short_names", |_| true);
    let asks = |probed: &&super::evidence::Probed<'_>| match &probed.probe.aim {
        Aim::Name { service } => !service.is_headless(),
        _ => false,
    };
    let bad: Vec<_> = evidence.probed.iter().filter(asks).filter(|probed| probed.bad()).collect();
    let example = *bad.first().filter(|_| !cases.is_empty())?;
    let nodes: BTreeSet<&str> = bad
        .iter()
        .filter_map(|probed| match &probed.probe.vantage {
            Vantage::Pod { node } => Some(node.as_str()),
            _ => None,
        })
        .collect();
    let first = *nodes.first()?;
    let look = commands::in_probe(evidence.world, first, "cat /etc/resolv.conf");
    let served = evidence.world.facts.cluster_dns.known().map_or(&[][..], |dns| &dns.zones);
    let served = (!served.is_empty())
        .then(|| format!("the plugin kubernetes of the Corefile serves {}", words::list(served)));
    let facts = [
        format!("{}, {}: {}", example.whence(), example.probe.target, example.seen()),
        "from there, the full name of the same Service has its records".to_owned(),
    ];
    Some(Found {
        what: format!(
            "Pods on {} can't resolve Services of their own namespace by short names: the search path in \
             their /etc/resolv.conf is not the one that the cluster's DNS serves.",
            words::list(&nodes)
        ),
        evidence: facts.into_iter().chain(served).collect(),
        reproduce: commands::repeat(evidence.world, [example.probe])
            .into_iter()
            .chain(look)
            .collect(),
        fix: short_names_fix(DnsPlace::of(evidence.world), first),
        probed: bad.iter().map(|probed| probed.id()).collect(),
        cases,
        ..Found::default()
    })
}
