//! What the way out of the cluster, and the addresses under which pods arrive there, show that breaks no promise.

use std::collections::BTreeMap;

use super::{gateways, seen::Seen};
use crate::{
    check::{Reading, World, words},
    net::IpFamily,
    probe::{Aim, ProbeTable, Vantage},
};

/// Sentences for the operator: where the two families follow different rules, where an address
/// belongs to nobody in the cluster, and where a default gateway is not there.
pub fn notices(world: World<'_>, probes: &ProbeTable) -> Vec<String> {
    let mut seen: BTreeMap<IpFamily, BTreeMap<Seen, Vec<&str>>> = BTreeMap::new();
    for (_, probe, observation) in probes.iter().filter(|(_, probe, _)| probe.aim == Aim::Outside) {
        let Vantage::Pod { node } = &probe.vantage else { continue };
        let reading = Reading::of(world, probe, observation);
        if let Some(address) = Seen::of(world, &reading) {
            seen.entry(probe.family()).or_default().entry(address).or_default().push(node);
        }
    }
    let mut notices: Vec<String> = rules(&seen).into_iter().collect();
    notices.extend(seen.iter().flat_map(|(family, seen)| strangers(*family, seen)));
    notices.extend(gateways::notices(world, probes));
    notices
}

/// Pods that are routed in one family and masqueraded in the other.
fn rules(seen: &BTreeMap<IpFamily, BTreeMap<Seen, Vec<&str>>>) -> Option<String> {
    let all = |family: IpFamily, wanted: &Seen| {
        seen.get(&family).is_some_and(|seen| seen.keys().all(|address| address == wanted))
    };
    let routed = IpFamily::ALL
        .into_iter()
        .find(|family| all(*family, &Seen::Pod) && all(family.other(), &Seen::Node))?;
    let other = routed.other();
    Some(format!(
        "pods leave the cluster under their own addresses over {routed} and under their nodes' over \
         {other}: servers outside see and admit them by different rules in the two families, and need \
         a route back to the {routed} pod range"
    ))
}

/// Pods that arrive under an address that nobody in the cluster has.
fn strangers(family: IpFamily, seen: &BTreeMap<Seen, Vec<&str>>) -> Vec<String> {
    let strange = seen.iter().filter(|(address, _)| matches!(address, Seen::Other(_)));
    strange
        .map(|(address, nodes)| {
            let nodes = words::list(nodes.iter().take(3));
            format!(
                "pods on {nodes} that connect to the outside over {family} are {address}: something on the path \
                 translates addresses"
            )
        })
        .collect()
}
