//! What the planning of several checks has in common: where probes start, what stands in the way,
//! and how often something is tried.

use std::net::IpAddr;

use crate::{
    fixture::{Workload, WorkloadState},
    net::IpFamily,
    probe::{Aim, Attempts, Probe, Target, Vantage},
    suite::Suite,
};

use super::{Blocked, World};

/// A place where probes start inside the cluster.
#[derive(Clone, Debug)]
pub(super) struct Source<'a> {
    /// What a case's subject calls it: the node's name, or `host network of n1`.
    pub(super) label: String,
    /// The same for the prober.
    pub(super) vantage: Vantage,
    /// The pod.
    pub(super) pod: &'a Workload,
    /// The check that reports an address which the pod lacks.
    addressed_by: &'static str,
}

impl Source<'_> {
    /// What it is, as the beginning of a sentence.
    pub(super) fn place(&self) -> String {
        let node = &self.pod.node;
        match self.vantage {
            Vantage::HostNetwork { .. } => format!("The host network of node {node}"),
            _ => format!("A pod on node {node}"),
        }
    }

    /// Its address of a family.
    ///
    /// # Errors
    /// Where nothing can be tried from here in that family.
    pub(super) fn address(&self, family: IpFamily) -> Result<IpAddr, Blocked> {
        let name = match self.vantage {
            Vantage::HostNetwork { .. } => "the host-network busybox",
            _ => "busybox",
        };
        address(name, self.pod, family, self.addressed_by)
    }

    /// # Errors
    /// Where nothing at all can be tried from here.
    pub(super) fn up(&self) -> Result<(), Blocked> {
        up("busybox", self.pod)
    }

    /// A probe that starts here.
    pub(super) fn probe(&self, aim: Aim, target: Target, attempts: Attempts) -> Probe {
        Probe { vantage: self.vantage.clone(), aim, target, attempts }
    }
}

/// The busybox pods.
pub(super) fn pods(world: World<'_>) -> impl Iterator<Item = Source<'_>> {
    world.fixture.probes.iter().map(|pod| Source {
        label: pod.node.clone(),
        vantage: Vantage::Pod { node: pod.node.clone() },
        pod,
        addressed_by: "pod::pod_ips",
    })
}

/// The busybox pods in the host's network, where there are any.
pub(super) fn hosts(world: World<'_>) -> impl Iterator<Item = Source<'_>> {
    world.fixture.host_probes.iter().map(|pod| Source {
        label: format!("host network of {}", pod.node),
        vantage: Vantage::HostNetwork { node: pod.node.clone() },
        pod,
        addressed_by: "node::internal_ips",
    })
}

/// The address of a backend in a family.
///
/// # Errors
/// Where it can't be reached in that family, whatever the network does.
pub(super) fn backend(backend: &Workload, family: IpFamily) -> Result<IpAddr, Blocked> {
    address("nginx", backend, family, "pod::pod_ips")
}

/// The address of a guarded pod in a family.
///
/// # Errors
/// Where it can't be reached in that family, whatever the network does.
pub(super) fn guarded(guarded: &Workload, family: IpFamily) -> Result<IpAddr, Blocked> {
    address("the guarded busybox", guarded, family, "pod::pod_ips")
}

/// The families of the suite, IPv4 first.
pub(super) fn families(suite: &Suite) -> impl Iterator<Item = IpFamily> {
    IpFamily::ALL.into_iter().filter(|family| suite.families.contains(family))
}

/// # Errors
/// Where a pod of ours did not come up.
pub(super) fn up(name: &str, pod: &Workload) -> Result<(), Blocked> {
    let why = match &pod.state {
        WorkloadState::Ready => return Ok(()),
        WorkloadState::Pending => "was not ready in time".to_owned(),
        WorkloadState::Failed { reason } => format!("did not come up: {reason}"),
    };
    Err(Blocked { by: None, reason: format!("{name} on {} {why}", pod.node) })
}

fn address(
    name: &str,
    pod: &Workload,
    family: IpFamily,
    by: &'static str,
) -> Result<IpAddr, Blocked> {
    up(name, pod)?;
    pod.address(family).ok_or_else(|| Blocked {
        by: Some(by),
        reason: format!("{name} on {} has no {family} address", pod.node),
    })
}

/// Attempts at something that one backend, or one server, answers.
pub(super) fn single(suite: &Suite) -> Attempts {
    let probes = suite.probes;
    Attempts {
        timeout_ms: probes.timeout_ms,
        patience_ms: probes.patience_ms,
        settle_ms: probes.settle_ms,
        distinct: 1,
        successes: probes.confirmations.saturating_add(1),
        bound: probes.confirmations,
    }
}

/// One attempt that must succeed within the time for settling, without confirmation.
pub(super) fn once(suite: &Suite) -> Attempts {
    Attempts { successes: 1, bound: 0, ..single(suite) }
}

/// Attempts that measure how long answers take. They are made when all else is done.
pub(super) fn timed(suite: &Suite) -> Attempts {
    let successes = Attempts::TIMED;
    let timeout_ms = suite.probes.timeout_ms;
    Attempts { successes, bound: successes, patience_ms: timeout_ms, settle_ms: 0, ..single(suite) }
}

/// Attempts at a Service behind which so many backends stand and answer in turn or at random.
pub(super) fn sampled(suite: &Suite, backends: usize) -> Attempts {
    let bound = connections_for(backends).min(suite.probes.sample_bound);
    let distinct = u16::try_from(seen_in(bound, backends)).unwrap_or(u16::MAX);
    let one = single(suite);
    Attempts { distinct, bound: bound.max(one.bound), ..one }
}

/// The one attempt at what nobody may answer. Where somebody does, it takes milliseconds, or a second
/// more if the first packet was lost; so long the silence is waited for, and no longer.
pub(super) fn unanswered(suite: &Suite) -> Attempts {
    let timeout_ms = suite.probes.timeout_ms.min(1_200);
    Attempts { timeout_ms, patience_ms: timeout_ms, settle_ms: 0, ..once(suite) }
}

/// Attempts at what a NetworkPolicy must deny once the cluster's network follows it, as soon as it does.
pub(super) fn denied(suite: &Suite) -> Attempts {
    Attempts { settle_ms: suite.probes.settle_ms, ..unanswered(suite) }
}

/// Attempts at a Service that must send all of a client's connections to the same of so many backends.
pub(super) fn kept(suite: &Suite, backends: usize) -> Attempts {
    let one = single(suite);
    let bound = repeats_for(backends).max(one.bound);
    Attempts { successes: bound.saturating_add(1), bound, ..one }
}

/// What bad luck may be responsible for at most: one verdict in ten million.
const LUCK: f64 = 1e-7;

/// How many connections, each to a backend picked at random, miss none of `n` backends.
fn connections_for(n: usize) -> u16 {
    if n < 2 {
        return 0;
    }
    // The chance that any one of n is missed in m connections is at most n (1 - 1/n)^m.
    let n = n as f64;
    let m = (LUCK / n).ln() / (1.0 - 1.0 / n).ln();
    m.ceil().clamp(0.0, f64::from(u16::MAX)) as u16
}

/// How many connections after the first, each to one of `n` backends picked at random, don't all go
/// where the first one went.
fn repeats_for(n: usize) -> u16 {
    if n < 2 {
        return 0;
    }
    // The chance that m connections more all go to the same one is (1/n)^m.
    (-LUCK.ln() / (n as f64).ln()).ceil() as u16
}

/// How many of `n` backends at least must be seen in `m` connections, luck aside.
fn seen_in(m: u16, n: usize) -> usize {
    // The chance that no more than d of n are seen is at most C(n, d) (d/n)^m.
    let mut ln_choose = 0.0_f64;
    for d in (1..n).rev() {
        // C(n, d) from C(n, d + 1).
        ln_choose += ((d + 1) as f64).ln() - ((n - d) as f64).ln();
        let ln_chance = ln_choose + f64::from(m) * (d as f64 / n as f64).ln();
        if ln_chance < LUCK.ln() {
            return d + 1;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_connections_are_allowed_to_see_every_one_of_a_few_backends() {
        for n in 2..=25 {
            let bound = connections_for(n);
            assert!(bound <= 500, "{n} backends want {bound} connections");
            assert_eq!(seen_in(bound, n), n, "{n} backends in {bound} connections");
        }
    }

    #[test]
    fn a_low_bound_asks_for_fewer_backends_instead_of_relying_on_luck() {
        assert_eq!(seen_in(1, 3), 1);
        assert_eq!(seen_in(64, 3), 3);
        let of_twenty = seen_in(64, 20);
        assert!((8..=14).contains(&of_twenty), "{of_twenty}");
    }

    #[test]
    fn a_backend_that_is_picked_anew_is_not_the_same_each_time() {
        assert_eq!((repeats_for(1), repeats_for(2), repeats_for(3)), (0, 24, 15));
        for n in 2..=32 {
            let chance = (1.0 / n as f64).powi(repeats_for(n).into());
            assert!(chance < LUCK * 1.001, "{n} backends");
        }
    }

    #[test]
    fn a_lone_backend_is_not_sampled() {
        assert_eq!((connections_for(0), connections_for(1)), (0, 0));
        assert_eq!((seen_in(0, 0), seen_in(0, 1)), (1, 1));
    }
}
