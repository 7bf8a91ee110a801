//! Which probes are carried out from where: in batches by their source. Pure.

use std::collections::BTreeMap;

use tokio::sync::mpsc::UnboundedSender;

use super::{Observation, Probe, ProbeId, Vantage};
use crate::fixture::ServiceRole;

/// Where observations are sent as soon as they are made, with their probe's id.
pub type Sink = UnboundedSender<(ProbeId, Observation)>;

/// Probes that start at one place, with their ids.
pub(super) type Batch = Vec<(ProbeId, Probe)>;

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

/// The probes by source, each list in the order in which they are begun: first those that want to be
/// refused, for a kernel sends a pod only some six refusals at once and then one a second
/// (`icmp_ratelimit`); then those in which no service proxy has a hand that might still be learning
/// of our pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// From this machine.
    pub(super) outside: Batch,
    /// By the API server.
    pub(super) api_server: Batch,
    /// From the busybox pod on a node.
    pub(super) pods: BTreeMap<String, Batch>,
    /// From the host-network busybox pod on a node.
    pub(super) hosts: BTreeMap<String, Batch>,
    /// From the guarded busybox pod on a node.
    pub(super) guarded: BTreeMap<String, Batch>,
    /// Over a port-forward.
    pub(super) dns: BTreeMap<DnsServer, Batch>,
}

impl Plan {
    /// Sorts probes by their source.
    pub(super) fn new(probes: impl IntoIterator<Item = (ProbeId, Probe)>) -> Self {
        let mut plan = Self::default();
        for (id, probe) in probes {
            plan.batch(&probe.vantage).push((id, probe));
        }
        let own = plan.pods.values_mut().chain(plan.hosts.values_mut());
        let batches = own.chain(plan.guarded.values_mut());
        batches.for_each(|batch| {
            batch.sort_by_key(|(_, probe)| {
                let refused = probe.aim.service() == Some(&ServiceRole::NoEndpoints);
                (!refused, probe.aim.needs_proxy())
            });
        });
        plan
    }

    fn batch(&mut self, vantage: &Vantage) -> &mut Batch {
        match vantage {
            Vantage::Outside => &mut self.outside,
            Vantage::ApiServer => &mut self.api_server,
            Vantage::Pod { node } => self.pods.entry(node.clone()).or_default(),
            Vantage::HostNetwork { node } => self.hosts.entry(node.clone()).or_default(),
            Vantage::Guarded { node } => self.guarded.entry(node.clone()).or_default(),
            Vantage::DnsPod { namespace, pod, port } => {
                let (namespace, pod) = (namespace.clone(), pod.clone());
                self.dns.entry(DnsServer { namespace, pod, port: *port }).or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Aim, Attempts, ProbeTable, Target};

    fn probe(vantage: Vantage, aim: Aim, port: u16) -> Probe {
        let attempts = Attempts {
            timeout_ms: 1,
            patience_ms: 1,
            settle_ms: 0,
            distinct: 1,
            successes: 1,
            bound: 0,
        };
        let target = Target::Tcp { address: ([10, 0, 0, 1], port).into() };
        Probe { vantage, aim, target, attempts }
    }

    fn plan(probes: impl IntoIterator<Item = Probe>) -> Plan {
        let mut table = ProbeTable::default();
        Plan::new(probes.into_iter().map(|probe| (table.add(probe.clone()), probe)))
    }

    #[test]
    fn refusals_then_what_no_proxy_carries_are_tried_first_and_the_rest_in_the_order_asked_for() {
        let n1 = || Vantage::Pod { node: "n1".to_owned() };
        let service = Aim::ClusterIp { service: ServiceRole::Default };
        let refusing = Aim::ClusterIp { service: ServiceRole::NoEndpoints };
        let backend = Aim::Backend { node: "n2".to_owned() };
        let aims = [&service, &backend, &backend, &service, &refusing];
        let plan = plan((1..).zip(aims).map(|(port, aim)| probe(n1(), aim.clone(), port)));
        let ports: Vec<u16> = plan.pods["n1"]
            .iter()
            .filter_map(|(_, probe)| probe.target.address())
            .map(|address| address.port())
            .collect();
        assert_eq!(ports, [5, 2, 3, 1, 4]);
    }

    #[test]
    fn every_source_has_one_batch() {
        let pod = |node: &str| Vantage::Pod { node: node.to_owned() };
        let host = Vantage::HostNetwork { node: "n1".to_owned() };
        let dns = Vantage::DnsPod { namespace: "a".to_owned(), pod: "b".to_owned(), port: 53 };
        let all = [pod("n1"), pod("n2"), host, dns, Vantage::Outside];
        let aim = || Aim::Node { node: "n1".to_owned() };
        let plan = plan((1..4).flat_map(|port| all.clone().map(|from| probe(from, aim(), port))));
        assert_eq!((plan.pods.len(), plan.hosts.len(), plan.dns.len()), (2, 1, 1));
        assert_eq!(plan.outside.len(), 3);
        assert!(plan.pods.values().chain(plan.dns.values()).all(|batch| batch.len() == 3));
    }
}
