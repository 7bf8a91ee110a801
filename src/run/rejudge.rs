//! Judging a saved run again: the same planning and the same judges, without a cluster.

use std::collections::BTreeMap;

use super::{Ledger, ledger::why_open};
use crate::{
    cause,
    check::{self, DynCheck, Stage, World},
    fixture::{Fixture, Mesh},
    record::Record,
};

/// The record with the verdicts and causes of its facts, fixture and observations, as today's
/// checks see them. A case that wants a probe which the record doesn't hold is inconclusive.
#[must_use]
pub fn rejudge(record: Record, checks: Vec<&'static dyn DynCheck>) -> Record {
    let mut ledger = Ledger::new(checks);
    let empty = Fixture::default();
    let fixture = record.fixture.as_ref().unwrap_or(&empty);
    let world = World { facts: &record.facts, fixture, suite: &record.suite };
    // As the run did: its second round was not known before the first one was over.
    let before = Fixture {
        mesh: Mesh { again: BTreeMap::new(), ..fixture.mesh.clone() },
        ..fixture.clone()
    };
    let first = World { fixture: &before, ..world };
    for stage in Stage::ALL.into_iter().filter(|stage| *stage <= record.reached) {
        ledger.plan(stage, first);
    }
    if record.reached >= Stage::Probed && !fixture.mesh.again.is_empty() {
        ledger.plan_again(world);
    }
    for (id, probe) in ledger.wanted() {
        let known = record.probes.id_of(&probe).and_then(|id| record.probes.observation(id));
        if let Some(observation) = known {
            ledger.observed(id, observation.clone(), world);
        }
    }
    let reason = match &record.broken_off {
        None => "the record doesn't contain the probes of this case".to_owned(),
        broken_off => why_open(broken_off.as_ref()),
    };
    ledger.close(&reason);
    ledger.weigh_time_outs(world);
    if !fixture.removed.is_empty() {
        ledger.doubt_failures(&reason);
    }
    let (judged, probes) = ledger.into_judged();
    let causes = cause::causes(world, &judged, &probes);
    let parity = check::parity(world, judged.iter().map(|judged| &judged.case), &probes);
    Record { judged, probes, causes, parity, ..record }
}
