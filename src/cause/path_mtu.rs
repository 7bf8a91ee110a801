//! `path_mtu`: small packets pass, large ones don't.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{commands, words},
    net::IpFamily,
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
        evidence.families().filter_map(|family| find(evidence, family)).collect()
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
        evidence: vec![
            format!("a small answer from {to} to {from} arrives"),
            format!("a large one: {}", example.seen()),
        ],
        reproduce: vec![commands::on_node(from, "ip link"), commands::route(from, ip)],
        fix: vec![
            format!(
                "Set the pod network's MTU to what the {family} path between the nodes carries, less \
                 the tunnel's header, and make the pods anew."
            ),
            format!("Let {icmp} through every firewall on the path."),
        ],
        probed: evidence.bad(|probed| {
            probed.large && narrow.iter().any(|(_, _, narrow)| narrow.probe == probed.probe)
        }),
        ..Found::default()
    })
}
