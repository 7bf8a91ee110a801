//! What the nodes' snapshots show of a suspicion that the paths raise.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Confidence, Found};
use crate::{
    check::{remedy, words},
    facts::Facts,
    net::IpFamily,
    snapshot::{Address, Link, Snapshot},
};

/// How many facts of the nodes' tables are shown before the rest is left out.
const MOST_FACTS: usize = 4;

/// What the snapshots say of a suspicion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It is so: the facts that prove it.
    Proved(Vec<String>),
    /// It is so of a part of what is suspected, and of the rest nobody knows or it isn't.
    Partly(Vec<String>),
    /// It isn't: what is there instead.
    Denied(String),
    /// Nothing: no snapshot of the node was taken.
    Unknown,
}

impl Proof {
    pub(super) const fn is_proof(&self) -> bool {
        matches!(self, Self::Proved(_))
    }

    /// What is shown of a suspicion that has several parts: it is proved where each of them is.
    pub(super) fn of_all(parts: impl IntoIterator<Item = Self>) -> Self {
        let (mut facts, mut denial, mut all) = (Vec::new(), Self::Unknown, true);
        for part in parts {
            match part {
                Self::Proved(more) => facts.extend(more),
                Self::Partly(more) => {
                    facts.extend(more);
                    all = false;
                }
                Self::Denied(_) => (denial, all) = (part, false),
                Self::Unknown => all = false,
            }
        }
        facts.truncate(MOST_FACTS);
        match (facts.is_empty(), all) {
            (true, _) => denial,
            (false, true) => Self::Proved(facts),
            (false, false) => Self::Partly(facts),
        }
    }

    fn proved(fact: String) -> Self {
        Self::Proved(vec![fact])
    }
}

impl Found {
    /// The same with what the snapshots say of it: a proof comes first, and makes it sure.
    pub(super) fn shown(mut self, shown: Proof) -> Self {
        match shown {
            Proof::Proved(mut facts) => {
                self.confidence = Confidence::Proved;
                facts.append(&mut self.evidence);
                self.evidence = facts;
            }
            Proof::Partly(mut facts) => {
                facts.append(&mut self.evidence);
                self.evidence = facts;
            }
            Proof::Denied(fact) => self.evidence.push(fact),
            Proof::Unknown => {}
        }
        self
    }
}

/// Whether a node's kernel forwards nothing in a family.
pub(super) fn forwarding_off(facts: &Facts, node: &str, family: IpFamily) -> Proof {
    let Some(snapshot) = facts.snapshot(node) else { return Proof::Unknown };
    let all = remedy::forwarding(family);
    // The kernel forwards IPv4 by the setting of the interface that a packet comes in by. For IPv6 that
    // setting says only whether the interface is a router's or a host's (ip-sysctl in the kernel's
    // documentation), and `all` decides.
    let link = own_link(facts, snapshot, family).filter(|_| family == IpFamily::V4);
    let link = link.map(|link| format!("net.ipv4.conf.{}.forwarding", link.name));
    let off = |name: &str| snapshot.setting(name) == Some("0");
    let name = [Some(all.to_owned()), link].into_iter().flatten().find(|name| off(name));
    match (name, snapshot.setting(all)) {
        (Some(name), _) => Proof::proved(format!("{name} is 0 on {node}")),
        (None, Some(value)) => Proof::Denied(format!("{all} is {value} on {node}")),
        (None, None) => Proof::Unknown,
    }
}

/// Whether a node has no route to the pod at this address, which is on another node.
pub(super) fn route_missing(facts: &Facts, from: &str, to: &str, address: IpAddr) -> Proof {
    let Some(snapshot) = facts.snapshot(from) else { return Proof::Unknown };
    let Some(lookup) = snapshot.lookup(address) else { return Proof::Unknown };
    let family = IpFamily::of(address);
    let Some(route) = &lookup.route else {
        let mut shown = vec![format!("the route from {from} to {address}: {}", lookup.said)];
        shown.extend(why_no_way(snapshot, address));
        return Proof::Proved(shown);
    };
    if lookup.is_local() {
        return Proof::proved(format!(
            "{from} treats {address} as its own address ({})",
            lookup.said
        ));
    }
    if let Some(detour) = route.via.and_then(|via| owner(facts, via)).filter(|it| *it != to) {
        let fact = format!("{from} sends packets for {address} to {detour} ({})", lookup.said);
        return Proof::proved(fact);
    }
    // Where the network itself routes to pods, nobody has more than a default route.
    let others = facts.snapshots.iter().filter(|other| other.node != from && other.node != to);
    let has_own = |other: &&Snapshot| {
        other.lookup(address).is_some_and(|lookup| !lookup.has_no_own_route(other))
    };
    let to_others = |own: &Snapshot| {
        own.lookups.iter().any(|lookup| {
            IpFamily::of(lookup.address) == family
                && pod_node(facts, own, lookup.address)
                && !lookup.has_no_own_route(own)
        })
    };
    if lookup.has_no_own_route(snapshot) {
        let mut facts_shown = vec![format!(
            "{from} sends packets for {address} by its default route ({})",
            lookup.said
        )];
        if let Some(other) = others.filter(|other| other.is_complete()).find(has_own) {
            facts_shown.push(format!("{} has its own route to it", other.node));
            return Proof::Proved(facts_shown);
        }
        // Between two nodes, the other one tells that nodes have such routes here.
        let having =
            [Some(snapshot), facts.snapshot(to)].into_iter().flatten().find(|it| to_others(it));
        if let Some(Snapshot { node, .. }) = having {
            facts_shown.push(format!("{node} has routes of its own to the pods of other nodes"));
            return Proof::Proved(facts_shown);
        }
        return Proof::Unknown;
    }
    if let Some(rule) = rejecting_rule(facts, snapshot, address) {
        return Proof::proved(rule);
    }
    Proof::Denied(format!("{from} has a route to {address}: {}", lookup.said))
}

/// The routing rule of a node that throws away what its pods send to an address. What the node itself sends
/// there may go another way.
fn rejecting_rule(facts: &Facts, snapshot: &Snapshot, address: IpAddr) -> Option<String> {
    let node = &snapshot.node;
    let ranges = facts.node(node)?.pod_cidrs.iter();
    let ranges: Vec<IpNet> = ranges.filter_map(|range| range.parse().ok()).collect();
    let of_pods =
        |from: IpNet| ranges.iter().any(|range| from.contains(range) || range.contains(&from));
    let rule = snapshot.rules.iter().find(|rule| {
        rule.rejects()
            && rule.family == IpFamily::of(address)
            && rule.from().is_some_and(of_pods)
            && rule.to().is_none_or(|to| to.contains(&address))
    })?;
    Some(format!("{node} has a routing rule that discards what its pods send there: {}", rule.text))
}

/// What in a node's tables leaves an address without a way: a route that throws packets away, or a rule
/// that passes over a route which is there.
fn why_no_way(snapshot: &Snapshot, address: IpAddr) -> Option<String> {
    let route = snapshot.main_route(address)?;
    let node = &snapshot.node;
    let to = route.to.map_or_else(|| "everything".to_owned(), |to| to.to_string());
    match (&route.rejects, route.to, route.link.as_deref()) {
        (Some(rejects), ..) => {
            Some(format!("{node} has a route that discards packets to {to}: {rejects}"))
        }
        // A default route may well be of no use for pods.
        (None, Some(_), Some(link)) => Some(format!(
            "the main table of {node} has a route to {to} by {link}, so a rule (`ip rule`) bypasses it"
        )),
        (None, ..) => None,
    }
}

/// Whether a node's tables throw away, or lead by a rule past a route, what is for an address.
pub(super) fn refuses_way(facts: &Facts, node: &str, address: IpAddr) -> Option<String> {
    let snapshot = facts.snapshot(node)?;
    let lookup = snapshot.lookup(address)?;
    if lookup.route.is_none() {
        return why_no_way(snapshot, address);
    }
    rejecting_rule(facts, snapshot, address)
}

/// Whether an address is of a pod range of a node other than the one of the snapshot.
fn pod_node(facts: &Facts, snapshot: &Snapshot, address: IpAddr) -> bool {
    let nodes = facts.nodes.known().into_iter().flatten();
    nodes.filter(|node| node.name != snapshot.node).any(|node| {
        let mut ranges =
            node.pod_cidrs.iter().filter_map(|range| range.parse::<ipnet::IpNet>().ok());
        ranges.any(|range| range.contains(&address))
    })
}

/// Whether a node has no route to its own pod at this address.
pub(super) fn own_route_missing(facts: &Facts, node: &str, address: IpAddr) -> Proof {
    let Some(snapshot) = facts.snapshot(node) else { return Proof::Unknown };
    let Some(lookup) = snapshot.lookup(address) else { return Proof::Unknown };
    if lookup.has_no_own_route(snapshot) {
        Proof::proved(format!("the route from {node} to its own pod {address}: {}", lookup.said))
    } else {
        Proof::Denied(format!("{node} has a route to its own pod {address}: {}", lookup.said))
    }
}

/// What a node's table of neighbours says of a pod on it that doesn't answer for its address.
pub(super) fn own_pod_silent(facts: &Facts, node: &str, address: IpAddr) -> Option<String> {
    let neighbour = facts.snapshot(node)?.neighbour(address)?;
    matches!(neighbour.state.as_str(), "FAILED" | "INCOMPLETE").then(|| {
        let by = match IpFamily::of(address) {
            IpFamily::V4 => "ARP",
            IpFamily::V6 => "neighbour discovery",
        };
        format!("{node} gets no answer to {by} from its own pod {address} ({})", neighbour.state)
    })
}

/// Whether a node has no default route.
pub(super) fn default_route_missing(facts: &Facts, node: &str, family: IpFamily) -> Proof {
    let Some(snapshot) = facts.snapshot(node) else { return Proof::Unknown };
    match snapshot.default_routes(family).next() {
        None => Proof::proved(format!("{node} has no {family} default route")),
        Some(route) => {
            let link = route.link.as_deref().unwrap_or("an unknown interface");
            Proof::Denied(format!("{node} has an {family} default route, by {link}"))
        }
    }
}

/// Whether a node doesn't have its own address any more, or may not use it.
pub(super) fn address_lost(facts: &Facts, node: &str, family: IpFamily) -> Proof {
    let Some(snapshot) = facts.snapshot(node) else { return Proof::Unknown };
    let Some(ip) = internal_ip(facts, node, family) else { return Proof::Unknown };
    match snapshot.address(ip) {
        None => Proof::proved(format!("no interface of {node} has {ip}, its InternalIP")),
        Some(own) if own.duplicate => Proof::proved(format!("{} of {node}", dad_failed(own))),
        Some(own) if own.tentative => Proof::proved(format!(
            "{ip} on {} of {node} is tentative: duplicate address detection has not ended",
            own.link
        )),
        Some(own) => Proof::Denied(format!("{} of {node} has {ip}", own.link)),
    }
}

/// The smallest MTU that IPv6 allows a link (RFC 8200); below it the kernel takes IPv6 off the interface.
const LEAST_MTU: u32 = 1_280;

/// The interface of a node's IPv4 address, where its MTU is too small for IPv6.
pub(super) fn too_narrow_for_v6(facts: &Facts, node: &str) -> Option<String> {
    let link = own_link(facts, facts.snapshot(node)?, IpFamily::V4)?;
    let mtu = link.mtu.filter(|&mtu| mtu < LEAST_MTU)?;
    Some(format!(
        "the MTU of {} on {node} is {mtu}: IPv6 needs {LEAST_MTU} (RFC 8200), and the kernel disables it on a \
         link that has less",
        link.name
    ))
}

/// Whether a node's neighbours don't answer it: those of the nodes that are on the same link.
pub(super) fn neighbours_silent(facts: &Facts, node: &str, family: IpFamily) -> Proof {
    let Some(snapshot) = facts.snapshot(node) else { return Proof::Unknown };
    let others = facts.nodes.known().into_iter().flatten().filter(|other| other.name != node);
    let known: Vec<(&str, &str)> = others
        .filter_map(|other| {
            let neighbour = snapshot.neighbour(other.internal_ips(family).next()?)?;
            Some((other.name.as_str(), neighbour.state.as_str()))
        })
        .collect();
    let silent = |state: &str| matches!(state, "FAILED" | "INCOMPLETE");
    let (names, states): (Vec<&str>, Vec<&str>) = known.iter().copied().unzip();
    let Some(state) = states.first() else { return Proof::Unknown };
    if states.iter().all(|state| silent(state)) {
        let by = match family {
            IpFamily::V4 => "ARP",
            IpFamily::V6 => "neighbour discovery",
        };
        Proof::proved(format!(
            "{node} gets no answer to {by} from {} ({state})",
            words::list(&names)
        ))
    } else {
        Proof::Denied(format!("{node} knows the link addresses of its neighbours"))
    }
}

/// Whether another machine has a node's address: the node itself found it taken, or other nodes find it
/// elsewhere.
pub(super) fn address_taken(facts: &Facts, node: &str, family: IpFamily) -> Proof {
    let ip = internal_ip(facts, node, family);
    let own = facts.snapshot(node).zip(ip).and_then(|(snapshot, ip)| snapshot.address(ip));
    let mut shown = own.filter(|own| own.duplicate).map(dad_failed).into_iter().collect::<Vec<_>>();
    if let Proof::Proved(elsewhere) = address_elsewhere(facts, node, family) {
        shown.extend(elsewhere);
    }
    if shown.is_empty() { Proof::Unknown } else { Proof::Proved(shown) }
}

/// The node other than its owner on whose interface a node's address is, and the interface.
pub(super) fn held_by<'f>(
    facts: &'f Facts,
    node: &str,
    family: IpFamily,
) -> Option<(&'f str, &'f str)> {
    let ip = internal_ip(facts, node, family)?;
    let mut others = facts.snapshots.iter().filter(|other| other.node != node);
    others.find_map(|other| Some((other.node.as_str(), other.address(ip)?.link.as_str())))
}

fn dad_failed(own: &Address) -> String {
    format!("duplicate address detection failed for {} on {}", own.address, own.link)
}

fn address_elsewhere(facts: &Facts, node: &str, family: IpFamily) -> Proof {
    let Some(ip) = internal_ip(facts, node, family) else { return Proof::Unknown };
    let Some(own) = facts.snapshot(node).and_then(|snapshot| own_link(facts, snapshot, family))
    else {
        return Proof::Unknown;
    };
    let Some(own_address) = own.address.as_deref() else { return Proof::Unknown };
    let others = facts.snapshots.iter().filter(|other| other.node != node);
    let elsewhere: Vec<(&str, &str)> = others
        .filter_map(|other| {
            let neighbour = other.neighbour(ip).filter(|neighbour| !neighbour.is_fixed())?;
            Some((other.node.as_str(), neighbour.link_address.as_deref()?))
        })
        .filter(|(_, link_address)| !link_address.eq_ignore_ascii_case(own_address))
        .collect();
    let (names, addresses): (Vec<&str>, Vec<&str>) = elsewhere.iter().copied().unzip();
    let Some(address) = addresses.first() else { return Proof::Unknown };
    Proof::Proved(vec![format!(
        "{} {} {ip} at {address}, and {} of {node} is {own_address}",
        words::list(&names),
        if names.len() == 1 { "finds" } else { "find" },
        own.name
    )])
}

/// An interface of a node that carries smaller packets than those of other nodes do.
#[derive(Clone, Copy, Debug)]
pub(super) struct NarrowLink<'f> {
    pub(super) node: &'f str,
    pub(super) link: &'f str,
    pub(super) mtu: u32,
    /// What the widest of the other nodes' carries.
    pub(super) others: u32,
}

/// The interfaces with the nodes' addresses of a family that are narrower than the widest of them.
pub(super) fn narrow_links(facts: &Facts, family: IpFamily) -> Vec<NarrowLink<'_>> {
    let links: Vec<(&str, &Link)> = facts
        .snapshots
        .iter()
        .filter_map(|snapshot| Some((&*snapshot.node, own_link(facts, snapshot, family)?)))
        .collect();
    let Some(others) = links.iter().filter_map(|(_, link)| link.mtu).max() else {
        return Vec::new();
    };
    let narrow = links.into_iter().filter_map(|(node, link)| {
        let mtu = link.mtu.filter(|&mtu| mtu < others)?;
        Some(NarrowLink { node, link: &link.name, mtu, others })
    });
    narrow.collect()
}

/// That a node's own neighbour entry for another node is fixed and wrong.
pub(super) fn neighbour_fixed_wrong(
    facts: &Facts,
    at: &str,
    of: &str,
    family: IpFamily,
) -> Option<String> {
    let ip = internal_ip(facts, of, family)?;
    let own = facts.snapshot(of).and_then(|snapshot| own_link(facts, snapshot, family))?;
    let entry = facts.snapshot(at)?.neighbour(ip).filter(|entry| entry.is_fixed())?;
    let (has, said) = (own.address.as_deref()?, entry.link_address.as_deref()?);
    (!said.eq_ignore_ascii_case(has)).then(|| {
        format!("{at} has {ip} at {said} ({}), and {} of {of} is {has}", entry.state, own.name)
    })
}

/// That IPv6 is disabled on a node's loopback interface.
pub(super) fn loopback_disabled(facts: &Facts, node: &str, family: IpFamily) -> Option<String> {
    const SETTING: &str = "net.ipv6.conf.lo.disable_ipv6";
    let disabled = facts.snapshot(node)?.setting(SETTING) == Some("1");
    (family == IpFamily::V6 && disabled).then(|| format!("{SETTING} is 1 on {node}"))
}

/// Whether no port of a node's bridges sends packets back to where they came from.
pub(super) fn hairpin_off(facts: &Facts, node: &str) -> Proof {
    let Some(snapshot) = facts.snapshot(node) else { return Proof::Unknown };
    match snapshot.hairpin_modes.as_slice() {
        [] => Proof::Unknown,
        [only] if only == "0" => {
            Proof::proved(format!("hairpin_mode is 0 on every bridge port of {node}"))
        }
        _ => Proof::Denied(format!("hairpin_mode is 1 on bridge ports of {node}")),
    }
}

/// Whether a node's table of connections is full, or nearly so.
pub(super) fn connections_full(facts: &Facts, node: &str) -> Proof {
    let Some(snapshot) = facts.snapshot(node) else { return Proof::Unknown };
    let number = |name: &str| snapshot.setting(name)?.parse::<u64>().ok();
    let both = number("net.netfilter.nf_conntrack_count")
        .zip(number("net.netfilter.nf_conntrack_max"))
        .filter(|(_, most)| *most > 0);
    let Some((count, most)) = both else { return Proof::Unknown };
    let fact = format!("the table of connections of {node} has {count} of {most} entries");
    if count * 20 >= most * 19 { Proof::proved(fact) } else { Proof::Denied(fact) }
}

/// The MTUs of the interfaces by which nodes talk to each other, where they differ.
pub(super) fn mtus(facts: &Facts, nodes: &[&str], family: IpFamily) -> Option<String> {
    let mtus: Vec<(&str, u32)> = nodes
        .iter()
        .filter_map(|node| Some((*node, own_link(facts, facts.snapshot(node)?, family)?.mtu?)))
        .collect();
    let (_, first) = mtus.first()?;
    if mtus.iter().all(|(_, mtu)| mtu == first) {
        return None;
    }
    let each = mtus.iter().map(|(node, mtu)| format!("{mtu} on {node}"));
    Some(format!(
        "the MTUs of the nodes' interfaces differ: {}",
        each.collect::<Vec<_>>().join(", ")
    ))
}

fn internal_ip(facts: &Facts, node: &str, family: IpFamily) -> Option<IpAddr> {
    facts.node(node)?.internal_ips(family).next()
}

/// The node whose InternalIP this is.
fn owner(facts: &Facts, ip: IpAddr) -> Option<&str> {
    let mut nodes = facts.nodes.known()?.iter();
    let node = nodes.find(|node| node.internal_ips(IpFamily::of(ip)).any(|own| own == ip))?;
    Some(&node.name)
}

/// The interface that has the node's InternalIP.
fn own_link<'s>(facts: &Facts, snapshot: &'s Snapshot, family: IpFamily) -> Option<&'s Link> {
    let ip = internal_ip(facts, &snapshot.node, family)?;
    let name = &snapshot.address(ip)?.link;
    snapshot.links.iter().find(|link| link.name == *name)
}
