//! The probes of a run, each once, and what came of them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Observation, Probe};

/// A probe's place in its run's [`ProbeTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProbeId(pub(super) usize);

/// The probes of a run, each once, with what was observed of them. Two checks that want the same
/// tried share one probe: while a run plans, it finds the probe's id by the whole probe, and nothing
/// else does. Records and everything after planning use only ids.
#[derive(Clone, Debug, Default)]
pub struct ProbeTable {
    entries: Vec<Entry>,
    ids: HashMap<Probe, ProbeId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    probe: Probe,
    observation: Option<Observation>,
}

impl ProbeTable {
    /// The id of a probe, which is added if the table doesn't have it yet.
    pub fn add(&mut self, probe: Probe) -> ProbeId {
        if let Some(id) = self.id_of(&probe) {
            return id;
        }
        let id = ProbeId(self.entries.len());
        self.entries.push(Entry { probe: probe.clone(), observation: None });
        self.ids.insert(probe, id);
        id
    }

    /// The id of a probe that is in the table.
    pub fn id_of(&self, probe: &Probe) -> Option<ProbeId> {
        self.ids.get(probe).copied()
    }

    /// The probe of an id; `None` for an id of another table.
    pub fn probe(&self, id: ProbeId) -> Option<&Probe> {
        self.entries.get(id.0).map(|entry| &entry.probe)
    }

    /// What was observed of a probe; `None` where the run ended before it was tried.
    pub fn observation(&self, id: ProbeId) -> Option<&Observation> {
        self.entries.get(id.0)?.observation.as_ref()
    }

    /// Takes note of what was observed of a probe. An id of another table is ignored.
    pub fn observe(&mut self, id: ProbeId, observation: Observation) {
        if let Some(entry) = self.entries.get_mut(id.0) {
            entry.observation = Some(observation);
        }
    }

    /// How many probes there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The probes with their ids, in order, and what was observed of each.
    pub fn iter(&self) -> impl Iterator<Item = (ProbeId, &Probe, Option<&Observation>)> {
        self.entries
            .iter()
            .enumerate()
            .map(|(id, entry)| (ProbeId(id), &entry.probe, entry.observation.as_ref()))
    }
}

impl PartialEq for ProbeTable {
    fn eq(&self, other: &Self) -> bool {
        // The ids follow from the entries.
        self.entries == other.entries
    }
}

impl Eq for ProbeTable {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::probe::{Aim, Attempt, Attempts, Outcome, Target, Vantage};

    fn probe(port: u16, settle_ms: u32) -> Probe {
        Probe {
            vantage: Vantage::Pod { node: "n1".to_owned() },
            aim: Aim::Node { node: "n2".to_owned() },
            target: Target::Tcp { address: ([10, 0, 0, 1], port).into() },
            attempts: Attempts {
                timeout_ms: 1,
                patience_ms: 1,
                settle_ms,
                distinct: 1,
                successes: 1,
                bound: 0,
            },
        }
    }

    #[test]
    fn equal_probes_are_one() {
        let mut table = ProbeTable::default();
        let ids = [probe(2, 0), probe(1, 0), probe(2, 0)].map(|probe| table.add(probe));
        assert_eq!(ids, [ProbeId(0), ProbeId(1), ProbeId(0)]);
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn a_table_that_holds_a_probe_twice_or_names_no_profile_is_refused() {
        let mut table = ProbeTable::default();
        table.add(probe(1, 0));
        let whole = serde_json::to_value(&table).unwrap();
        let refused = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut changed = whole.clone();
            change(&mut changed);
            serde_json::from_value::<ProbeTable>(changed).unwrap_err().to_string()
        };
        let twice = refused(&|table| {
            let first = table["probes"][0].clone();
            table["probes"].as_array_mut().unwrap().push(first);
        });
        assert_eq!(twice, "probe 1 is the same as probe 0");
        let nowhere = refused(&|table| table["probes"][0]["profile"] = 7.into());
        assert_eq!(nowhere, "probe 0 names profile 7 of 1 profiles");
        let nothing = refused(&|table| {
            table["probes"][0]["seen"] = serde_json::json!({"outcomes": [], "attempts": [[0, 3]]});
        });
        assert_eq!(nothing, "an attempt of probe 0 names outcome 0 of 0 outcomes");
    }

    proptest! {
        #[test]
        fn a_table_reads_back_as_it_was(
            probes in prop::collection::vec((any::<u16>(), 0_u32..3), 0..20),
            outcomes in prop::collection::vec(0_usize..4, 0..9),
            lost in prop::option::of("[a-z]{1,5}"),
        ) {
            let mut table = ProbeTable::default();
            for (port, settle_ms) in probes {
                let id = table.add(probe(port, settle_ms));
                if port % 3 > 0 {
                    let attempts = outcomes
                        .iter()
                        .map(|&which| Attempt {
                            millis: which as u32,
                            outcome: [
                                Outcome::Refused,
                                Outcome::TimedOut,
                                Outcome::Connected,
                                Outcome::Unreachable { detail: "no route".to_owned() },
                            ][which].clone(),
                        })
                        .collect();
                    table.observe(id, Observation { attempts, lost: lost.clone() });
                }
            }
            let written = serde_json::to_string(&table).unwrap();
            prop_assert_eq!(serde_json::from_str::<ProbeTable>(&written).unwrap(), table);
        }
    }
}
