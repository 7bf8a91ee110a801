//! The cases of a run and their verdicts: which are planned, which wait for which probe, which are
//! judged. Pure: it is driven by the conductor during a run, and by [`super::rejudge()`] afterwards.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::{
    cause::Judged,
    check::{
        Busy, Case, DynCheck, Judge, PlannedCase, Reading, Readings, Stage, Status, Verdict, World,
        untested,
    },
    probe::{Observation, Probe, ProbeId, ProbeTable},
    record::BrokenOff,
};

/// The cases of a run, and their probes.
#[derive(Debug)]
pub struct Ledger {
    checks: Vec<&'static dyn DynCheck>,
    entries: Vec<Entry>,
    probes: ProbeTable,
    /// Which entries want a probe that has not been observed yet.
    waiting: HashMap<ProbeId, Vec<usize>>,
}

#[derive(Debug)]
struct Entry {
    check: &'static dyn DynCheck,
    case: Case,
    judge: Judge,
    /// How many of the case's probes have not been observed yet.
    missing: usize,
    /// `None` as long as it is not judged.
    verdict: Option<Verdict>,
}

impl Entry {
    fn is(&self, status: Status) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| verdict.status() == status)
    }
}

impl Ledger {
    /// A ledger for some checks of the registry, in its order; no case is planned yet.
    pub fn new(checks: Vec<&'static dyn DynCheck>) -> Self {
        Self { checks, entries: Vec::new(), probes: ProbeTable::default(), waiting: HashMap::new() }
    }

    /// The latest stage that any of the checks needs; `None` where there are no checks.
    pub fn last_stage(&self) -> Option<Stage> {
        self.checks.iter().map(|check| check.promise().stage).max()
    }

    /// Plans the cases of the checks of one stage, and judges those that want nothing probed.
    pub fn plan(&mut self, stage: Stage, world: World<'_>) -> Vec<Judged> {
        self.plan_those(stage, world, &|_| true)
    }

    /// The same for some of the checks.
    pub fn plan_those(
        &mut self,
        stage: Stage,
        world: World<'_>,
        those: &dyn Fn(&dyn DynCheck) -> bool,
    ) -> Vec<Judged> {
        let first = self.entries.len();
        let checks = self.checks.clone().into_iter();
        for check in checks.filter(|check| check.promise().stage == stage && those(*check)) {
            let untested = if stage == Stage::Facts { Vec::new() } else { untested(world) };
            for planned in check.cases(world).into_iter().chain(untested) {
                self.add(check, planned);
            }
        }
        (first..self.entries.len())
            .filter_map(|index| self.judge_if_complete(index, world))
            .collect()
    }

    /// Plans the cases that the fixture's mesh asks for since its second round is known: those of the
    /// last stage that are not planned yet.
    pub fn plan_again(&mut self, world: World<'_>) -> Vec<Judged> {
        let first = self.entries.len();
        let known: HashSet<_> = self
            .entries
            .iter()
            .map(|entry| (entry.check.id(), entry.case.family, entry.case.subject.clone()))
            .collect();
        for check in
            self.checks.clone().into_iter().filter(|check| check.promise().stage == Stage::Probed)
        {
            for planned in check.cases(world) {
                if !known.contains(&(check.id(), planned.family, planned.subject.clone())) {
                    self.add(check, planned);
                }
            }
        }
        (first..self.entries.len())
            .filter_map(|index| self.judge_if_complete(index, world))
            .collect()
    }

    /// The probes of the cases that failed, with what was observed of them.
    pub fn failed(&self) -> impl Iterator<Item = (&Probe, Option<&Observation>)> {
        let failed = self.entries.iter().filter(|entry| entry.is(Status::Fail));
        let ids: BTreeSet<ProbeId> =
            failed.flat_map(|entry| entry.case.probes.iter().copied()).collect();
        ids.into_iter().filter_map(|id| Some((self.probes.probe(id)?, self.probes.observation(id))))
    }

    fn add(&mut self, check: &'static dyn DynCheck, planned: PlannedCase) {
        let index = self.entries.len();
        let mut ids = |probes: Vec<Probe>| -> Vec<ProbeId> {
            probes.into_iter().map(|probe| self.probes.add(probe)).collect()
        };
        let (probes, witnesses) = (ids(planned.probes), ids(planned.witnesses));
        // What was observed for others already is not tried again.
        let all = probes.iter().chain(&witnesses).copied();
        let wanted: BTreeSet<ProbeId> =
            all.filter(|&id| self.probes.observation(id).is_none()).collect();
        for &id in &wanted {
            self.waiting.entry(id).or_default().push(index);
        }
        self.entries.push(Entry {
            check,
            case: Case {
                check: check.id().to_owned(),
                subject: planned.subject,
                family: planned.family,
                probes,
                witnesses,
            },
            judge: planned.judge,
            missing: wanted.len(),
            verdict: None,
        });
    }

    /// How many cases are planned.
    pub fn cases(&self) -> usize {
        self.entries.len()
    }

    /// A probe by its id.
    pub fn probe(&self, id: ProbeId) -> Option<&Probe> {
        self.probes.probe(id)
    }

    /// The probes of which something was observed, with that.
    pub fn observed_probes(&self) -> impl Iterator<Item = (&Probe, &Observation)> {
        self.probes.iter().filter_map(|(_, probe, observation)| Some((probe, observation?)))
    }

    /// The probes that are still wanted, each once, in the order in which they were planned.
    pub fn wanted(&self) -> Vec<(ProbeId, Probe)> {
        self.probes
            .iter()
            .filter(|(id, ..)| self.waiting.contains_key(id))
            .map(|(id, probe, _)| (id, probe.clone()))
            .collect()
    }

    /// Takes note of what was observed of a probe, and judges the cases for which it was the last
    /// one missing.
    pub fn observed(
        &mut self,
        id: ProbeId,
        observation: Observation,
        world: World<'_>,
    ) -> Vec<Judged> {
        self.probes.observe(id, observation);
        let mut judged = Vec::new();
        for index in self.waiting.remove(&id).unwrap_or_default() {
            if let Some(entry) = self.entries.get_mut(index) {
                entry.missing = entry.missing.saturating_sub(1);
            }
            judged.extend(self.judge_if_complete(index, world));
        }
        judged
    }

    /// Closes every case that is not judged yet: those that have been observed in part can't be
    /// told from those that would have failed, so all are inconclusive for `reason`.
    pub fn close(&mut self, reason: &str) -> Vec<Judged> {
        self.waiting.clear();
        self.entries
            .iter_mut()
            .filter(|entry| entry.verdict.is_none())
            .map(|entry| {
                let verdict = Verdict::inconclusive(reason);
                entry.verdict = Some(verdict.clone());
                Judged { case: entry.case.clone(), verdict }
            })
            .collect()
    }

    /// Takes back every failure that probes saw: what they tried was not all there, and which of them that
    /// concerns can't be told.
    pub fn doubt_failures(&mut self, reason: &str) {
        for entry in self.entries.iter_mut().filter(|entry| !entry.case.probes.is_empty()) {
            if entry.is(Status::Fail) {
                entry.verdict = Some(Verdict::inconclusive(reason));
            }
        }
    }

    /// Weighs time-outs once more, where a machine that has to do with them was too busy for them to tell
    /// anything, which is only known when all probes are done: failures that rest on them alone are taken
    /// back, and so are doubts that rest on a single one between answers.
    pub fn weigh_time_outs(&mut self, world: World<'_>) {
        let Self { entries, probes, .. } = self;
        let busy = Busy::of(world, probes);
        if busy.is_empty() {
            return;
        }
        for entry in entries {
            let read = |ids: &[ProbeId]| -> Vec<Reading<'_>> {
                ids.iter()
                    .filter_map(|&id| {
                        Some(busy.read(world, probes.probe(id)?, probes.observation(id)))
                    })
                    .collect()
            };
            if entry.is(Status::Fail) {
                let own: Vec<_> = read_each(probes, &entry.case.probes, world).collect();
                let bad = own.iter().filter(|reading| reading.symptom().is_some());
                let reasons: Option<Vec<String>> =
                    bad.map(|reading| busy.explanation(world, reading)).collect();
                let lossy =
                    || !own.is_empty() && own.iter().all(|it| busy.explains_loss(world, it));
                let reason = reasons.and_then(|reasons| reasons.into_iter().next());
                if let Some(reason) = reason.or_else(|| lossy().then(|| busy.reason())) {
                    entry.verdict = Some(Verdict::inconclusive(reason));
                }
            } else if entry.is(Status::Inconclusive) {
                let (own, witnesses) = (read(&entry.case.probes), read(&entry.case.witnesses));
                let excused = own.iter().chain(&witnesses).any(|it| busy.excuses(world, it));
                let readings = Readings { own, witnesses };
                if excused && let Verdict::Pass { detail } = entry.judge.judge(world, &readings) {
                    let detail = format!("{detail}; {}", busy.excuse());
                    entry.verdict = Some(Verdict::Pass { detail });
                }
            }
        }
    }

    /// Every judged case, in the order of the registry and of each check's plan, and the probes.
    pub fn into_judged(mut self) -> (Vec<Judged>, ProbeTable) {
        let order = |check: &dyn DynCheck| {
            self.checks.iter().position(|known| known.id() == check.id()).unwrap_or(usize::MAX)
        };
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_by_key(|entry| order(entry.check));
        let judged = entries
            .into_iter()
            .filter_map(|entry| Some(Judged { verdict: entry.verdict?, case: entry.case }));
        (judged.collect(), self.probes)
    }

    fn judge_if_complete(&mut self, index: usize, world: World<'_>) -> Option<Judged> {
        let Self { entries, probes, .. } = self;
        let open = |entry: &&mut Entry| entry.missing == 0 && entry.verdict.is_none();
        let entry = entries.get_mut(index).filter(open)?;
        let read = |ids: &[ProbeId]| read_each(probes, ids, world).collect();
        let (own, witnesses) = (read(&entry.case.probes), read(&entry.case.witnesses));
        let verdict = entry.judge.judge(world, &Readings { own, witnesses });
        entry.verdict = Some(verdict.clone());
        Some(Judged { case: entry.case.clone(), verdict })
    }
}

/// What was observed of some probes, each by itself.
fn read_each<'a>(
    probes: &'a ProbeTable,
    ids: &[ProbeId],
    world: World<'a>,
) -> impl Iterator<Item = Reading<'a>> {
    ids.iter()
        .filter_map(move |&id| Some(Reading::of(world, probes.probe(id)?, probes.observation(id))))
}

/// Why a case that was planned was not judged, in a run that ended so.
pub fn why_open(broken_off: Option<&BrokenOff>) -> String {
    broken_off.map_or_else(
        || "it was not tested".to_owned(),
        |broken_off| format!("not determined: {}", broken_off.error),
    )
}
