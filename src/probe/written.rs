//! How a [`ProbeTable`] is written down: what many probes or attempts share stands there once.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Aim, Attempt, Attempts, Observation, Outcome, Probe, ProbeTable, Target, Vantage};

/// A table of probes as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Table {
    /// The different ways in which probes are tried.
    profiles: Vec<Attempts>,
    /// The probes; a probe's id is its place here, counted from 0.
    probes: Vec<Row>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    from: Vantage,
    to: Aim,
    target: Target,
    /// The place in `profiles` of how it is tried.
    profile: usize,
    /// Left out where the run ended before it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<Seen>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Seen {
    /// The different outcomes, in the order in which they came first.
    outcomes: Vec<Outcome>,
    /// Each attempt: the place of its outcome in `outcomes`, and how many milliseconds it took.
    attempts: Vec<(usize, u32)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<String>,
}

/// A table that contradicts itself.
#[derive(Debug, thiserror::Error)]
enum Contradiction {
    #[error("probe {0} is the same as probe {1}")]
    Twice(usize, usize),
    #[error("probe {probe} names profile {profile} of {profiles} profiles")]
    NoProfile { probe: usize, profile: usize, profiles: usize },
    #[error("an attempt of probe {probe} names outcome {outcome} of {outcomes} outcomes")]
    NoOutcome { probe: usize, outcome: usize, outcomes: usize },
}

impl Serialize for ProbeTable {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        Table::from(self).serialize(output)
    }
}

impl<'de> Deserialize<'de> for ProbeTable {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Self::try_from(Table::deserialize(input)?).map_err(de::Error::custom)
    }
}

/// The place of a value in a list, which it is added to if it isn't there.
fn place<T: PartialEq>(list: &mut Vec<T>, value: T) -> usize {
    list.iter().position(|known| *known == value).unwrap_or_else(|| {
        list.push(value);
        list.len() - 1
    })
}

impl From<&ProbeTable> for Table {
    fn from(table: &ProbeTable) -> Self {
        let mut profiles = Vec::new();
        let probes = table.iter().map(|(_, probe, observation)| Row {
            from: probe.vantage.clone(),
            to: probe.aim.clone(),
            target: probe.target.clone(),
            profile: place(&mut profiles, probe.attempts),
            seen: observation.map(Seen::from),
        });
        let probes = probes.collect();
        Self { profiles, probes }
    }
}

impl From<&Observation> for Seen {
    fn from(observation: &Observation) -> Self {
        let mut outcomes = Vec::new();
        let attempts = observation.attempts.iter();
        let attempts = attempts
            .map(|attempt| (place(&mut outcomes, attempt.outcome.clone()), attempt.millis))
            .collect();
        Self { outcomes, attempts, lost: observation.lost.clone() }
    }
}

impl TryFrom<Table> for ProbeTable {
    type Error = Contradiction;

    fn try_from(Table { profiles, probes }: Table) -> Result<Self, Contradiction> {
        let mut table = Self::default();
        for (number, row) in probes.into_iter().enumerate() {
            let Row { from: vantage, to: aim, target, profile, seen } = row;
            let attempts = *profiles.get(profile).ok_or(Contradiction::NoProfile {
                probe: number,
                profile,
                profiles: profiles.len(),
            })?;
            let id = table.add(Probe { vantage, aim, target, attempts });
            if table.len() <= number {
                return Err(Contradiction::Twice(number, id.0));
            }
            if let Some(seen) = seen {
                table.observe(id, seen.into_observation(number)?);
            }
        }
        Ok(table)
    }
}

impl Seen {
    fn into_observation(self, probe: usize) -> Result<Observation, Contradiction> {
        let Self { outcomes, attempts, lost } = self;
        let attempt = |(outcome, millis): (usize, u32)| match outcomes.get(outcome) {
            Some(known) => Ok(Attempt { millis, outcome: known.clone() }),
            None => Err(Contradiction::NoOutcome { probe, outcome, outcomes: outcomes.len() }),
        };
        let attempts = attempts.into_iter().map(attempt).collect::<Result<_, _>>()?;
        Ok(Observation { attempts, lost })
    }
}
