//! `pod::loss`

use std::net::SocketAddr;

use crate::{
    check::{
        About, Blocked, Check, Failure, Need, Planned, Promise, Reading, Readings, Subject,
        Verdict, World, commands, outcome,
        pairs::Pairs,
        plan::{self, Source},
    },
    fixture::{BACKEND_PORT, Workload},
    net::IpFamily,
    probe::{Aim, Attempts, Outcome, Probe, Target, Train},
};

/// A path is lossy where each of three trains in a row lost so many datagrams of at most 100 (a train
/// that lost so many ends there; see probe.sh).
///
/// The numbers leave nothing to luck. Loss p counts both ways: a datagram or its answer. A path that
/// loses 30 % passes for sound if one of three trains loses fewer than 12 of 100, which has the
/// probability 1.7e-5; each pair of nodes is tried from both ends, which leaves 3e-10. One that
/// loses 3 % is called lossy with 1e-13, one that loses 6 % with 5e-6. A sound path loses nothing: a busy machine
/// only delays, and a train waits until no answer has come for a second, three times over.
const LOSSY: u32 = 12;
const TRAINS: usize = 3;

/// Paths between nodes lose no packets.
#[derive(Debug)]
pub(in crate::check) struct Loss;

/// A way from a pod to a pod on another node, in one family.
#[derive(Debug)]
pub(in crate::check) struct LossPath {
    from: String,
    to: String,
    family: IpFamily,
    address: SocketAddr,
}

impl Check for Loss {
    type Subject = LossPath;

    const PROMISE: Promise = Promise {
        id: "pod::loss",
        summary: "of 100 datagrams between pods on any two nodes fewer than an eighth are lost, and any loss is \
                  reported",
        why: "A path that loses packets answers every health check sooner or later, and makes everything \
         slow: TCP repeats a lost SYN only after one second, then after two and four more. A bad cable, an \
         overloaded tunnel or one broken link of several often affects only one family, and clients that prefer \
         IPv6 then wait.",
        source: "The Kubernetes network model: pods reach all other pods; RFC 6298 on TCP's retransmission \
         timer; RFC 7680 on one-way loss",
        about: About::feature("PodPacketLoss").titled("Pod to pod, lost datagrams"),
        needs: &[Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<LossPath>> {
        let mut cases = Vec::new();
        let pairs = Pairs::new(world);
        for family in plan::families(world.suite) {
            for source in plan::pods(world) {
                // Between nodes; in a cluster of one node there is only the node itself.
                let alone = world.fixture.backends.len() == 1;
                let others = pairs.pods(&source.pod.node).into_iter();
                for backend in others.filter(|it| alone || it.node != source.label) {
                    let (from, to) = (&source.label, &backend.node);
                    let case = Planned::probing(world, Subject::path(from, to), family, || {
                        let address = at(&source, backend, family)?;
                        // Trains bring their own repetitions.
                        let attempts = Attempts { settle_ms: 0, ..plan::once(world.suite) };
                        let probe = source.probe(aim(to), Target::Loss { address }, attempts);
                        let (from, to) = (from.clone(), to.clone());
                        Ok((LossPath { from, to, family, address }, vec![probe]))
                    });
                    cases.push(case.beside(&tcp(world, &source, backend, family)));
                }
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, path: &LossPath, readings: &Readings<'_>) -> Verdict {
        let [reading] = readings.own.as_slice() else {
            return outcome::unless_unknown(&readings.own);
        };
        let tcp = readings.witnesses.iter().find_map(Reading::symptom);
        if let (Some(symptom), Some(tcp)) = (reading.symptom(), tcp) {
            let reason =
                format!("no datagram was answered ({}), nor TCP ({})", symptom.detail, tcp.detail);
            return Blocked { by: Some("pod::reachable"), reason }.verdict(world.suite);
        }
        if let Some(symptom) = reading.symptom() {
            let detail = format!("no datagram was answered, though TCP works: {}", symptom.detail);
            return Verdict::fail(detail, path.silent(world, reading));
        }
        let trains = reading.attempts.iter().find_map(|attempt| match &attempt.outcome {
            Outcome::Counted { trains } => Some(trains.as_slice()),
            _ => None,
        });
        let Some(trains) = trains else { return outcome::unless_unknown(&readings.own) };
        let total = total(trains);
        let detail = match total.lost() {
            0 => format!("{} datagrams, none lost", total.sent),
            lost => format!("{lost} of {} datagrams lost ({} %)", total.sent, percent(total)),
        };
        if is_lossy(trains) {
            return Verdict::fail(format!("lossy: {detail}"), path.lossy(world, reading, &detail));
        }
        Verdict::pass(detail)
    }
}

/// Whether so much was lost that it can't be by chance.
pub(super) fn is_lossy(trains: &[Train]) -> bool {
    trains.len() >= TRAINS && trains.iter().all(|train| train.lost() >= LOSSY)
}

fn total(trains: &[Train]) -> Train {
    trains.iter().fold(Train { sent: 0, answered: 0 }, |all, train| Train {
        sent: all.sent + train.sent,
        answered: all.answered + train.answered,
    })
}

/// The share that was lost, at least 1.
const fn percent(train: Train) -> u32 {
    let percent = train.lost() * 100 / if train.sent == 0 { 1 } else { train.sent };
    if percent == 0 { 1 } else { percent }
}

fn aim(to: &str) -> Aim {
    Aim::Backend { node: to.to_owned() }
}

fn at(source: &Source<'_>, to: &Workload, family: IpFamily) -> Result<SocketAddr, Blocked> {
    source.address(family)?;
    Ok(SocketAddr::new(plan::backend(to, family)?, BACKEND_PORT))
}

/// The same way over TCP, as `pod::reachable` tries it.
pub(in crate::check) fn tcp(
    world: World<'_>,
    source: &Source<'_>,
    to: &Workload,
    family: IpFamily,
) -> Option<Probe> {
    let target = Target::Http { address: at(source, to, family).ok()?, payload: 0 };
    let attempts = plan::single(world.suite);
    let attempts = Attempts { patience_ms: attempts.timeout_ms, ..attempts };
    Some(source.probe(aim(&to.node), target, attempts))
}

impl LossPath {
    fn lossy(&self, world: World<'_>, reading: &Reading<'_>, detail: &str) -> Failure {
        let Self { from, to, family, .. } = self;
        Failure::new(format!(
            "The path between node {from} and node {to} loses {family} packets: {detail}. It is not \
             down, but slow and unreliable."
        ))
        .reproduce(self.commands(world, reading))
        .fix([
            format!(
                "Compare the drop and error counters of the interfaces on both nodes, the tunnel's too: \
                 `{}`.",
                commands::on_node(from, "cat /proc/net/dev")
            ),
            "Look for rate limits, full queues and random drops on the way (tc, nftables, security \
                 appliances), and for one bad link among several that share the traffic."
                .to_owned(),
        ])
    }

    fn silent(&self, world: World<'_>, reading: &Reading<'_>) -> Failure {
        let Self { from, to, family, address } = self;
        Failure::new(format!(
            "A pod on node {from} gets no answer to any datagram from the nginx at {address} on node \
             {to} over {family}, though TCP works: UDP is dropped."
        ))
        .reproduce(self.commands(world, reading))
        .fix([format!(
            "Look for a NetworkPolicy, firewall rule or security group on {from} and {to} that lets \
             TCP through and not UDP over {family}."
        )])
    }

    fn commands(&self, world: World<'_>, reading: &Reading<'_>) -> Vec<String> {
        let mut commands = commands::repeat(world, [reading.probe]);
        commands.push(commands::route(&self.from, self.address.ip()));
        commands
    }
}
