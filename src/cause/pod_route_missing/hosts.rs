//! A node on which nothing is left of the pod network: no pod starts there, so only the node itself shows that
//! it has no way to pods elsewhere.

use std::collections::BTreeSet;

use super::super::{
    Evidence, Found,
    evidence::{Origin, Probed},
    proof::{self, Proof},
};
use crate::{
    check::{commands, remedy, words},
    net::IpFamily,
};

/// How many links are named.
const NAMED: usize = 3;

/// Links of single pods, as networks name them.
const OF_PODS: [&str; 6] = ["veth", "cali", "lxc", "gke", "eni", "azv"];

/// What is found of each node that has no pods of ours.
pub(super) fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Vec<Found> {
    let fixture = evidence.world.fixture;
    let mut nodes = evidence.nodes();
    // Where there are pods, their paths tell more.
    nodes.retain(|node| !fixture.probe_on(node).is_some_and(|pod| pod.is_ready()));
    nodes.into_iter().filter_map(|node| of_node(evidence, node, family)).collect()
}

fn of_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let facts = evidence.world.facts;
    let backends = evidence.world.fixture.backends.iter().filter(|pod| pod.node != node);
    let elsewhere: Vec<(&str, std::net::IpAddr)> =
        backends.filter_map(|pod| Some((pod.node.as_str(), pod.address(family)?))).collect();
    let (_, ip) = *elsewhere.first()?;
    let routes: Vec<Proof> =
        elsewhere.iter().map(|(to, ip)| proof::route_missing(facts, node, to, *ip)).collect();
    if !routes.iter().all(Proof::is_proof) {
        return None;
    }
    let away = |probed: &Probed<'_>| probed.backend().is_none_or(|backend| backend != node);
    let its = |probed: &Probed<'_>| {
        let sends = probed.by_host() && probed.from() == Some(node) && probed.is_cluster_ip();
        let passes_on = probed.is_node_port()
            && (probed.at() == Some(node) || (probed.by_host() && probed.from() == Some(node)));
        probed.family == family && away(probed) && (sends || passes_on)
    };
    let example = evidence.of(family).find(|probed| its(probed) && probed.dead())?;
    let links = missing_links(evidence, node);
    let mut seen = vec![match example.origin {
        Origin::Node(from) if from == node => {
            format!("the host network of {node} at {}: {}", example.probe.target, example.seen())
        }
        origin => format!("{origin} at {}: {}", example.probe.target, example.seen()),
    }];
    if !links.is_empty() {
        let (is, names) = (if links.len() == 1 { "is" } else { "are" }, words::list(&links));
        seen.insert(0, format!("{names}, which the other nodes have, {is} missing on {node}"));
    }
    let mut fix = vec![format!(
        "See why the pod network's pod does not run on {node}, or what it complains of, and restart it: it sets up \
         the links and routes there (`kubectl get pods -A -o wide --field-selector spec.nodeName={node}`)."
    )];
    fix.extend(remedy::pod_network_of_cni(evidence.world, family));
    let found = Found {
        what: format!(
            "Node {node} has no correct {family} route to the pods on any other node: the pod network is not \
             set up there."
        ),
        evidence: seen,
        reproduce: vec![commands::route(node, ip), commands::on_node(node, "ip link")],
        fix,
        probed: evidence.bad(its),
        ..Found::default()
    };
    Some(found.shown(Proof::of_all(routes)))
}

/// The links that all other nodes which were looked at have, and this one hasn't.
fn missing_links<'e>(evidence: &'e Evidence<'_>, node: &str) -> Vec<&'e str> {
    let facts = evidence.world.facts;
    let Some(own) = facts.snapshot(node) else { return Vec::new() };
    let others = facts.snapshots.iter().filter(|other| other.node != node && other.is_complete());
    let names = others.map(|other| other.links.iter().map(|link| link.name.as_str()).collect());
    let Some(common) = names.reduce(|a: BTreeSet<&str>, b| &a & &b) else { return Vec::new() };
    let mut missing: Vec<&str> = common.into_iter().collect();
    missing.retain(|name| {
        own.links.iter().all(|link| link.name != *name)
            && !OF_PODS.iter().any(|prefix| name.starts_with(prefix))
    });
    missing.truncate(NAMED);
    missing
}
