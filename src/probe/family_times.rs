//! How long answers took in IPv6 beside IPv4, on the ways that answered in both.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Aim, Attempt, Probe, Target, Vantage};
use crate::net::IpFamily;

/// How long answers took in each family, on ways that answered in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyTimes {
    /// How many ways are compared.
    pub paths: usize,
    /// Over IPv4.
    pub ipv4: Times,
    /// Over IPv6.
    pub ipv6: Times,
}

/// How long answers took in a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// The median of the ways' time until the first success, in milliseconds: all that was spent in
    /// attempts, without the pauses between them.
    pub first_ms: u32,
    /// The median of all attempts that succeeded, in milliseconds.
    pub median_ms: u32,
    /// The quickest of them, in milliseconds.
    pub quickest_ms: u32,
    /// The slowest of them, in milliseconds.
    pub slowest_ms: u32,
}

/// The same from the same place to the same thing, whatever the family.
type Way<'a> = (&'a Vantage, &'a Aim, bool);

impl FamilyTimes {
    /// Compares what was tried. Large answers, what nobody may answer, and names are left out; so is
    /// what answered in one family alone, for that is another thing than being slow. `None` where
    /// nothing is left.
    pub fn of<'a>(tried: impl IntoIterator<Item = (&'a Probe, &'a [Attempt])>) -> Option<Self> {
        let mut ways: BTreeMap<Way<'a>, [Vec<&'a [Attempt]>; 2]> = BTreeMap::new();
        for (probe, attempts) in tried {
            let of_interest = matches!(
                probe.target,
                Target::Http { .. } | Target::Tcp { .. } | Target::Udp { .. }
            ) && !probe.target.is_large();
            if of_interest && attempts.iter().any(|attempt| attempt.outcome.succeeded()) {
                let way = (&probe.vantage, &probe.aim, probe.target.is_udp());
                let [ipv4, ipv6] = ways.entry(way).or_default();
                match probe.family() {
                    IpFamily::V4 => ipv4.push(attempts),
                    IpFamily::V6 => ipv6.push(attempts),
                }
            }
        }
        ways.retain(|_, families| families.iter().all(|tried| !tried.is_empty()));
        let of = |place: usize| Times::of(ways.values().flat_map(|way| way[place].iter().copied()));
        Some(Self { paths: ways.len(), ipv4: of(0)?, ipv6: of(1)? })
    }

    /// The family whose median is lower, its times, and those of the other.
    pub const fn ordered(&self) -> (IpFamily, Times, Times) {
        if self.ipv4.median_ms <= self.ipv6.median_ms {
            (IpFamily::V4, self.ipv4, self.ipv6)
        } else {
            (IpFamily::V6, self.ipv6, self.ipv4)
        }
    }
}

impl Times {
    fn of<'a>(ways: impl Iterator<Item = &'a [Attempt]>) -> Option<Self> {
        let (mut first, mut all) = (Vec::new(), Vec::new());
        for attempts in ways {
            let place = attempts.iter().position(|attempt| attempt.outcome.succeeded())?;
            let until = attempts.iter().take(place + 1).map(|attempt| attempt.millis);
            first.push(until.fold(0_u32, u32::saturating_add));
            let succeeded = attempts.iter().filter(|attempt| attempt.outcome.succeeded());
            all.extend(succeeded.map(|attempt| attempt.millis));
        }
        let (quickest, slowest) = (all.iter().min().copied()?, all.iter().max().copied()?);
        Some(Self {
            first_ms: median(first)?,
            median_ms: median(all)?,
            quickest_ms: quickest,
            slowest_ms: slowest,
        })
    }
}

/// The one in the middle, of two the larger.
fn median(mut times: Vec<u32>) -> Option<u32> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Attempts, Outcome};

    fn probe(node: &str, address: &str) -> Probe {
        let attempts = Attempts {
            timeout_ms: 3000,
            patience_ms: 500,
            settle_ms: 6000,
            distinct: 1,
            successes: 2,
            bound: 1,
        };
        Probe {
            vantage: Vantage::Pod { node: "n1".to_owned() },
            aim: Aim::Backend { node: node.to_owned() },
            target: Target::Http { address: address.parse().unwrap(), payload: 0 },
            attempts,
        }
    }

    fn attempts(times: &[u32], failed: usize) -> Vec<Attempt> {
        let outcome = |place| if place < failed { Outcome::TimedOut } else { Outcome::Connected };
        let times = times.iter().enumerate();
        times.map(|(place, &millis)| Attempt { millis, outcome: outcome(place) }).collect()
    }

    #[test]
    fn the_first_success_counts_what_failed_before_it_and_the_median_does_not() {
        let seen = [
            (probe("n1", "10.0.0.1:80"), attempts(&[10, 20], 0)),
            (probe("n2", "10.0.0.2:80"), attempts(&[10, 10], 0)),
            (probe("n1", "[fd00::1]:80"), attempts(&[500, 40, 30], 1)),
            (probe("n2", "[fd00::2]:80"), attempts(&[30, 30], 0)),
        ];
        let beside = FamilyTimes::of(seen.iter().map(|(probe, seen)| (probe, seen.as_slice())));
        let ipv4 = Times { first_ms: 10, median_ms: 10, quickest_ms: 10, slowest_ms: 20 };
        let ipv6 = Times { first_ms: 540, median_ms: 30, quickest_ms: 30, slowest_ms: 40 };
        assert_eq!(beside, Some(FamilyTimes { paths: 2, ipv4, ipv6 }));
        assert_eq!(beside.unwrap().ordered(), (IpFamily::V4, ipv4, ipv6));
    }

    #[test]
    fn a_way_that_answers_in_one_family_alone_is_not_compared() {
        let silent = attempts(&[3000, 3000], 2);
        let seen = [
            (probe("n1", "10.0.0.1:80"), attempts(&[10], 0)),
            (probe("n2", "10.0.0.2:80"), attempts(&[900], 0)),
            (probe("n1", "[fd00::1]:80"), attempts(&[20], 0)),
            (probe("n2", "[fd00::2]:80"), silent),
        ];
        let beside = |count| {
            let seen = seen.iter().take(count);
            FamilyTimes::of(seen.map(|(probe, seen)| (probe, seen.as_slice())))
        };
        assert_eq!(beside(4).map(|it| (it.paths, it.ipv4.median_ms)), Some((1, 10)));
        assert_eq!(beside(2), None);
    }
}
