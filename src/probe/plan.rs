//! Which probes are carried out from where: each once, in batches by their source. Pure.

use std::collections::{BTreeMap, HashSet};

use super::{BACKEND_PORT, Probe, Target, Vantage};

/// A DNS pod's TCP port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DnsServer {
    /// The pod's namespace.
    pub(super) namespace: String,
    /// The pod's name.
    pub(super) pod: String,
    /// The port.
    pub(super) port: u16,
}

/// The probes by source, each list in the order in which they are begun: first those in which no
/// service proxy has a hand that might still be learning of our pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// From this machine.
    pub(super) outside: Vec<Probe>,
    /// From the busybox pod on a node.
    pub(super) pods: BTreeMap<String, Vec<Probe>>,
    /// From the host-network busybox pod on a node.
    pub(super) hosts: BTreeMap<String, Vec<Probe>>,
    /// Over a port-forward.
    pub(super) dns: BTreeMap<DnsServer, Vec<Probe>>,
}

impl Plan {
    /// Sorts probes by their source. Of equal ones, one is left.
    pub(super) fn new(probes: impl IntoIterator<Item = Probe>) -> Self {
        let mut plan = Self::default();
        let mut seen = HashSet::new();
        for probe in probes {
            if seen.insert(probe.clone()) {
                plan.batch(&probe.vantage).push(probe);
            }
        }
        let batches = plan.pods.values_mut().chain(plan.hosts.values_mut());
        batches.for_each(|batch| batch.sort_by_key(|probe| is_proxied(&probe.target)));
        plan
    }

    fn batch(&mut self, vantage: &Vantage) -> &mut Vec<Probe> {
        match vantage {
            Vantage::Outside => &mut self.outside,
            Vantage::Pod { node } => self.pods.entry(node.clone()).or_default(),
            Vantage::HostNetwork { node } => self.hosts.entry(node.clone()).or_default(),
            Vantage::DnsPod { namespace, pod, port } => {
                let (namespace, pod) = (namespace.clone(), pod.clone());
                self.dns.entry(DnsServer { namespace, pod, port: *port }).or_default()
            }
        }
    }
}

/// Whether a proxy must know our pods for a target to answer. The cluster's DNS it has long known.
const fn is_proxied(target: &Target) -> bool {
    match target {
        Target::Http { address, .. } => address.port() != BACKEND_PORT,
        Target::Tcp { .. } | Target::Dns { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Attempts;

    fn probe(vantage: Vantage, port: u16) -> Probe {
        let attempts = Attempts {
            timeout_ms: 1,
            patience_ms: 1,
            settle_ms: 0,
            distinct: 1,
            successes: 1,
            bound: 0,
        };
        Probe { vantage, target: Target::Tcp { address: ([10, 0, 0, 1], port).into() }, attempts }
    }

    #[test]
    fn equal_probes_are_carried_out_once_and_in_the_order_asked_for() {
        let n1 = || Vantage::Pod { node: "n1".to_owned() };
        let plan = Plan::new([probe(n1(), 2), probe(n1(), 1), probe(n1(), 2)]);
        assert_eq!(plan.pods["n1"], [probe(n1(), 2), probe(n1(), 1)]);
    }

    #[test]
    fn every_source_has_one_batch() {
        let pod = |node: &str| Vantage::Pod { node: node.to_owned() };
        let host = Vantage::HostNetwork { node: "n1".to_owned() };
        let dns = Vantage::DnsPod { namespace: "a".to_owned(), pod: "b".to_owned(), port: 53 };
        let all = [pod("n1"), pod("n2"), host, dns, Vantage::Outside];
        let plan = Plan::new((1..4).flat_map(|port| all.clone().map(|from| probe(from, port))));
        assert_eq!((plan.pods.len(), plan.hosts.len(), plan.dns.len()), (2, 1, 1));
        assert_eq!(plan.outside.len(), 3);
        assert!(plan.pods.values().chain(plan.dns.values()).all(|batch| batch.len() == 3));
    }
}
