//! Judging a saved run again: the same planning and the same judges, without a cluster.

use crate::{
    cause::{self, Cause, Judged},
    check::{Check, Observations, Stage, World},
    record::Record,
};

use super::Ledger;

/// The verdicts and causes of a record's facts, fixture and observations, as today's checks see
/// them. A case that wants a probe which the record doesn't hold is inconclusive.
pub fn rejudge(record: &Record, checks: Vec<&'static dyn Check>) -> (Vec<Judged>, Vec<Cause>) {
    let mut ledger = Ledger::new(checks);
    let observations: Observations = record.observations.iter().cloned().collect();
    let empty = crate::fixture::Fixture::default();
    let Some(facts) = &record.facts else { return (Vec::new(), Vec::new()) };
    let reached = record.fixture.as_ref();
    let world = World { facts, fixture: reached.unwrap_or(&empty), suite: &record.suite };
    ledger.plan(Stage::Facts, world);
    if reached.is_some() {
        for stage in [Stage::Applied, Stage::Ready, Stage::Served, Stage::Probed] {
            ledger.plan(stage, world);
        }
        for probe in ledger.wanted() {
            if observations.of(&probe).is_some() {
                ledger.observed(&probe, world, &observations);
            }
        }
    }
    let reason =
        record.broken_off.as_deref().unwrap_or("the record doesn't hold the probes of this case");
    ledger.abandon(reason);
    let judged = ledger.into_judged();
    let causes = cause::causes(world, &judged, &observations);
    (judged, causes)
}
