//! The way from the lab's pods and nodes to the machine outside.

use std::{collections::BTreeMap, net::SocketAddr};

use super::{Fault, Lab, ip};
use crate::{
    fixture::{Destination, listener_name},
    net::IpFamily::{self, V4, V6},
    probe::{Answer, Outcome, Probe, Vantage},
};

/// What pods connect to in each of the families.
pub(super) fn destinations(
    faults: &[Fault],
    families: impl Iterator<Item = IpFamily>,
) -> BTreeMap<IpFamily, Destination> {
    families
        .map(|family| {
            let no_way = |fault: &Fault| matches!(fault, Fault::NoWayOutside { family: of } if *of == family);
            let destination = if faults.iter().any(no_way) {
                let reason = format!("this machine has no {family} way to the nodes");
                Destination::Missing { reason }
            } else {
                let address = ip(match family {
                    V4 => "192.168.255.9",
                    V6 => "fd00:192:168:ff::9",
                });
                Destination::Listener { address: SocketAddr::new(address, 40_123) }
            };
            (family, destination)
        })
        .collect()
}

/// What comes of a connection from a node to the machine outside.
pub(super) fn outcome(lab: &Lab, probe: &Probe, from: &str) -> Outcome {
    let family = probe.family();
    let is_pod = matches!(probe.vantage, Vantage::Pod { .. });
    let lost = lab.faults.iter().any(|fault| match fault {
        Fault::NoWayBack => true,
        Fault::HostEgressDropped { family: of } => !is_pod && *of == family,
        Fault::CutOff { node: on, family: of } => *of == family && *on == from,
        Fault::EgressDropped { at: on, family: of }
        | Fault::NotForwarding { on, family: of }
        | Fault::OwnRoutesMissing { on, family: of }
        | Fault::ForwardDropped { on, family: of } => is_pod && *of == family && *on == from,
        _ => false,
    });
    if lost {
        return Outcome::TimedOut;
    }
    let pod = lab.fixture.probe_on(from).and_then(|pod| pod.address(family));
    let node = lab.facts.node(from).and_then(|node| node.internal_ips(family).next());
    let Some(own) = node.or(pod) else { return Outcome::TimedOut };
    let client = lab.faults.iter().find_map(|fault| match fault {
        Fault::EgressRouted { family: of } if *of == family && is_pod => pod,
        Fault::EgressTranslated { family: of } if *of == family => Some(ip(match family {
            V4 => "203.0.113.7",
            V6 => "2001:db8::7",
        })),
        _ => None,
    });
    Outcome::Answered(Answer {
        pod: listener_name(&lab.fixture.run),
        server: probe.target.address().unwrap().ip(),
        client: client.unwrap_or(own),
        payload: 0,
    })
}
