//! The conductor: connects, gathers, deploys, probes, judges and tears down, and tells of it in
//! events. It holds no opinion on networks; those are the checks'.

mod conductor;
mod diagnostics;
mod gateways;
mod ledger;
mod permissions;
mod plan;
mod rejudge;
mod rules;
mod second_round;
mod snapshots;
mod stop;
mod stopwatch;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::sync::mpsc;

pub use conductor::{RunError, run};
pub use ledger::{Ledger, why_open};
pub use permissions::permissions;
pub use plan::{Calls, Plan, PlanError, plan, planned};
pub use rejudge::rejudge;
pub use second_round::second_round;
pub use stop::{Stop, Stopper, stop};

use crate::{
    baseline::Baseline, check::DynCheck, cluster::ConnectOptions, event::Event,
    fixture::FixtureOptions, probe::EgressServer, suite::Suite,
};

/// How long a run may take by default.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(180);

/// What to run, and on what.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which cluster.
    pub connect: ConnectOptions,
    /// What is expected.
    pub suite: Suite,
    /// Which of the suite's checks, in the registry's order.
    pub checks: Vec<&'static dyn DynCheck>,
    /// What is put into the cluster.
    pub fixture: FixtureOptions,
    /// The server outside the cluster that pods connect to; this machine, if there is none.
    pub egress_server: Option<EgressServer>,
    /// Which nodes are looked at from inside.
    pub snapshot: SnapshotPolicy,
    /// How long all of it may take, teardown apart.
    pub deadline: Duration,
    /// Whether the fixture is left in place.
    pub keep: bool,
    /// The failures that are known.
    pub baseline: Option<Baseline>,
    /// Whether to wait until our namespace is gone, and not only what was in it.
    pub wait_namespace: bool,
}

/// Which nodes are looked at from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotPolicy {
    /// None.
    Off,
    /// Those that failures point at, and a healthy one to compare with.
    Suspects,
    /// The same, and the rules of their packet filters, which takes an exec in kube-proxy's pods.
    Rules,
    /// Every one that takes part, up to a bound, whether something failed or not.
    All,
}

/// Where a run's events go.
#[derive(Clone, Debug)]
pub struct Events(Option<mpsc::UnboundedSender<Event>>);

impl Events {
    /// Events with a reader.
    pub const fn to(sender: mpsc::UnboundedSender<Event>) -> Self {
        Self(Some(sender))
    }

    /// Events without a reader.
    pub const fn discarded() -> Self {
        Self(None)
    }

    /// Sends an event; it is dropped if the reader has gone.
    pub fn send(&self, event: Event) {
        if let Some(sender) = &self.0 {
            let _ = sender.send(event);
        }
    }
}
