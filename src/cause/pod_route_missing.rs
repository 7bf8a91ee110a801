//! `pod_route_missing`: packets from one node to the pods of another get lost.

mod group;
mod hosts;
mod loss;

use std::collections::BTreeSet;

use self::{
    group::{Group, grouped},
    loss::{Loss, losses, route_of},
};
use super::{
    CauseRule, Confidence, Evidence, Found,
    evidence::Probed,
    proof::{self, Proof},
};
use crate::{
    check::{commands, remedy, words},
    net::IpFamily,
    probe::ProbeId,
};

#[derive(Debug)]
pub(super) struct PodRouteMissing;

impl CauseRule for PodRouteMissing {
    fn id(&self) -> &'static str {
        "pod_route_missing"
    }

    fn why(&self) -> &'static str {
        "A route that is missing in one direction breaks connections in both, because replies need it too. \
         Services pick such a path at random, so applications see some of their requests fail."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let of_family = |family| {
            let groups = grouped(losses(evidence, family)).into_iter();
            let of_pods = groups.filter_map(move |group| found(evidence, family, &group));
            of_pods.chain(hosts::in_family(evidence, family))
        };
        evidence.families().flat_map(of_family).collect()
    }
}

fn found(evidence: &Evidence<'_>, family: IpFamily, group: &Group<'_>) -> Option<Found> {
    let losses = group.losses();
    let paths: Vec<(&str, &str)> = losses
        .iter()
        .flat_map(|loss| {
            let (a, b) = loss.ends();
            [(a, b), (b, a)]
        })
        .collect();
    let ip = |node| evidence.world.fixture.backend_on(node)?.address(family);
    let reproduce: Vec<String> = paths
        .iter()
        .take(4)
        .filter_map(|(from, to)| Some(commands::route(from, ip(to)?)))
        .collect();
    reproduce.first()?;
    let mut probed: BTreeSet<ProbeId> = losses
        .iter()
        .flat_map(|loss| {
            let (a, b) = loss.ends();
            let directed = matches!(loss, Loss::OneWay(..));
            evidence.bad(|probed| touches(evidence, probed, a, b, family, directed))
        })
        .collect();
    // What a node lets none of the others open, it doesn't forward for their NodePorts either.
    if let Group::To { node, others, filtered: true, .. } = group
        && others.len() + 1 == evidence.nodes().len()
    {
        probed.extend(evidence.bad(|probed| {
            let elsewhere = probed.is_node_port() && probed.from() != Some(node);
            elsewhere && probed.at() == Some(node) && probed.family == family
        }));
    }
    for loss in &losses {
        if let Loss::OneWay(from, to) = *loss {
            probed.extend(replies_to_node(evidence, from, to, family));
        }
    }
    let routes = Routes::of(evidence, &losses, family);
    let shown = routes.shown.clone();
    let found = Found {
        what: what(group, family, &routes),
        confidence: match group {
            Group::One(Loss::Dropped(..)) => Confidence::Possible,
            _ => Confidence::Likely,
        },
        evidence: paths
            .iter()
            .take(6)
            .filter_map(|(from, to)| evidence.say_pod_path(from, to, family))
            .collect(),
        reproduce,
        fix: fix(evidence, group, family, &routes),
        probed,
        ..Found::default()
    };
    Some(found.shown(shown))
}

/// What the nodes' own tables show of the routes that seem to be missing.
#[derive(Debug)]
struct Routes {
    shown: Proof,
    /// Whether all of them are there.
    present: bool,
    /// The nodes on which a route or a rule throws the packets away.
    refusing: Vec<String>,
}

impl Routes {
    fn of(evidence: &Evidence<'_>, losses: &[Loss<'_>], family: IpFamily) -> Self {
        let directions = losses.iter().flat_map(|loss| match *loss {
            Loss::OneWay(from, to) => vec![(from, to)],
            Loss::BothWays(a, b) | Loss::Dropped(a, b) => vec![(a, b), (b, a)],
            // The packets get there.
            Loss::Filtered(..) => Vec::new(),
        });
        let directions: Vec<(&str, &str)> = directions.collect();
        let each = directions.iter().map(|(from, to)| route_of(evidence, from, to, family));
        let each: Vec<Proof> = each.map(|shown| shown.unwrap_or(Proof::Unknown)).collect();
        let mut refusing: Vec<String> = directions
            .iter()
            .filter(|(from, to)| {
                let ip = evidence.world.fixture.backend_on(to).and_then(|pod| pod.address(family));
                ip.is_some_and(|ip| proof::refuses_way(evidence.world.facts, from, ip).is_some())
            })
            .map(|(from, _)| (*from).to_owned())
            .collect();
        refusing.dedup();
        Self {
            present: !each.is_empty() && each.iter().all(|it| matches!(it, Proof::Denied(_))),
            shown: Proof::of_all(each),
            refusing,
        }
    }

    const fn is_proof(&self) -> bool {
        self.shown.is_proof()
    }
}

fn what(group: &Group<'_>, family: IpFamily, routes: &Routes) -> String {
    if let Some(what) = dropped(group, family).filter(|_| routes.present) {
        return what;
    }
    let proved = routes.is_proof();
    // Where the tables show that there is no correct route, no other explanation is left.
    let or = |otherwise: &'static str| if proved { "" } else { otherwise };
    let no = if proved { "no correct" } else { "no" };
    match group {
        Group::One(Loss::OneWay(from, to)) => format!(
            "Node {from} has {no} {family} route to the pods on node {to}{}.",
            or(" or loses what it sends them, including replies")
        ),
        Group::One(Loss::BothWays(a, b)) => {
            format!("Nodes {a} and {b} have no {family} route to each other's pods.")
        }
        Group::One(Loss::Dropped(a, b)) => format!(
            "{family} packets between the pods of node {a} and node {b} are silently dropped, in one direction or in \
             both."
        ),
        Group::One(Loss::Filtered(from, to)) => format!(
            "{family} connections from pods on node {from} to pods on node {to} are dropped, while \
             those from {to} to {from} work: a filter, not a route."
        ),
        Group::To { node, others, filtered: false, .. } => format!(
            "Nodes {} have {no} {family} route to the pods on node {node}{}.",
            words::list(others),
            or(" or lose what they send them, including replies")
        ),
        Group::From { node, others, filtered: false, .. } => format!(
            "Node {node} has {no} {family} route to the pods on nodes {}{}.",
            words::list(others),
            or(" or loses what it sends them, including replies")
        ),
        Group::To { node, others, filtered: true, .. } => format!(
            "{family} connections from pods on {} to pods on node {node} are dropped, while those the \
             other way work: a filter on {node}, not a route.",
            words::list(others)
        ),
        Group::From { node, others, filtered: true, .. } => format!(
            "{family} connections from pods on node {node} to pods on {} are dropped, while those the \
             other way work: a filter on {node}, not a route.",
            words::list(others)
        ),
        Group::End { node, others, .. } => format!(
            "{family} packets between the pods of node {node} and those of {} are lost: node {node} is not \
             connected to the pod network.",
            words::list(others)
        ),
    }
}

/// The same where the nodes have the routes: then something on them, or between them, drops packets.
fn dropped(group: &Group<'_>, family: IpFamily) -> Option<String> {
    let or = "a filter on one side, or between them, drops these packets or the replies, or the tunnel that \
              carries them";
    match group {
        Group::One(Loss::OneWay(from, to)) => Some(format!(
            "{family} packets from node {from} to the pods on node {to}, or the replies, are lost, though \
             {from} has the route: {or}."
        )),
        Group::To { node, others, filtered: false, .. } => Some(format!(
            "{family} packets from nodes {} to the pods on node {node}, or the replies, are lost, though the \
             routes are there: {or}.",
            words::list(others)
        )),
        Group::From { node, others, filtered: false, .. } => Some(format!(
            "{family} packets from node {node} to the pods on nodes {}, or the replies, are lost, though the \
             routes are there: {or}.",
            words::list(others)
        )),
        _ => None,
    }
}

fn fix(
    evidence: &Evidence<'_>,
    group: &Group<'_>,
    family: IpFamily,
    routes: &Routes,
) -> Vec<String> {
    let proved = routes.is_proof();
    let filter = |a: &str, b: &str| {
        format!(
            "Look for a NetworkPolicy that selects the pods on one side, and for rules on {b} and {a} that \
             match {family} only: `{}`.",
            commands::rules(b)
        )
    };
    let filtered = matches!(
        group,
        Group::One(Loss::Filtered(..))
            | Group::To { filtered: true, .. }
            | Group::From { filtered: true, .. }
    );
    let mut fix = if filtered {
        // Connections the other way work, so routes and forwarding do.
        Vec::new()
    } else if proved {
        // It is the routes, and neither forwarding nor a filter.
        Vec::from_iter(remedy::pod_network_of_cni(evidence.world, family))
    } else {
        remedy::pod_network(evidence.world, family)
    };
    if !routes.refusing.is_empty() {
        let flag = commands::flag(family);
        return vec![format!(
            "Find what set that route or rule on {} (`ip {flag} route`, `ip {flag} rule`): a VPN, a routing \
             daemon, a script of an earlier pod network; take it away, and restart the pod network's pod \
             there if the right route is missing then.",
            words::list(&routes.refusing)
        )];
    }
    match group {
        Group::One(Loss::OneWay(from, to)) if routes.present => {
            fix = vec![filter(from, to)];
            fix.extend(remedy::pod_network_of_cni(evidence.world, family));
        }
        Group::To { node, others, filtered: false, .. }
        | Group::From { node, others, filtered: false, .. }
            if routes.present =>
        {
            fix = vec![filter(others.first().unwrap_or(node), node)];
            fix.extend(remedy::pod_network_of_cni(evidence.world, family));
        }
        Group::One(Loss::OneWay(from, to)) => fix.insert(
            0,
            format!(
                "Restart the pod network's pod on {from}, which should set the route to the {family} \
                 podCIDR of {to}, and read its log."
            ),
        ),
        Group::One(Loss::BothWays(a, b)) if proved => fix.insert(
            0,
            format!(
                "Restart the pod network's pods on {a} and {b}, which should set the {family} routes to \
                 each other's podCIDR, and read their logs."
            ),
        ),
        Group::One(Loss::BothWays(..)) => {}
        Group::One(Loss::Dropped(a, b)) => fix.push(filter(a, b)),
        Group::One(Loss::Filtered(from, to)) => fix.insert(0, filter(from, to)),
        Group::To { node, others, filtered: true, .. }
        | Group::From { node, others, filtered: true, .. } => {
            fix.insert(0, filter(others.first().unwrap_or(node), node));
        }
        // Where all others lack the same route, its owner doesn't announce it.
        Group::To { node, others, .. } => fix.insert(
            0,
            format!(
                "Look at {node} first, whose pod range no other node has: its pod network's pod must \
                 run there and announce the {family} podCIDR of the Node object; read its log, restart \
                 it, and then those on {}.",
                words::list(others)
            ),
        ),
        Group::From { node, .. } | Group::End { node, .. } => fix.insert(
            0,
            format!(
                "Restart the pod network's pod on {node}, which should set the {family} routes or \
                 tunnels to the other nodes, and read its log."
            ),
        ),
    }
    if proved {
        fix.push(
            "Where routes are the platform's (cloud route tables, a router), add them there."
                .to_owned(),
        );
    }
    fix
}

/// What a node asks of a backend for its NodePorts, where the backend's node has no route to the first one's
/// pods. Over a tunnel (VXLAN) the node uses an address of its pod range, so that the replies are lost, too. Where
/// no NodePort of the node answers, it is not the pair that is at fault.
fn replies_to_node<'a>(
    evidence: &Evidence<'a>,
    from: &str,
    to: &str,
    family: IpFamily,
) -> BTreeSet<ProbeId> {
    let at = |probed: &Probed<'a>, backend: &str| {
        probed.family == family
            && probed.is_node_port()
            && probed.at() == Some(to)
            && probed.backend() == Some(backend)
    };
    if !evidence.of(family).any(|probed| at(probed, to) && probed.good()) {
        return BTreeSet::new();
    }
    evidence.bad(|probed| at(probed, from))
}

fn touches<'a>(
    evidence: &Evidence<'a>,
    probed: &Probed<'a>,
    a: &str,
    b: &str,
    family: IpFamily,
    directed: bool,
) -> bool {
    let speaks =
        if probed.is_dns() { evidence.dns_speaks(family) } else { probed.family == family };
    speaks && evidence.crosses(probed, a, b, directed)
}
