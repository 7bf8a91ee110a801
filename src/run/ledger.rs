//! The cases of a run and their verdicts: which are planned, which wait for which probe, which are
//! judged. Pure: it is driven by the conductor during a run, and by [`super::rejudge`] afterwards.

use std::collections::{BTreeSet, HashMap};

use crate::{
    cause::Judged,
    check::{Case, Check, Observations, Stage, Verdict, World},
    probe::Probe,
};

/// The cases of a run.
#[derive(Debug)]
pub struct Ledger {
    checks: Vec<&'static dyn Check>,
    entries: Vec<Entry>,
    /// Which entries want a probe that has not been observed yet.
    waiting: HashMap<Probe, Vec<usize>>,
}

#[derive(Debug)]
struct Entry {
    check: &'static dyn Check,
    case: Case,
    /// How many of the case's probes have not been observed yet.
    missing: usize,
    verdict: Option<Verdict>,
}

impl Ledger {
    /// A ledger for some checks of the registry, in its order; no case is planned yet.
    pub fn new(checks: Vec<&'static dyn Check>) -> Self {
        Self { checks, entries: Vec::new(), waiting: HashMap::new() }
    }

    /// The latest stage that any of the checks needs; `None` where there are no checks.
    pub fn last_stage(&self) -> Option<Stage> {
        self.checks.iter().map(|check| check.stage()).max()
    }

    /// Plans the cases of the checks of one stage, and judges those that want nothing probed.
    pub fn plan(&mut self, stage: Stage, world: World<'_>) -> Vec<Judged> {
        let first = self.entries.len();
        for &check in self.checks.iter().filter(|check| check.stage() == stage) {
            for case in check.plan(world) {
                let index = self.entries.len();
                // A blocked case is not tried, whatever it would have wanted.
                let wanted: BTreeSet<&Probe> = if case.blocked.is_some() {
                    BTreeSet::new()
                } else {
                    case.probes.iter().collect()
                };
                for &probe in &wanted {
                    self.waiting.entry(probe.clone()).or_default().push(index);
                }
                let missing = wanted.len();
                self.entries.push(Entry { check, case, missing, verdict: None });
            }
        }
        let nothing_observed = Observations::default();
        (first..self.entries.len())
            .filter(|&index| self.entries[index].missing == 0)
            .collect::<Vec<_>>()
            .into_iter()
            .map(|index| self.judge(index, world, &nothing_observed))
            .collect()
    }

    /// How many cases are planned.
    pub fn cases(&self) -> usize {
        self.entries.len()
    }

    /// The probes that are still wanted, each once, in a stable order.
    pub fn wanted(&self) -> Vec<Probe> {
        let mut probes: Vec<_> = self.waiting.keys().cloned().collect();
        probes.sort();
        probes
    }

    /// Judges the cases for which `probe` was the last one missing. `observations` holds it already.
    pub fn observed(
        &mut self,
        probe: &Probe,
        world: World<'_>,
        observations: &Observations,
    ) -> Vec<Judged> {
        let mut judged = Vec::new();
        for index in self.waiting.remove(probe).unwrap_or_default() {
            self.entries[index].missing -= 1;
            if self.entries[index].missing == 0 {
                judged.push(self.judge(index, world, observations));
            }
        }
        judged
    }

    /// Closes every case that is not judged yet: those that have been observed in part can't be
    /// told from those that would have failed, so all are inconclusive for `reason`.
    pub fn abandon(&mut self, reason: &str) -> Vec<Judged> {
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

    /// Every judged case, in the order of the registry and of each check's plan.
    pub fn into_judged(mut self) -> Vec<Judged> {
        let order = |check: &dyn Check| {
            self.checks.iter().position(|known| known.id() == check.id()).unwrap_or(usize::MAX)
        };
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_by_key(|entry| order(entry.check));
        entries
            .into_iter()
            .filter_map(|entry| Some(Judged { case: entry.case, verdict: entry.verdict? }))
            .collect()
    }

    fn judge(&mut self, index: usize, world: World<'_>, observations: &Observations) -> Judged {
        let entry = &mut self.entries[index];
        let verdict = match &entry.case.blocked {
            None => entry.check.judge(world, &entry.case, observations),
            Some(blocked) => blocked.verdict(world.suite),
        };
        entry.verdict = Some(verdict.clone());
        Judged { case: entry.case.clone(), verdict }
    }
}
