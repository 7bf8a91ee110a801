//! What Services ask for beyond a backend (affinity, local traffic, refusals), which address a backend
//! sees, and which packets are too large for a path.

use std::net::IpAddr;

use super::{Fault, Lab, each, filters, filters::Way};
use crate::{
    fixture::{Service, ServiceRole},
    net::IpFamily::{self, V4, V6},
    probe::{Aim, Outcome, Probe, Vantage},
};

/// The largest request or answer that passes a narrow path.
const NARROW: u32 = 1_300;

/// What stands before the payload of an answer, in bytes.
const HEAD: u32 = 230;

/// Whether an answer with so much payload is lost on a narrow path.
pub(super) const fn too_large(payload: u32) -> bool {
    payload > 0 && payload + HEAD > NARROW
}

fn has(
    lab: &Lab,
    is: impl Fn(&Fault) -> Option<(&'static str, IpFamily)>,
    here: (&str, IpFamily),
) -> bool {
    lab.faults.iter().filter_map(is).any(|(at, family)| (at, family) == here)
}

/// The node whose proxy translates: that of the address where there is one, else the client's.
fn proxy<'a>(probe: &'a Probe, from: Option<&'a str>) -> &'a str {
    probe.aim.node().or(from).unwrap_or_default()
}

/// Which of the backends behind a Service is picked, as a turn.
pub(super) fn turn(
    lab: &Lab,
    service: &Service,
    probe: &Probe,
    from: Option<&str>,
    turn: usize,
) -> usize {
    let here = (proxy(probe, from), probe.family());
    let off = has(
        lab,
        |fault| match fault {
            Fault::AffinityOff { at, family } => Some((*at, *family)),
            _ => None,
        },
        here,
    );
    if service.role != ServiceRole::SessionAffinity || off {
        return turn;
    }
    // Each client keeps to one of its own.
    from.unwrap_or_default().bytes().map(usize::from).sum()
}

/// Whether the proxy knows no backends of a Service.
pub(super) fn unknown(
    lab: &Lab,
    service: Option<&Service>,
    probe: &Probe,
    from: Option<&str>,
) -> bool {
    let here = (proxy(probe, from), probe.family());
    service.is_some_and(|service| service.role.is_manual())
        && has(
            lab,
            |fault| match fault {
                Fault::ManualIgnored { at, family } => Some((*at, *family)),
                _ => None,
            },
            here,
        )
}

/// What comes of a connection to a Service without endpoints.
pub(super) fn rejected(lab: &Lab, probe: &Probe, from: &str) -> Outcome {
    let silent = has(
        lab,
        |fault| match fault {
            Fault::RejectDropped { at, family } => Some((*at, *family)),
            _ => None,
        },
        (from, probe.family()),
    );
    if silent { Outcome::TimedOut } else { Outcome::Rejected }
}

/// Whether the proxy sends what must stay on its node to another one.
pub(super) fn local_ignored(lab: &Lab, probe: &Probe, from: Option<&str>) -> bool {
    has(
        lab,
        |fault| match fault {
            Fault::LocalIgnored { at, family } => Some((*at, *family)),
            _ => None,
        },
        (proxy(probe, from), probe.family()),
    )
}

/// What becomes of a long request to a backend on a node, where the path there is narrow.
pub(super) fn narrow_request(
    lab: &Lab,
    probe: &Probe,
    from: Option<&str>,
    size: u32,
) -> Option<Outcome> {
    let narrow = lab.faults.iter().any(|fault| match fault {
        Fault::Narrow { from: at, to, family } => {
            *family == probe.family() && from == Some(*at) && probe.aim.backend() == Some(*to)
        }
        _ => false,
    });
    (narrow && size > NARROW).then_some(Outcome::TimedOut)
}

/// The address that the backend sees.
pub(super) fn client(lab: &Lab, way: &Way<'_>) -> IpAddr {
    let family = way.probe.family();
    let pod = way.from.filter(|_| matches!(way.probe.vantage, Vantage::Pod { .. }));
    let own = pod.and_then(|from| lab.fixture.probe_on(from)?.address(family));
    let bridge = |node: &str| {
        let i = node.trim_start_matches('n');
        each(&[family], |family| match family {
            V4 => format!("10.244.{i}.1"),
            V6 => format!("fd00:10:244:{i}::1"),
        })[0]
    };
    let outside = each(&[family], |family| match family {
        V4 => "192.0.2.9".to_owned(),
        V6 => "2001:db8::9".to_owned(),
    })[0];
    let (from, to) = (way.from, way.to);
    let translated = || {
        has(
            lab,
            |fault| match fault {
                Fault::ClusterIpMasqueraded { at, family } => Some((*at, *family)),
                _ => None,
            },
            (from.unwrap_or_default(), family),
        )
    };
    let masqueraded = filters::masquerades(lab, way.probe, from, to);
    match (&way.probe.aim, way.service) {
        (Aim::NodePort { node, .. }, Some(ServiceRole::Local(_))) => {
            let lost = has(
                lab,
                |fault| match fault {
                    Fault::SourceLost { at, family } => Some((*at, *family)),
                    _ => None,
                },
                (node, family),
            );
            if lost { bridge(node) } else { own.unwrap_or(outside) }
        }
        (Aim::Backend { .. } | Aim::ClusterIp { .. }, service) => match own {
            Some(own) if !(masqueraded || service.is_some() && translated()) => own,
            _ => super::node_ip(9, family),
        },
        _ => super::node_ip(9, family),
    }
}
