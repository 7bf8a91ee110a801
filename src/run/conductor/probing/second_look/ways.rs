//! What the ways between pods themselves, without a Service, say of failures that may go away. Pure.

use std::collections::BTreeSet;

use crate::{
    check::World,
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Observation, Outcome, Probe, Target, Vantage},
};

/// From a node to the pod on a node.
type Way<'a> = (IpFamily, &'a str, &'a str);

/// Ways that are as they are however long one waits.
#[derive(Debug, Default)]
pub(super) struct Ways<'a> {
    /// Where nothing ever came back.
    dead: BTreeSet<Way<'a>>,
    /// Where an eighth of the datagrams and more is lost, but not all.
    lossy: BTreeSet<Way<'a>>,
}

impl<'a> Ways<'a> {
    pub(super) fn of(seen: impl Iterator<Item = (&'a Probe, &'a Observation)>) -> Self {
        let mut ways = Self::default();
        for (probe, observation) in seen {
            let (Vantage::Pod { node: from }, Aim::Backend { node: to }) =
                (&probe.vantage, &probe.aim)
            else {
                continue;
            };
            let way = (probe.family(), from.as_str(), to.as_str());
            let mut outcomes = observation.attempts.iter().map(|attempt| &attempt.outcome);
            if matches!(probe.target, Target::Loss { .. }) {
                if outcomes.any(loses) {
                    ways.lossy.insert(way);
                }
            } else if !probe.target.is_large()
                && observation.lost.is_none()
                && !outcomes.any(Outcome::proves_a_way)
            {
                ways.dead.insert(way);
            }
        }
        ways
    }

    /// Whether a Service's failure is that of a way which is dead without it, too: no proxy that is still to
    /// learn something will repair it. A healthy cluster has no such ways.
    pub(super) fn explain(&self, world: World<'_>, probe: &Probe) -> bool {
        let family = probe.family();
        if matches!(probe.aim.service(), None | Some(ServiceRole::HostBackend(_))) {
            return false;
        }
        let Some(sender) = sender(probe) else { return false };
        let is_dead = |from: &str, to: &str| self.dead.contains(&(family, from, to));
        // At a NodePort of another node the client's own way there and back counts, too.
        let client = match &probe.vantage {
            Vantage::Pod { node } => Some(node.as_str()),
            _ => None,
        };
        backends(world, probe).iter().any(|backend| is_dead(sender, backend))
            || client.is_some_and(|client| is_dead(client, sender) || is_dead(sender, client))
    }

    /// Whether packets of a probe may pass a way that loses some of them.
    pub(super) fn lose(&self, probe: &Probe) -> bool {
        let ends = [probe.vantage.node(), probe.aim.node(), probe.aim.backend()];
        let at = |node: &str| ends.contains(&Some(node));
        self.lossy.iter().any(|(family, from, to)| {
            // A Service of several backends, and DNS, lead anywhere.
            let anywhere = probe.aim.backend().is_none() && (at(from) || at(to));
            *family == probe.family() && ((at(from) && at(to)) || anywhere)
        })
    }
}

/// Whether luck has a part in when a probe is answered: whoever it is led to may be another one each time.
pub(super) fn leads_to_any(world: World<'_>, probe: &Probe) -> bool {
    match &probe.aim {
        Aim::DnsService | Aim::Name { .. } | Aim::Records { .. } | Aim::Pointer { .. } => {
            probe.vantage.node().is_some()
                && world.facts.cluster_dns.known().is_some_and(|dns| dns.pods.len() > 1)
        }
        _ => backends(world, probe).len() > 1,
    }
}

/// The node that sends what a probe asks for on to the backend.
fn sender(probe: &Probe) -> Option<&str> {
    match &probe.aim {
        Aim::NodePort { node, .. } => Some(node),
        Aim::ClusterIp { .. } => probe.vantage.node(),
        _ => None,
    }
}

/// The nodes of the backends of the Service that a probe is sent to.
fn backends(world: World<'_>, probe: &Probe) -> Vec<String> {
    let role = probe.aim.service();
    let service = role.and_then(|role| world.fixture.service(role));
    let backends = service.into_iter().flat_map(|it| world.fixture.backends_of(it, probe.family()));
    backends.map(|pod| pod.node.clone()).collect()
}

fn loses(outcome: &Outcome) -> bool {
    let Outcome::Counted { trains } = outcome else { return false };
    trains.iter().any(|train| train.answered > 0 && train.lost() * 8 >= train.sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::{Reading, State},
        lab::{Fault, Lab},
        net::IpFamily::{V4, V6},
        probe::ProbeTable,
    };

    fn observed(lab: &Lab) -> ProbeTable {
        lab.run().record.probes
    }

    fn ways(table: &ProbeTable) -> Ways<'_> {
        Ways::of(table.iter().filter_map(|(_, probe, seen)| Some((probe, seen?))))
    }

    /// Of a lab's failed probes at Services: how many a dead way explains, and how many none does.
    fn told(lab: &Lab) -> (usize, usize) {
        let table = observed(lab);
        let ways = ways(&table);
        let failed = table.iter().filter(|(_, probe, seen)| {
            let reading = Reading::of(lab.world(), probe, *seen);
            matches!(reading.state, State::Bad(_)) && sender(probe).is_some()
        });
        let (explained, others): (Vec<_>, Vec<_>) =
            failed.partition(|(_, probe, _)| ways.explain(lab.world(), probe));
        (explained.len(), others.len())
    }

    #[test]
    fn what_is_dead_between_pods_is_not_expected_of_a_proxy() {
        let (explained, others) =
            told(&Lab::dual().with(Fault::NoRoute { at: "n2", to: "n3", family: V6 }));
        assert!(explained > 10 && others == 0, "{explained} explained, {others} not");
    }

    #[test]
    fn what_only_services_lose_may_be_a_proxy_that_is_still_learning() {
        let (explained, others) =
            told(&Lab::dual().with(Fault::ClusterIpDropped { at: "n2", family: V6 }));
        assert!(explained == 0 && others > 5, "{explained} explained, {others} not");
    }

    #[test]
    fn a_healthy_cluster_has_no_way_that_explains_anything() {
        let table = observed(&Lab::dual().with_hosts());
        let ways = ways(&table);
        assert!(ways.dead.is_empty() && ways.lossy.is_empty(), "{ways:?}");
    }

    #[test]
    fn only_what_passes_a_lossy_way_is_late_for_it() {
        let lab = Lab::dual().with(Fault::Lossy { between: ["n2", "n3"], percent: 30, family: V6 });
        let table = observed(&lab);
        let ways = ways(&table);
        let probe = |from: &str, role: ServiceRole, family| {
            let mut all = table.iter().map(|(_, probe, _)| probe);
            let found = all.find(|probe| {
                probe.vantage == Vantage::Pod { node: from.to_owned() }
                    && probe.aim == Aim::ClusterIp { service: role.clone() }
                    && probe.family() == family
            });
            found.unwrap()
        };
        let backend = |node: &str| ServiceRole::Backend(node.to_owned());
        assert!(ways.lose(probe("n2", backend("n3"), V6)));
        assert!(ways.lose(probe("n2", ServiceRole::NodePort, V6)));
        assert!(!ways.lose(probe("n2", backend("n3"), V4)));
        assert!(!ways.lose(probe("n2", backend("n1"), V6)));
        assert!(leads_to_any(lab.world(), probe("n1", ServiceRole::NodePort, V6)));
        assert!(!leads_to_any(lab.world(), probe("n1", backend("n3"), V6)));
    }

    #[test]
    fn every_question_that_a_pod_puts_to_the_clusters_dns_may_meet_any_of_its_servers() {
        let lab = Lab::dual();
        let table = observed(&lab);
        let of_pods = || table.iter().filter(|(_, probe, _)| probe.vantage.node().is_some());
        let names = of_pods().filter(|(_, probe, _)| {
            matches!(
                probe.aim,
                Aim::DnsService | Aim::Name { .. } | Aim::Records { .. } | Aim::Pointer { .. }
            )
        });
        let names: Vec<_> = names.map(|(_, probe, _)| probe).collect();
        assert!(names.iter().any(|probe| matches!(probe.aim, Aim::Name { .. })));
        assert!(names.iter().all(|probe| leads_to_any(lab.world(), probe)));
        // A server's own address, or what is asked of the pod itself, leads to that one.
        let of_one = table.iter().filter(|(_, probe, _)| {
            matches!(probe.vantage, Vantage::DnsPod { .. })
                || matches!(probe.aim, Aim::DnsPod { .. })
        });
        assert!(of_one.into_iter().all(|(_, probe, _)| !leads_to_any(lab.world(), probe)));
    }
}
