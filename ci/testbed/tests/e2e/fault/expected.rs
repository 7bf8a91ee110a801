//! What a fault does to each path between the nodes' pods, Services, NodePorts and names.

use testbed::{fault::Fault, spec::Family};

use crate::probe::{Expect, Probe};

/// A node whose pods can't be asked anything while the fault lasts: kubelet is reached over IPv4.
pub(super) fn mute(fault: &Fault) -> Option<&str> {
    match fault {
        Fault::AddressLost(f) if f.family == Family::V4 => Some(&f.node),
        Fault::NeighboursDropped(f) if f.family == Family::V4 => Some(&f.node),
        Fault::NodeFrozen(f) => Some(&f.node),
        Fault::LinkDown(f) => Some(&f.node),
        _ => None,
    }
}

/// What a fault does to a probe.
pub(crate) fn expected(fault: &Fault, probe: &Probe) -> Expect {
    // The DNS service has a ClusterIP of IPv4 alone. Its servers may run on any node.
    let dns = |family: Family, broken: bool| {
        if family == Family::V4 && broken { Expect::Either } else { Expect::Works }
    };
    let failure = match (fault, probe) {
        (Fault::InternalIpMissing(f), Probe::InternalIp { node, family }) => {
            (&f.node, f.family) == (node, *family)
        }
        (Fault::PodAddressMissing(f), Probe::NewPod { node, family }) => {
            (&f.node, f.family) == (node, *family)
        }
        (Fault::ExternalTrafficLocal(f), Probe::NewPod { node, family }) => {
            (&f.node, f.family) == (node, *family)
        }
        (Fault::NodeCidrMissing(f), Probe::NewPod { node, family }) => {
            (&f.node, f.family) == (node, *family)
        }
        (Fault::NodeCidrMissing(f), Probe::NodePort { node, to, family }) => {
            // What comes by its own NodePorts has its own address.
            f.family == *family && *to == f.node && *node != f.node
        }
        (Fault::NodeCidrMissing(f), probe) => {
            return outcome(probe, f.family, &f.node, false, dns);
        }
        (Fault::NodePortDropped(f), Probe::NodePort { node, family, .. }) => {
            (&f.node, f.family) == (node, *family)
        }
        (Fault::NodePortRefused(f), Probe::NodePort { node, family, .. }) => {
            (&f.node, f.family) == (node, *family)
        }
        (Fault::NodePortAddresses(f), Probe::NodePort { family, .. }) => f.family == *family,
        (Fault::ClusterIpDropped(f), Probe::ClusterIp { from, family, .. }) => {
            (&f.node, f.family) == (from, *family)
        }
        (Fault::ClusterIpDropped(f), Probe::Dns { from, .. }) => {
            (&f.node, f.family) == (from, Family::V4)
        }
        (Fault::RulesFlushed(f), Probe::ClusterIp { from, family, .. }) => {
            (&f.node, f.family) == (from, *family)
        }
        (Fault::RulesFlushed(f), Probe::NodePort { node, family, .. }) => {
            (&f.node, f.family) == (node, *family)
        }
        (Fault::RulesFlushed(f), Probe::Dns { from, .. }) => {
            (&f.node, f.family) == (from, Family::V4)
        }
        (
            Fault::RouteMissing(f),
            Probe::Pod { from, to, family } | Probe::ClusterIp { from, to, family },
        ) => f.family == *family && between([&f.node, &f.to], from, to),
        (
            Fault::RoutesMissing(f),
            Probe::Pod { from, to, family } | Probe::ClusterIp { from, to, family },
        ) => f.family == *family && between([&f.node, &f.to], from, to),
        (Fault::RouteMissing(f), Probe::NodePort { node, to, family }) => {
            // The other way round the answer goes to the node itself, which needs no such route.
            (&f.node, &f.to, f.family) == (node, to, *family)
        }
        (Fault::RoutesMissing(f), Probe::NodePort { node, to, family }) => {
            f.family == *family && between([&f.node, &f.to], node, to)
        }
        (Fault::RouteMissing(f), Probe::Dns { from, .. }) => {
            return dns(f.family, [&f.node, &f.to].contains(&from));
        }
        (Fault::RoutesMissing(f), Probe::Dns { from, .. }) => {
            return dns(f.family, [&f.node, &f.to].contains(&from));
        }
        (Fault::ForwardingOff(f), probe) => {
            return outcome(probe, f.family, &f.node, true, dns);
        }
        (Fault::AddressLost(f), probe) => return outcome(probe, f.family, &f.node, false, dns),
        (Fault::NeighboursDropped(f), probe) => {
            return outcome(probe, f.family, &f.node, false, dns);
        }
        (Fault::AddressDuplicate(f), probe) => {
            return outcome(probe, Family::V6, &f.node, false, dns);
        }
        (Fault::LinkDown(f), probe) => {
            let [v4, v6] =
                [Family::V4, Family::V6].map(|family| outcome(probe, family, &f.node, false, dns));
            return if v4 == Expect::Works { v6 } else { v4 };
        }
        (Fault::NodeFrozen(f), Probe::Pod { to, .. } | Probe::ClusterIp { to, .. }) => {
            f.node == *to
        }
        // Its kernel forwards on.
        (Fault::NodeFrozen(f), Probe::NodePort { to, .. }) => f.node == *to,
        (Fault::NodeFrozen(_), Probe::Dns { .. }) => return Expect::Either,
        (
            Fault::PodDropped(f),
            Probe::Pod { to, family, .. }
            | Probe::ClusterIp { to, family, .. }
            | Probe::NodePort { to, family, .. },
        ) => (&f.node, f.family) == (to, *family),
        (Fault::DnsRecordMissing(f), Probe::Dns { family, .. }) => f.family == *family,
        (Fault::DnsFamilyRefused(f), Probe::Dns { .. }) => f.family == Family::V4,
        (Fault::DnsDown(_), Probe::Dns { .. }) => true,
        (Fault::DnsSlow(_), Probe::Dns { .. }) => return Expect::Either,
        _ => false,
    };
    Expect::failure_if(failure)
}

/// What comes of a probe where nothing of a family gets into a node or out of it; `within` says
/// whether its pods don't reach each other either.
fn outcome(
    probe: &Probe,
    broken: Family,
    cut: &str,
    within: bool,
    dns: impl Fn(Family, bool) -> Expect,
) -> Expect {
    match probe {
        Probe::Pod { from, to, family } | Probe::ClusterIp { from, to, family } => {
            let (leaves, enters) = (from == cut, to == cut);
            let crosses = leaves != enters || (within && leaves);
            Expect::failure_if(*family == broken && crosses)
        }
        Probe::NodePort { node, to, family } => {
            Expect::failure_if(*family == broken && (node == cut || to == cut))
        }
        Probe::Dns { .. } => dns(broken, true),
        Probe::InternalIp { .. } | Probe::NewPod { .. } => Expect::Works,
    }
}

/// Whether a path leads from the one to the other, in whichever direction.
fn between(pair: [&String; 2], from: &String, to: &String) -> bool {
    pair == [from, to] || pair == [to, from]
}
