//! `path_mtu`: small packets pass, large ones don't.

use std::collections::HashSet;

use super::{CauseRule, Evidence, Found, evidence::Probed, proof};
use crate::{
    check::{commands, words},
    net::IpFamily,
    probe::{Aim, Vantage},
};

#[derive(Debug)]
pub(super) struct PathMtu;

impl CauseRule for PathMtu {
    fn id(&self) -> &'static str {
        "path_mtu"
    }

    fn why(&self) -> &'static str {
        "Connections open and then hang as soon as a full-sized packet is sent: TLS handshakes, image \
         pulls, database results. Small health checks stay green. IPv6 routers never fragment, so the \
         family suffers most where the message that says so is dropped."
    }

    fn find(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let families = || evidence.families();
        let pods = families().filter_map(|family| find(evidence, family));
        pods.chain(families().filter_map(|family| elsewhere(evidence, family))).collect()
    }
}

fn find(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let narrow: Vec<(&str, &str, &Probed<'_>)> = evidence
        .of(family)
        .filter(|probed| probed.is_pod_path() && probed.large && probed.bad())
        .filter_map(|probed| {
            let (from, to) = (probed.from()?, probed.backend()?);
            let small = evidence.pod_path(from, to, family)?;
            small.good().then_some((from, to, probed))
        })
        .collect();
    let &(from, to, example) = narrow.first()?;
    let paths = words::list(narrow.iter().map(|(from, to, _)| format!("{to} to {from}")));
    let icmp = match family {
        IpFamily::V4 => "ICMP type 3 code 4 (fragmentation needed)",
        IpFamily::V6 => "ICMPv6 type 2 (packet too big, RFC 4890)",
    };
    let ip = evidence.world.fixture.backend_on(to)?.address(family)?;
    Some(Found {
        what: format!(
            "Full-sized {family} packets are lost on the way from {paths}; small ones pass."
        ),
        evidence: [
            format!("a small answer from {to} to {from} arrives"),
            format!("a large one: {}", example.seen()),
        ]
        .into_iter()
        .chain(proof::mtus(evidence.world.facts, &[from, to], family))
        .collect(),
        reproduce: vec![commands::on_node(from, "ip link"), commands::route(from, ip)],
        fix: vec![
            format!(
                "Set the pod network's MTU to what the {family} path between the nodes carries, less \
                 the tunnel's header, and make the pods anew."
            ),
            format!("Let {icmp} through every firewall on the path."),
        ],
        probed: evidence.bad(|probed| {
            probed.large
                && probed.family == family
                && narrow.iter().any(|(from, to, _)| evidence.crosses(probed, to, from, false))
        }),
        ..Found::default()
    })
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
            .map(|probed| {
                let to = &probed.probe.target;
                format!("a large answer {} at {to}: {}", probed.origin, probed.seen())
            })
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
