//! The observations of a run, found by their probe.

use std::collections::HashMap;

use crate::probe::{Observation, Probe};

/// What was observed, by probe.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    by_probe: HashMap<Probe, Observation>,
}

impl Observations {
    /// What was observed of a probe; `None` where the run ended before it was tried.
    pub fn of(&self, probe: &Probe) -> Option<&Observation> {
        self.by_probe.get(probe)
    }

    /// Adds an observation.
    pub fn insert(&mut self, observation: Observation) {
        self.by_probe.insert(observation.probe.clone(), observation);
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Observation> {
        self.by_probe.values()
    }
}

impl FromIterator<Observation> for Observations {
    fn from_iter<I: IntoIterator<Item = Observation>>(observations: I) -> Self {
        let mut all = Self::default();
        observations.into_iter().for_each(|observation| all.insert(observation));
        all
    }
}
