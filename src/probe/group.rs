//! Which probes from one place are likely held up together. Pure.

use std::collections::HashMap;

use super::{Aim, Probe, Target};
use crate::net::IpFamily;

/// What probes of a group have in common. One that spent its whole time in vain makes it likely that
/// the others will, and decides nothing for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct GroupKey<'p> {
    family: IpFamily,
    datagrams: bool,
    over: Via<'p>,
    /// Within how long one of them has spent its whole time, in milliseconds.
    whole: (u32, u32),
}

/// What a probe's packets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Via<'p> {
    /// A pod's own address.
    Pod(&'p str),
    /// ClusterIPs, to the backend on a node or to any.
    ClusterIp(Option<&'p str>),
    /// The NodePorts of a node.
    NodePort(&'p str),
    /// Anything else.
    Other(&'p Aim),
}

/// The groups of the probes of a batch.
#[derive(Debug, Default)]
pub(super) struct Groups<'p>(HashMap<GroupKey<'p>, usize>);

impl<'p> Groups<'p> {
    /// The number of a probe's group; 0 for none.
    pub(super) fn number(&mut self, probe: &'p Probe) -> usize {
        let next = self.0.len() + 1;
        way(probe).map_or(0, |way| *self.0.entry(way).or_insert(next))
    }
}

/// `None` for a probe that is concluded from its own whole time alone: where there is none after the
/// first attempt, and where a brief attempt would tell too little.
fn way(probe: &Probe) -> Option<GroupKey<'_>> {
    let attempts = probe.attempts;
    let alone = matches!(
        probe.target,
        Target::Dns { .. }
            | Target::Pointer { .. }
            | Target::DnsServer { .. }
            | Target::Loss { .. }
            | Target::Proxied { .. }
    );
    // What a policy, or another backend, does to one probe is not what it does to another.
    let guarded = matches!(probe.aim, Aim::Guarded { .. } | Aim::Changing { .. });
    if alone || guarded || attempts.settle_ms == 0 {
        return None;
    }
    let over = match &probe.aim {
        Aim::Backend { node } => Via::Pod(node),
        Aim::ClusterIp { .. } => Via::ClusterIp(probe.aim.backend()),
        Aim::NodePort { node, .. } => Via::NodePort(node),
        other => Via::Other(other),
    };
    Some(GroupKey {
        family: probe.family(),
        datagrams: probe.target.is_udp(),
        over,
        whole: (attempts.timeout_ms, attempts.settle_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::ServiceRole,
        probe::{Attempts, Vantage},
    };

    const ATTEMPTS: Attempts = Attempts {
        timeout_ms: 3000,
        patience_ms: 500,
        settle_ms: 6000,
        distinct: 1,
        successes: 2,
        bound: 1,
    };

    fn probe(aim: Aim, target: Target) -> Probe {
        let vantage = Vantage::Pod { node: "n1".to_owned() };
        Probe { vantage, aim, target, attempts: ATTEMPTS }
    }

    fn http(aim: Aim, address: &str) -> Probe {
        probe(aim, Target::Http { address: address.parse().unwrap(), payload: 0 })
    }

    fn numbers(probes: &[Probe]) -> Vec<usize> {
        let mut groups = Groups::default();
        probes.iter().map(|probe| groups.number(probe)).collect()
    }

    #[test]
    fn what_passes_the_same_way_is_one_group_and_families_and_datagrams_have_their_own() {
        let n2 = || "n2".to_owned();
        let port = |service| Aim::NodePort { node: n2(), service };
        let udp = Target::Udp { address: "[fd00::2]:30001".parse().unwrap(), size: 1 };
        let probes = [
            http(Aim::Backend { node: n2() }, "[fd00:1::2]:80"),
            http(port(ServiceRole::NodePort), "[fd00::2]:30001"),
            http(port(ServiceRole::Backend(n2())), "[fd00::2]:30002"),
            http(port(ServiceRole::NodePort), "10.0.0.2:30001"),
            probe(port(ServiceRole::NodePort), udp),
            http(Aim::ClusterIp { service: ServiceRole::Backend(n2()) }, "[fd00:2::1]:80"),
            http(Aim::ClusterIp { service: ServiceRole::Local(n2()) }, "[fd00:2::2]:80"),
            http(Aim::ClusterIp { service: ServiceRole::NodePort }, "[fd00:2::3]:80"),
        ];
        assert_eq!(numbers(&probes), [1, 2, 2, 3, 4, 5, 5, 6]);
    }

    #[test]
    fn names_losses_and_what_is_tried_once_are_in_no_group() {
        let backend = || Aim::Backend { node: "n2".to_owned() };
        let once = Attempts { settle_ms: 0, ..ATTEMPTS };
        let name = Target::Dns { name: "a.".to_owned(), family: IpFamily::V6 };
        let loss = Target::Loss { address: "10.0.0.1:80".parse().unwrap() };
        let probes = [
            probe(Aim::Records { service: ServiceRole::NodePort }, name),
            probe(backend(), loss),
            Probe { attempts: once, ..http(backend(), "10.0.0.1:80") },
        ];
        assert_eq!(numbers(&probes), [0, 0, 0]);
    }
}
