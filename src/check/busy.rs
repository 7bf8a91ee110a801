//! Machines that were too busy for a time-out to tell anything of the network, and DNS servers that had yet to
//! learn what they were asked for.

use std::collections::BTreeSet;

use super::{Kind, Reading, State, World};
use crate::{
    facts::{Facts, Node},
    fixture::few,
    net::IpFamily,
    probe::{Aim, Observation, Outcome, Probe, ProbeTable, Vantage, began_late, held_up},
};

/// For how many milliseconds no answer must come for a train to be over (probe.sh).
const PAUSE_OF_A_TRAIN: u32 = 1_000;

/// Which machines were kept from their work.
#[derive(Debug, Default)]
pub(crate) struct Busy<'a> {
    /// Where whole attempts were stopped much too late.
    held_up: Places<'a>,
    /// Where those or first attempts were.
    late: Places<'a>,
    /// How late the latest of the whole attempts was.
    longest_ms: u32,
    /// From where some backend was never reached, though no such machine explains that.
    cut_off: BTreeSet<Start<'a>>,
    /// The DNS pods that had names which they denied at first.
    learning: BTreeSet<&'a str>,
}

/// From where connections to backends begin, once a Service has chosen one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Start<'a> {
    node: &'a str,
    from: Sender,
    family: IpFamily,
    udp: bool,
}

/// Whose connections they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sender {
    Pod,
    Host,
    NodePort,
}

#[derive(Debug, Default)]
struct Places<'a> {
    nodes: BTreeSet<&'a str>,
    runner: bool,
}

impl<'a> Busy<'a> {
    /// What a run's attempts show. Where a node shares its kernel with others, they are all as busy.
    pub(crate) fn of(world: World<'a>, probes: &'a ProbeTable) -> Self {
        let mut busy = Self::default();
        for (_, probe, observation) in probes.iter() {
            let Some(seen) = observation else { continue };
            busy.learning.extend(learned_late(probe, seen));
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
        busy.held_up.add_neighbours(world.facts);
        busy.late.add_neighbours(world.facts);
        if busy.any_late() {
            busy.cut_off = busy.starts_of_dead_ways(world, probes);
        }
        busy
    }

    /// From where the way to some backend stayed dead.
    fn starts_of_dead_ways(&self, world: World<'a>, probes: &'a ProbeTable) -> BTreeSet<Start<'a>> {
        let one = |probe: &Probe| probe.aim.backend().is_some() && !probe.target.is_large();
        let dead = |reading: &Reading<'_>| {
            matches!(reading.state, State::Bad(_))
                && reading.settling == reading.attempts.len()
                && !self.explains(world, reading)
        };
        probes
            .iter()
            .filter(|(_, probe, observation)| observation.is_some() && one(probe))
            .filter(|(_, probe, observation)| dead(&Reading::of(world, probe, *observation)))
            .filter_map(|(_, probe, _)| Start::of(probe))
            .collect()
    }

    /// Whether nobody was.
    pub(crate) fn is_empty(&self) -> bool {
        !self.any_late() && self.learning.is_empty()
    }

    fn any_late(&self) -> bool {
        !self.late.nodes.is_empty() || self.late.runner
    }

    /// What was observed of a probe, where a time-out that such a machine explains is not known to be one.
    pub(crate) fn read<'r>(
        &self,
        world: World<'r>,
        probe: &'r Probe,
        observation: Option<&'r Observation>,
    ) -> Reading<'r> {
        let mut reading = Reading::of(world, probe, observation);
        if let Some(reason) = self.explanation(world, &reading) {
            reading.state = State::Unknown(reason);
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
        reading.stumbled
            && self.late.touch(world, reading.probe)
            && !self.meets_dead_ways(reading.probe)
    }

    /// Whether a Service's time-outs are those of a backend that is known to be out of reach from there.
    /// What is between its answers is no luck of a busy machine, then.
    fn meets_dead_ways(&self, probe: &Probe) -> bool {
        let Some(start) = Start::of(probe).filter(|_| probe.aim.backend().is_none()) else {
            return false;
        };
        let kinds: &[Sender] = match start.from {
            // The node forwards them, whoever sent them.
            Sender::NodePort => &[Sender::NodePort, Sender::Host, Sender::Pod],
            Sender::Host => &[Sender::Host],
            Sender::Pod => &[Sender::Pod],
        };
        kinds.iter().any(|&from| self.cut_off.contains(&Start { from, ..start }))
    }

    /// Why a probe's failure can't be told from one that is none, where somebody who was not ready explains it.
    pub(crate) fn explanation(&self, world: World<'_>, reading: &Reading<'_>) -> Option<String> {
        if self.explains(world, reading) {
            return Some(self.reason());
        }
        self.denied_meanwhile(world, reading).then(|| {
            let pods = few(self.learning.iter().copied());
            let learned = if self.learning.len() == 1 { "the DNS pod" } else { "the DNS pods" };
            format!(
                "{learned} {pods} learned of this run's Services only while they were being probed: check why \
                 that takes long, or run again"
            )
        })
    }

    /// Whether a name was denied after it had been given, where several DNS servers answer and some of them were
    /// yet to learn of it.
    fn denied_meanwhile(&self, world: World<'_>, reading: &Reading<'_>) -> bool {
        let several = world.facts.cluster_dns.known().is_some_and(|dns| dns.pods.len() > 1);
        let by_any = matches!(
            reading.probe.aim,
            Aim::Name { .. } | Aim::Pointer { .. } | Aim::Records { .. }
        ) && reading.probe.vantage.node().is_some();
        let denied = matches!(&reading.state, State::Bad(symptom)
            if symptom.intermittent && symptom.kind == Kind::NoSuchName);
        several && !self.learning.is_empty() && by_any && denied
    }

    /// Whether a probe failed by a silence that such a machine explains: at its source, or where the
    /// answer was to come from. A path that stayed silent when it was tried once more has no such excuse.
    fn explains(&self, world: World<'_>, reading: &Reading<'_>) -> bool {
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
        silent
            && (answered || !tried_again)
            && self.held_up.touch(world, reading.probe)
            && !self.meets_dead_ways(reading.probe)
    }

    /// Whether such a machine explains that datagrams of a train were not answered: a train waits until a
    /// second goes by without an answer, and who was kept from the processor for longer heard none.
    pub(crate) fn explains_loss(&self, world: World<'_>, reading: &Reading<'_>) -> bool {
        let mut outcomes = reading.attempts.iter().map(|attempt| &attempt.outcome);
        outcomes.any(|outcome| matches!(outcome, Outcome::Counted { .. }))
            && self.longest_ms >= PAUSE_OF_A_TRAIN
            && self.held_up.touch(world, reading.probe)
    }

    /// Whether such a machine has to do with a probe, so that a single silence of it tells nothing of the
    /// network.
    pub(crate) fn touches(&self, world: World<'_>, probe: &Probe) -> bool {
        self.late.touch(world, probe)
    }

    /// Why a case is inconclusive for a busy machine.
    pub(crate) fn reason(&self) -> String {
        let tenths = self.longest_ms / 100;
        format!(
            "{} too busy for time-outs to be meaningful: an attempt ended up to {}.{} s after its time limit; run \
             again when the load is lower",
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

/// The DNS pod that was asked itself for a name which it denied first, and gave in the end.
fn learned_late<'a>(probe: &'a Probe, seen: &Observation) -> Option<&'a str> {
    let Vantage::DnsPod { pod, .. } = &probe.vantage else { return None };
    let mut outcomes = seen.attempts.iter().map(|attempt| &attempt.outcome);
    let knows = outcomes.next_back().is_some_and(Outcome::succeeded);
    let denied = outcomes.any(|outcome| matches!(outcome, Outcome::NoSuchName));
    (knows && denied).then_some(pod)
}

impl<'a> Start<'a> {
    /// Of a probe's connections to backends of ours.
    fn of(probe: &'a Probe) -> Option<Self> {
        let (node, from) = match (&probe.aim, &probe.vantage) {
            (Aim::NodePort { node, .. }, _) => (node, Sender::NodePort),
            (Aim::Backend { .. } | Aim::ClusterIp { .. }, Vantage::Pod { node }) => {
                (node, Sender::Pod)
            }
            (Aim::Backend { .. } | Aim::ClusterIp { .. }, Vantage::HostNetwork { node }) => {
                (node, Sender::Host)
            }
            _ => return None,
        };
        Some(Self { node, from, family: probe.family(), udp: probe.target.is_udp() })
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
            Aim::DnsService
            | Aim::Forwarded { .. }
            | Aim::Name { .. }
            | Aim::Pointer { .. }
            | Aim::Records { .. } => {
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
