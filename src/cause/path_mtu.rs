//! `path_mtu`: small packets pass, large ones don't.

use std::collections::HashSet;

use super::{
    CauseRule, Confidence, Evidence, Found,
    evidence::Probed,
    proof::{self, NarrowLink},
};
use crate::{
    check::{commands, message_size, words},
    net::IpFamily,
    probe::{Aim, Target, Vantage},
};

#[derive(Debug)]
pub(super) struct PathMtu;

impl CauseRule for PathMtu {
    fn id(&self) -> &'static str {
        "path_mtu"
    }

    fn why(&self) -> &'static str {
        "Connections open and then hang as soon as a full-sized packet is sent: TLS handshakes, image \
         pulls, database results. Small health checks pass. IPv6 routers never fragment, so IPv6 suffers most \
         if the ICMPv6 messages about it are dropped."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let families = || evidence.families();
        let links = families().flat_map(|family| at_narrow_links(evidence, family));
        let pods = families().filter_map(|family| in_family(evidence, family));
        let elsewhere = families().filter_map(|family| elsewhere(evidence, family));
        links.chain(pods).chain(elsewhere).collect()
    }
}

/// What IPv4 and UDP add to a datagram's text, in bytes; IPv6 adds more.
const HEADERS: u32 = 28;

/// Large packets that are lost at nodes whose own interface carries less than those of the others.
fn at_narrow_links(evidence: &Evidence<'_>, family: IpFamily) -> Vec<Found> {
    let narrow = proof::narrow_links(evidence.world.facts, family);
    if narrow.is_empty() {
        return Vec::new();
    }
    let mtu = |node: Option<&str>| {
        let link = narrow.iter().find(|link| Some(link.node) == node);
        link.map_or(narrow[0].others, |link| link.mtu)
    };
    let lost: Vec<&Probed<'_>> =
        evidence.of(family).filter(|probed| probed.large && probed.bad()).collect();
    // What is lost between equal ones has another reason, and most likely the rest has that, too.
    let alike = lost.iter().any(|probed| {
        let (from, to) =
            (probed.from(), probed.backend().or(probed.host_backend()).or(probed.at()));
        !probed.is_shared() && from.is_some() && from != to && mtu(from) == mtu(to)
    });
    if alike {
        return Vec::new();
    }
    narrow.iter().filter_map(|link| at_narrow_link(evidence, family, *link, &lost)).collect()
}

fn at_narrow_link(
    evidence: &Evidence<'_>,
    family: IpFamily,
    narrow: NarrowLink<'_>,
    lost: &[&Probed<'_>],
) -> Option<Found> {
    let NarrowLink { node, link, mtu, others } = narrow;
    let here = |probed: &Probed<'_>| {
        [probed.from(), probed.at(), probed.backend(), probed.host_backend()].contains(&Some(node))
    };
    let lost: Vec<&Probed<'_>> = lost.iter().copied().filter(|probed| here(probed)).collect();
    let first = lost.first()?;
    let small = evidence.touching(node, family).find(|probed| {
        !probed.large
            && probed.good()
            && probed.udp() == first.udp()
            && probed.probe.vantage == first.probe.vantage
            && probed.probe.aim == first.probe.aim
    })?;
    // A datagram's size is known, and that of a connection's packets is not.
    let too_large = lost.iter().any(|probed| match probed.probe.target {
        Target::Udp { size, .. } => size + HEADERS > mtu,
        _ => false,
    });
    let fact =
        format!("{link} of {node} has an MTU of {mtu}, and that of another node has {others}");
    let seen = lost.iter().take(2).copied().map(of_full_size);
    Some(Found {
        what: format!(
            "Full-sized {family} packets to and from node {node} are lost, small ones pass: its interface \
             {link} carries {mtu} bytes, those of other nodes up to {others}."
        ),
        confidence: if too_large { Confidence::Proved } else { Confidence::Likely },
        evidence: [fact].into_iter().chain(seen).chain([small.told()]).collect(),
        reproduce: vec![commands::on_node(node, &format!("ip link show {link}"))],
        fix: vec![
            format!(
                "If the network there carries {others} bytes, give {link} of {node} that MTU, in the node's \
                 network configuration and at once by `{}`.",
                commands::on_node_as_root(node, &format!("ip link set {link} mtu {others}"))
            ),
            format!(
                "If it carries no more than {mtu} bytes, set the interfaces of all nodes to that, and the pod \
                 network's MTU to that less its tunnel's header, and recreate the pods."
            ),
        ],
        probed: evidence.bad(|probed| {
            probed.family == family && probed.large && (here(probed) || probed.is_shared())
        }),
        ..Found::default()
    })
}

/// A probe of full size, for a list of evidence.
fn of_full_size(probed: &Probed<'_>) -> String {
    let what = match (&probed.probe.target, probed.udp()) {
        (_, true) => "a large datagram",
        (Target::Request { .. }, _) => "a large request",
        _ => "a large answer",
    };
    format!("{what} {}", probed.told())
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let narrow: Vec<(&str, &str, &Probed<'_>)> = evidence
        .of(family)
        .filter(|probed| probed.is_pod_path() && probed.large && probed.bad())
        .filter_map(|probed| {
            let small = evidence.pod_path(probed.from()?, probed.backend()?, family)?;
            let (sender, receiver) = direction(probed)?;
            small.good().then_some((receiver, sender, probed))
        })
        .collect();
    let &(from, to, example) = narrow.first()?;
    let mut paths: Vec<String> = Vec::new();
    for (from, to, _) in &narrow {
        let path = format!("{to} to {from}");
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let paths = words::list(paths);
    let icmp = match family {
        IpFamily::V4 => "ICMP type 3 code 4 (fragmentation needed)",
        IpFamily::V6 => "ICMPv6 type 2 (packet too big, RFC 4890)",
    };
    let ip = evidence.world.fixture.backend_on(to)?.address(family)?;
    Some(Found {
        what: format!(
            "Full-sized {family} packets are lost on the path from {paths}; small ones pass."
        ),
        evidence: [
            format!("small packets from {to} to {from} arrive"),
            format!("large ones: {}", example.seen()),
        ]
        .into_iter()
        .chain(sizes(evidence, family, to, from))
        .chain(proof::mtus(evidence.world.facts, &[from, to], family))
        .collect(),
        reproduce: vec![commands::on_node(from, "ip link"), commands::route(from, ip)],
        fix: vec![
            format!(
                "Set the pod network's MTU to what the {family} path between the nodes carries, less \
                 the tunnel's header, and create the pods again."
            ),
            format!("Let {icmp} through every firewall on the path."),
        ],
        probed: evidence.bad(|probed| {
            probed.large
                && probed.family == family
                && narrow.iter().any(|(from, to, _)| {
                    evidence.crosses(probed, to, from, false) || to_host(probed, from, to)
                })
        }),
        ..Found::default()
    })
}

/// Whether a pod on one of these nodes asks the host-network pod on the other: its packets take the same way, but
/// for the pod network around the server.
fn to_host(probed: &Probed<'_>, a: &str, b: &str) -> bool {
    let ends = (probed.from(), probed.host_backend());
    ends == (Some(a), Some(b)) || ends == (Some(b), Some(a))
}

/// Which way the full-sized packets of a probe go: from which node to which.
fn direction<'a>(probed: &Probed<'a>) -> Option<(&'a str, &'a str)> {
    let (from, to) = (probed.from()?, probed.backend()?);
    let request = matches!(probed.probe.target, Target::Request { .. });
    Some(if request { (from, to) } else { (to, from) })
}

/// The largest size that passed from one node to another and the smallest that didn't, as far as sizes
/// were tried.
fn sizes(evidence: &Evidence<'_>, family: IpFamily, from: &str, to: &str) -> Option<String> {
    let tried = evidence.of(family).filter(|probed| probed.is_pod_path());
    let sized: Vec<(u32, &Probed<'_>)> = tried
        .filter(|probed| direction(probed) == Some((from, to)))
        .filter_map(|probed| Some((message_size(evidence.world, probed.probe)?, probed)))
        .collect();
    let lost = sized.iter().filter(|(_, probed)| probed.bad()).map(|(size, _)| *size).min()?;
    let passed = sized.iter().filter(|(size, probed)| probed.good() && *size < lost);
    let passed = passed.map(|(size, _)| *size).max()?;
    Some(format!("{passed} bytes pass from {from} to {to}, {lost} bytes don't"))
}

/// Large answers that are lost on other ways than from pod to pod: between a node and clients outside,
/// or where a service proxy translates.
fn elsewhere(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let small: HashSet<(bool, &Vantage, &Aim)> = evidence
        .of(family)
        .filter(|probed| !probed.large && probed.good())
        .map(|probed| (probed.udp(), &probed.probe.vantage, &probed.probe.aim))
        .collect();
    let small_passes =
        |large: &Probed<'_>| small.contains(&(large.udp(), &large.probe.vantage, &large.probe.aim));
    let is_lost = |probed: &Probed<'_>| {
        if !probed.large || !probed.bad() {
            return false;
        }
        let pods_pass = match (probed.from(), probed.backend()) {
            (Some(from), Some(to)) => evidence.touching(from, family).any(|path| {
                path.is_pod_path()
                    && path.large
                    && path.good()
                    && path.from() == Some(from)
                    && path.backend() == Some(to)
            }),
            _ => true,
        };
        probed.family == family && !probed.is_pod_path() && pods_pass && small_passes(probed)
    };
    let lost: Vec<&Probed<'_>> = evidence.of(family).filter(|probed| is_lost(probed)).collect();
    let example = *lost.first()?;
    let address = example.probe.target.address()?;
    let node = example.at().or(example.from()).or(example.backend())?;
    let places: std::collections::BTreeSet<&str> =
        lost.iter().filter_map(|probed| probed.at().or(probed.from())).collect();
    let outside = lost.iter().all(|probed| probed.from().is_none());
    let places = words::list(places);
    Some(Found {
        what: if outside {
            format!(
                "Full-sized {family} packets are lost between {places} and clients outside; small ones \
                 pass."
            )
        } else {
            format!(
                "Full-sized {family} packets are lost at Services on {places}; small ones pass, and \
                 between pods large ones too."
            )
        },
        evidence: lost
            .iter()
            .take(3)
            .copied()
            .map(of_full_size)
            .collect(),
        reproduce: vec![commands::route(node, address.ip()), commands::on_node(node, "ip link")],
        fix: vec![
            format!(
                "Compare the MTU of every {family} link on the way, and look on {node} for rules that \
                 drop large packets."
            ),
            "Let the ICMP messages through that path MTU discovery needs (type 3 code 4; ICMPv6 type \
             2)."
                .to_owned(),
        ],
        probed: evidence.bad(is_lost),
        ..Found::default()
    })
}
