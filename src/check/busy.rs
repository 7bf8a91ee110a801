//! Machines that were too busy for a time-out to tell anything of the network.

use std::collections::BTreeSet;

use super::{Kind, Reading, State, World};
use crate::{
    facts::{Facts, Node},
    fixture::few,
    probe::{Aim, Observation, Probe, ProbeTable, Vantage, began_late, held_up},
};

/// Which machines were kept from their work.
#[derive(Debug, Default)]
pub(crate) struct Busy<'a> {
    /// Where whole attempts were stopped much too late.
    held_up: Places<'a>,
    /// Where those or first attempts were.
    late: Places<'a>,
    /// How late the latest of the whole attempts was.
    longest_ms: u32,
}

#[derive(Debug, Default)]
struct Places<'a> {
    nodes: BTreeSet<&'a str>,
    runner: bool,
}

impl<'a> Busy<'a> {
    /// What a run's attempts show. Where a node shares its kernel with others, they are all as busy.
    pub(crate) fn of(facts: &'a Facts, probes: &'a ProbeTable) -> Self {
        let mut busy = Self::default();
        for (_, probe, observation) in probes.iter() {
            let Some(seen) = observation else { continue };
            if let Some(overrun) = held_up(probe, seen) {
                busy.held_up.add(&probe.vantage);
                busy.late.add(&probe.vantage);
                if busy.held_up.has(&probe.vantage) {
                    busy.longest_ms = busy.longest_ms.max(overrun);
                }
            } else if began_late(probe, seen).is_some() {
                busy.late.add(&probe.vantage);
            }
        }
        busy.held_up.add_neighbours(facts);
        busy.late.add_neighbours(facts);
        busy
    }

    /// Whether nowhere.
    pub(crate) fn is_empty(&self) -> bool {
        self.late.nodes.is_empty() && !self.late.runner
    }

    /// What was observed of a probe, where a time-out that such a machine explains is not known to be one.
    pub(crate) fn read<'r>(
        &self,
        world: World<'r>,
        probe: &'r Probe,
        observation: Option<&'r Observation>,
    ) -> Reading<'r> {
        let mut reading = Reading::of(world, probe, observation);
        if self.explains(world, &reading) {
            reading.state = State::Unknown(self.reason());
        }
        if self.excuses(world, &reading) {
            reading.state = State::Good;
        }
        reading
    }

    /// Whether a probe is in doubt only for one attempt that ran out of time between answers, and such a
    /// machine explains that. It answered as often afterwards as shows that nothing else does: packets that
    /// are lost, or a backend that is gone, would have been met again.
    pub(crate) fn excuses(&self, world: World<'_>, reading: &Reading<'_>) -> bool {
        reading.stumbled && self.late.touch(world, reading.probe)
    }

    /// Whether a probe failed by a silence that such a machine explains: at its source, or where the
    /// answer was to come from. A path that stayed silent when it was tried once more has no such excuse.
    pub(crate) fn explains(&self, world: World<'_>, reading: &Reading<'_>) -> bool {
        let State::Bad(symptom) = &reading.state else { return false };
        let answered = reading.settling < reading.attempts.len();
        let last = reading.attempts.last();
        let silent = match symptom.kind {
            Kind::TimedOut => true,
            Kind::DnsFailure => last.is_some_and(|attempt| attempt.outcome.is_silence()),
            // Who is too busy doesn't answer ARP and neighbour solicitations in time, either.
            Kind::Unreachable => answered && reading.answers_again(),
            _ => false,
        };
        let tried_again = world.fixture.looked_again && reading.probe.can_be_repeated();
        silent && (answered || !tried_again) && self.held_up.touch(world, reading.probe)
    }

    /// Why a case is inconclusive for it.
    pub(crate) fn reason(&self) -> String {
        let tenths = self.longest_ms / 100;
        format!(
            "{} too busy for a time-out to mean anything: an attempt ended up to {}.{} s after its time; \
             run again when there is less to do",
            self.held_up.who(),
            tenths / 10,
            tenths % 10
        )
    }

    /// What is to be said of a case that passed though an attempt ran out of time for it.
    pub(crate) fn excuse(&self) -> String {
        format!("timed out once while {} busy", self.late.who())
    }
}

impl<'a> Places<'a> {
    /// Adds where a probe was tried from, where that is a machine that the run knows.
    fn add(&mut self, vantage: &'a Vantage) {
        match vantage {
            Vantage::Outside => self.runner = true,
            Vantage::Pod { node } | Vantage::HostNetwork { node } | Vantage::Guarded { node } => {
                self.nodes.insert(node);
            }
            Vantage::ApiServer | Vantage::DnsPod { .. } => {}
        }
    }

    fn has(&self, vantage: &Vantage) -> bool {
        match vantage {
            Vantage::Outside => self.runner,
            Vantage::Pod { node } | Vantage::HostNetwork { node } | Vantage::Guarded { node } => {
                self.nodes.contains(node.as_str())
            }
            Vantage::ApiServer | Vantage::DnsPod { .. } => false,
        }
    }

    /// Adds the nodes that share a kernel with one of these.
    fn add_neighbours(&mut self, facts: &'a Facts) {
        let all = || facts.nodes.known().into_iter().flatten();
        let kernel = |node: &'a Node| node.same_kernel_as.as_deref().unwrap_or(&node.name);
        let of_these = all().filter(|node| self.nodes.contains(node.name.as_str()));
        let kernels: BTreeSet<&str> = of_these.map(kernel).collect();
        let beside = all().filter(|node| kernels.contains(kernel(node)));
        self.nodes.extend(beside.map(|node| node.name.as_str()));
    }

    /// Whether one of them has to do with a probe: where it was tried, or where the answer was to come from.
    fn touch(&self, world: World<'_>, probe: &Probe) -> bool {
        let is = |node: &str| self.nodes.contains(node);
        let from = self.has(&probe.vantage);
        let any_backend = || world.fixture.backends.iter().any(|backend| is(&backend.node));
        let to = match &probe.aim {
            Aim::Backend { node }
            | Aim::HostBackend { node }
            | Aim::Node { node }
            | Aim::ProxyHealth { node, .. }
            | Aim::Guarded { node, .. } => is(node),
            Aim::ClusterIp { .. }
            | Aim::NodePort { .. }
            | Aim::LoadBalancer { .. }
            | Aim::Proxied { .. } => {
                probe.aim.node().is_some_and(is) || probe.aim.backend().map_or_else(any_backend, is)
            }
            Aim::Changing { .. } => any_backend(),
            Aim::DnsPod { node, .. } | Aim::TargetEndpoint { node, .. } => {
                node.as_deref().is_some_and(is)
            }
            Aim::DnsService | Aim::Forwarded { .. } | Aim::Pointer { .. } | Aim::Records { .. } => {
                let pods = world.facts.cluster_dns.known().into_iter().flat_map(|dns| &dns.pods);
                pods.filter_map(|pod| pod.node.as_deref()).any(is)
            }
            Aim::KubernetesService
            | Aim::Outside
            | Aim::TargetIp { .. }
            | Aim::TargetRecords { .. } => false,
        };
        from || to
    }

    fn who(&self) -> String {
        let mut places: Vec<&str> = self.nodes.iter().copied().collect();
        if self.runner {
            places.push("this machine");
        }
        let were = if places.len() == 1 { "was" } else { "were" };
        format!("{} {were}", few(places))
    }
}
