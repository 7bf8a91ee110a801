//! `own_pod_routes_missing`: a node has no way to the pods that run on it.

use std::net::IpAddr;

use super::{
    CauseRule, Confidence, Evidence, Found,
    evidence::{Origin, Probed},
    isolation,
    proof::{self, Proof},
    tcp_filtered::datagrams_arrive,
};
use crate::{
    check::{Kind, commands, remedy, words},
    net::IpFamily,
    probe::Vantage,
};

#[derive(Debug)]
pub(super) struct OwnPodRoutesMissing;

impl CauseRule for OwnPodRoutesMissing {
    fn id(&self) -> &'static str {
        "own_pod_routes_missing"
    }

    fn why(&self) -> &'static str {
        "Packets for a pod, including replies, need a route to the pod's interface on its own node. Without it \
         the node still forwards for others, but its own pods receive nothing in this family."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let mut nodes = evidence.nodes();
    nodes.retain(|node| is_deaf(evidence, family, node));
    let told: Vec<&Probed<'_>> =
        nodes.iter().filter_map(|node| says_so(evidence, family, node)).collect();
    let passes: Vec<&Probed<'_>> =
        nodes.iter().filter_map(|node| passes_on(evidence, family, node)).collect();
    // Silence alone may as well be a node that forwards nothing; and where nobody enters by a node's
    // NodePorts for its own backend, one that filters what it forwards.
    nodes.retain(|node| {
        says_so(evidence, family, node).is_some()
            || (evidence.world.fixture.mesh.serves(node)
                && passes_on(evidence, family, node).is_some())
            || finds_none(evidence, family, node).is_some()
    });
    let node = *nodes.first()?;
    let names = words::list(&nodes);
    let mut seen: Vec<String> =
        nodes.iter().take(2).filter_map(|node| evidence.say_pod_path(node, node, family)).collect();
    seen.extend(told.first().map(|probed| probed.told()));
    seen.extend(passes.first().map(|probed| {
        format!(
            "{} at {}, whose backend is on {}: works, so {} forwards {family}",
            probed.whence(),
            probed.probe.target,
            probed.backend().unwrap_or("another node"),
            probed.at().unwrap_or(node),
        )
    }));
    let ip = evidence.world.fixture.backend_on(node)?.address(family)?;
    let mut probed = std::collections::BTreeSet::new();
    for node in &nodes {
        probed.extend(isolation::explained(evidence, node, family));
    }
    let shown = Proof::of_all(nodes.iter().map(|node| {
        let pod = evidence.world.fixture.backend_on(node).and_then(|pod| pod.address(family));
        pod.map_or(Proof::Unknown, |ip| proof::own_route_missing(evidence.world.facts, node, ip))
    }));
    // The routes are there: then what the node sends on its pods' links is lost, or nobody answers there.
    let present = matches!(shown, Proof::Denied(_));
    if present {
        seen.extend(nodes.iter().filter_map(|node| finds_none(evidence, family, node)));
    }
    let found = Found {
        what: if present {
            format!(
                "Packets from {names} to its own pods over {family} are lost there, though it has the routes: \
                 they are filtered, or neighbour discovery is blocked."
            )
        } else if nodes.len() > 1 {
            format!("Nodes {names} have no {family} routes to their own pods.")
        } else {
            format!("Node {names} has no {family} routes to its own pods.")
        },
        confidence: if told.is_empty() { Confidence::Possible } else { Confidence::Likely },
        evidence: seen,
        reproduce: vec![
            commands::route(node, ip),
            commands::on_node(node, &format!("ip {} rule", commands::flag(family))),
        ],
        fix: if present {
            vec![format!(
                "Look on {names} for rules that drop {family} to pods (`{}`); ICMPv6 neighbour discovery \
                 (types 135 and 136) must pass the OUTPUT and INPUT chains, too.",
                commands::rules(node)
            )]
        } else {
            fix(evidence, &names, ip, family, shown.is_proof())
        },
        probed,
        ..Found::default()
    };
    Some(found.shown(shown))
}

/// Whether nothing comes to the pods of a node: neither what others send nor answers.
fn is_deaf(evidence: &Evidence<'_>, family: IpFamily, node: &str) -> bool {
    let lost = |probed: &Probed<'_>| probed.dead() && probed.kind() != Some(Kind::Refused);
    let paths =
        evidence.touching(node, family).filter(|probed| probed.is_pod_path() && !probed.large);
    let mut its = paths
        .filter(|probed| probed.from() == Some(node) || probed.backend() == Some(node))
        .peekable();
    let mut entries = evidence
        .touching(node, family)
        .filter(|probed| probed.is_node_port() && probed.at() == Some(node))
        .filter(|probed| probed.from() != Some(node) && probed.backend() == Some(node));
    its.peek().is_some()
        && evidence.pod_path(node, node, family).is_some_and(lost)
        && its.all(lost)
        && !entries.any(Probed::leads_through)
        // Whoever answers datagrams is no deaf pod: something there knows protocols.
        && !datagrams_arrive(evidence, family, node)
}

/// What a node's own table of neighbours says of a pod there that it doesn't find on its link.
fn finds_none(evidence: &Evidence<'_>, family: IpFamily, node: &str) -> Option<String> {
    let fixture = evidence.world.fixture;
    let pods = [fixture.backend_on(node), fixture.probe_on(node)];
    let mut addresses = pods.into_iter().flatten().filter_map(|pod| pod.address(family));
    addresses.find_map(|pod| proof::own_pod_silent(evidence.world.facts, node, pod))
}

/// A probe to the backend on a node that was told there is no way: by the node itself, for the node's
/// own host or somebody outside asks it, or a pod on a node that has a way to others.
fn says_so<'e, 'a>(
    evidence: &'e Evidence<'a>,
    family: IpFamily,
    node: &'e str,
) -> Option<&'e Probed<'a>> {
    // A node without a route to the pods of another says the same of all its paths there, and has its
    // own pods.
    let by_others = evidence
        .touching(node, family)
        .filter(|probed| probed.is_pod_path() && probed.from() != Some(node))
        .filter(|probed| probed.backend() == Some(node))
        .all(|probed| probed.kind() == Some(Kind::Unreachable));
    evidence.touching(node, family).find(|probed| {
        let asks_node = match &probed.probe.vantage {
            Vantage::Outside => probed.is_node_port() && probed.at() == Some(node),
            Vantage::HostNetwork { node: host } => probed.is_cluster_ip() && host == node,
            Vantage::Pod { node: from } => probed.is_pod_path() && (from == node || by_others),
            Vantage::Guarded { .. } | Vantage::ApiServer | Vantage::DnsPod { .. } => false,
        };
        asks_node
            && probed.backend() == Some(node)
            && probed.dead()
            && probed.kind() == Some(Kind::Unreachable)
    })
}

/// A probe that a node forwarded from elsewhere to the backend on another node.
fn passes_on<'e, 'a>(
    evidence: &'e Evidence<'a>,
    family: IpFamily,
    node: &'e str,
) -> Option<&'e Probed<'a>> {
    evidence.touching(node, family).find(|probed| {
        probed.is_node_port()
            && probed.at() == Some(node)
            && probed.good()
            && matches!(probed.origin, Origin::Outside | Origin::Node(_))
            && probed.from() != Some(node)
            && probed.backend().is_some_and(|backend| backend != node)
    })
}

fn fix(
    evidence: &Evidence<'_>,
    names: &str,
    ip: IpAddr,
    family: IpFamily,
    proved: bool,
) -> Vec<String> {
    if proved {
        return vec![format!(
            "Restart the pod network's pod on {names}, which sets these routes, and recreate the pods \
             there."
        )];
    }
    let mut fix = vec![
        format!(
            "See with the command above that {ip} leads to a pod's interface (veth, cali*, lxc*, cni0). \
             If not, restart the pod network's pod on {names}, which sets these routes, and recreate the \
             pods there."
        ),
        format!(
            "Look for rules that come before the table `main` (`ip {} rule`), and for a policy on the \
             node that drops {family} on its way into pods.",
            commands::flag(family)
        ),
    ];
    // What it says of routes is of those between nodes.
    if evidence.nodes().len() > 1 {
        fix.extend(remedy::pod_network(evidence.world, family).into_iter().take(1));
    }
    fix
}
