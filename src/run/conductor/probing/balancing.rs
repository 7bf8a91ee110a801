//! A load balancer's addresses, which are waited for beside what can be tried without them.

use super::super::{Session, is_of_balancers};
use crate::{
    check::World,
    event::Event,
    fixture::Live,
    probe::{Probe, ProbeId},
    record::Phase,
};

impl Session {
    /// Carries these probes out while a provider gives its addresses, and then those that need them.
    pub(super) async fn probe_beside_balancing(
        &mut self,
        probes: Vec<(ProbeId, Probe)>,
        live: &Live,
    ) {
        let events = self.events.clone();
        let waiting = live.wait_balanced(|what| {
            events.send(Event::Waiting { phase: Phase::Probe, what });
        });
        let (found, ()) = tokio::join!(waiting, self.carry_out(probes, Some(live)));
        self.fixture.load_balancing = found;
        self.balancing = false;
        let Self { ledger, facts, fixture, options, reached, .. } = self;
        let world = World { facts, fixture, suite: &options.suite };
        let judged = ledger.plan_those(*reached, world, &is_of_balancers);
        self.tell(judged);
        let probes = self.ledger.wanted();
        if !probes.is_empty() {
            self.events.send(Event::Planned { cases: self.ledger.cases(), probes: probes.len() });
            self.carry_out(probes, None).await;
        }
    }
}
