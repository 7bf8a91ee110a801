//! A run in the lab: the same planning, judging and record as on a cluster, without a conductor.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{Fault, Lab, network};
use crate::{
    cause::{self, Judged},
    check::{self, Stage, Status, World},
    event::{Event, Finished},
    probe::{Observation, Probe, Vantage},
    record::{BrokenOff, Phase, PhaseTime, RECORD_VERSION, Record, Started},
    run::{Ledger, second_round, why_open},
};

/// What a run in the lab comes to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) record: Record,
    /// The verdicts in the order in which they were told.
    told: Vec<Judged>,
}

impl Lab {
    /// Probes, judges and names causes.
    pub(crate) fn run(&self) -> Run {
        self.judge(|probe| Some(self.observe(probe)))
    }

    /// What the lab's network makes of a probe.
    pub(crate) fn observe(&self, probe: &Probe) -> Observation {
        let lost = self.faults.iter().any(
            |fault| matches!(fault, Fault::ExecsLost { at } if probe.vantage.node() == Some(at)),
        );
        if lost {
            let lost = Some("no output from pod busybox for 13 s".to_owned());
            return Observation { attempts: Vec::new(), lost };
        }
        Observation { attempts: network::attempts(self, probe), lost: None }
    }

    /// Judges and names causes from these observations; `None` for a probe that was not tried.
    pub(crate) fn judge(&self, seen: impl FnMut(&Probe) -> Option<Observation>) -> Run {
        self.ended(Stage::Probed, None, seen)
    }

    /// A run in which every connection into a pod breaks.
    pub(crate) fn without_exec(&self) -> Run {
        self.judge(|probe| {
            let mut observation = self.observe(probe);
            if let Vantage::Pod { node } | Vantage::HostNetwork { node } = &probe.vantage {
                observation.attempts.clear();
                observation.lost =
                    Some(format!("the exec into busybox on {node} was lost: connection reset"));
            }
            Some(observation)
        })
    }

    /// A run that was broken off when it had come to a stage; of the probes of the last stage,
    /// those from this node were not carried out any more.
    pub(crate) fn broken_off(&self, reached: Stage, node: &str, why: BrokenOff) -> Run {
        self.ended(reached, Some(why), |probe| match &probe.vantage {
            Vantage::Pod { node: from } if from == node => None,
            _ => Some(self.observe(probe)),
        })
    }

    fn ended(
        &self,
        reached: Stage,
        broken_off: Option<BrokenOff>,
        mut seen: impl FnMut(&Probe) -> Option<Observation>,
    ) -> Run {
        let world = self.world();
        let mut ledger = Ledger::new(self.suite.checks());
        let mut told = Vec::new();
        for stage in Stage::ALL.into_iter().filter(|stage| *stage <= reached) {
            told.extend(ledger.plan(stage, world));
        }
        for (id, probe) in ledger.wanted() {
            if let Some(observation) = seen(&probe) {
                told.extend(ledger.observed(id, observation, world));
            }
        }
        // As the conductor does where a mesh is sparse.
        let again =
            if reached == Stage::Probed { second_round(world, &ledger) } else { BTreeMap::new() };
        let mut fixture = self.fixture.clone();
        fixture.mesh.again = again;
        let world = World { fixture: &fixture, ..world };
        if !fixture.mesh.again.is_empty() {
            told.extend(ledger.plan_again(world));
            for (id, probe) in ledger.wanted() {
                if let Some(observation) = seen(&probe) {
                    told.extend(ledger.observed(id, observation, world));
                }
            }
        }
        told.extend(ledger.close(&why_open(broken_off.as_ref())));
        ledger.weigh_time_outs(world);
        let (judged, probes) = ledger.into_judged();
        let causes = cause::causes(world, &judged, &probes);
        let parity = check::parity(world, judged.iter().map(|judged| &judged.case), &probes);
        let record = Record {
            version: RECORD_VERSION,
            dualstack: env!("CARGO_PKG_VERSION").to_owned(),
            started: Started {
                run: self.fixture.run.clone(),
                server: self.facts.server.clone(),
                suite: self.suite.name.clone(),
                namespace: self.fixture.namespace.clone(),
            },
            started_at: "2026-11-25T18:00:00Z".parse().unwrap(),
            suite: self.suite.clone(),
            reached,
            broken_off,
            notices: Vec::new(),
            left_behind: Vec::new(),
            phases: PHASES
                .map(|(phase, start_ms, millis)| PhaseTime { phase, start_ms, millis })
                .to_vec(),
            facts: self.facts.clone(),
            fixture: (reached > Stage::Facts).then_some(fixture),
            probes,
            judged,
            causes,
            parity,
            baseline: None,
        };
        Run { record, told }
    }
}

/// When each phase began and how long it took, in milliseconds.
const PHASES: [(Phase, u64, u64); 9] = [
    (Phase::Connect, 0, 90),
    (Phase::Preflight, 90, 60),
    (Phase::Facts, 90, 110),
    (Phase::Deploy, 200, 380),
    (Phase::Ready, 580, 2_700),
    (Phase::Serve, 3_280, 200),
    (Phase::Probe, 3_480, 740),
    (Phase::Judge, 4_220, 10),
    (Phase::Teardown, 4_230, 1_170),
];

impl Run {
    /// The names of the cases that ended so.
    pub(crate) fn names(&self, status: Status) -> Vec<String> {
        let ended = self.record.judged.iter().filter(|judged| judged.verdict.status() == status);
        ended.map(|judged| judged.case.name()).collect()
    }

    /// The one case of a name.
    pub(crate) fn case(&self, name: &str) -> &Judged {
        self.record
            .judged
            .iter()
            .find(|judged| judged.case.name() == name)
            .unwrap_or_else(|| panic!("no case {name}"))
    }

    /// The probes of the case of a name, in order.
    pub(crate) fn probes_of(&self, name: &str) -> Vec<&Probe> {
        let ids = &self.case(name).case.probes;
        ids.iter().map(|&id| self.record.probes.probe(id).unwrap()).collect()
    }

    /// The rules that named a cause.
    pub(crate) fn rules(&self) -> Vec<&str> {
        self.record.causes.iter().map(|cause| cause.id.as_str()).collect()
    }

    /// What a conductor would have told of the run.
    pub(crate) fn events(&self) -> Vec<Event> {
        let Self { record, told } = self;
        let mut events = vec![Event::Started(record.started.clone())];
        for PhaseTime { phase, millis, .. } in &record.phases {
            events.push(Event::PhaseStarted(*phase));
            match (phase, &record.fixture) {
                (Phase::Deploy, Some(fixture)) => {
                    events.push(Event::NodesSelected(fixture.nodes.clone()));
                }
                (Phase::Ready, Some(fixture)) => {
                    let pods = fixture.backends.len() + fixture.probes.len();
                    events.extend((0..pods).map(|ready| Event::Waiting {
                        phase: Phase::Ready,
                        what: format!("{ready} of {pods} pods are ready; awaited: nginx on n1"),
                    }));
                }
                (Phase::Probe, _) => {
                    let (cases, probes) = (told.len(), record.probes.len());
                    events.push(Event::Planned { cases, probes });
                    events.extend(told.iter().cloned().map(Event::Judged));
                }
                _ => {}
            }
            events.push(Event::PhaseFinished(*phase, Duration::from_millis(*millis)));
        }
        events.extend(record.notices.iter().cloned().map(Event::Notice));
        let error = record.broken_off.iter().map(|broken_off| broken_off.error.clone());
        events.extend(error.map(|error| Event::BrokenOff { error }));
        let record = record.clone();
        events.push(Event::Finished(Arc::new(Finished { exit: record.exit(), record })));
        events
    }
}
