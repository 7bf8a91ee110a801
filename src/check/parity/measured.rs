//! What a run measured of both families.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{kinds::KINDS, preference};
use crate::{
    check::{Case, World},
    probe::{FamilyTimes, ProbeId, ProbeTable},
};

/// How long answers took in both families, and which of them programs will use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parity {
    /// By kind of path, in the registry's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<KindOfPath>,
    /// Which family RFC 6724 makes of the pods' and Services' addresses for a name that has both, in
    /// sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference: Option<String>,
}

/// The times of one kind of path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindOfPath {
    /// The check that tries it.
    pub check: String,
    /// Its times.
    #[serde(flatten)]
    pub times: FamilyTimes,
}

impl Parity {
    /// Whether nothing was measured and nothing is to be said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl KindOfPath {
    /// Whether the two families differ so much that it is worth a line: by more than a busy machine
    /// makes of it.
    pub const fn is_unlike(&self) -> bool {
        let (_, fast, slow) = self.times.ordered();
        let (fast, slow) = (fast.median_ms, slow.median_ms);
        slow.saturating_sub(fast) >= 100 && slow >= fast.saturating_mul(2)
    }
}

/// What was measured, in a run that judged these cases.
pub fn parity<'a>(
    world: World<'_>,
    cases: impl IntoIterator<Item = &'a Case>,
    probes: &ProbeTable,
) -> Parity {
    let mut tried: [BTreeSet<ProbeId>; KINDS.len()] = Default::default();
    for case in cases {
        let kind = KINDS.iter().zip(&mut tried).find(|((check, _), _)| *check == case.check);
        if let Some((_, ids)) = kind {
            ids.extend(&case.probes);
        }
    }
    let kinds = KINDS.iter().zip(tried).filter_map(|((check, _), ids)| {
        let seen = ids.into_iter().filter_map(|id| {
            Some((probes.probe(id)?, probes.observation(id)?.attempts.as_slice()))
        });
        Some(KindOfPath { check: (*check).to_owned(), times: FamilyTimes::of(seen)? })
    });
    let kinds: Vec<KindOfPath> = kinds.collect();
    let preference = if kinds.is_empty() { None } else { preference::sentence(world) };
    Parity { kinds, preference }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        lab::{Fault, Lab},
        net::IpFamily::V6,
    };

    #[test]
    fn a_run_measures_each_kind_of_path_and_a_slow_family_stands_out() {
        let healthy = Lab::dual().with_hosts().run().record.parity;
        let checks: Vec<&str> = healthy.kinds.iter().map(|kind| kind.check.as_str()).collect();
        assert_eq!(checks, KINDS.map(|(check, _)| check));
        assert!(!healthy.kinds.iter().any(KindOfPath::is_unlike));
        let slow = Fault::Slow { at: "n2", millis: 210, family: V6 };
        let run = Lab::dual().with(slow).run();
        let pods = &run.record.parity.kinds[0];
        // Nine ways, of which four lead to n2 or away from it, and not to itself.
        assert_eq!((pods.times.paths, pods.times.ipv4.median_ms), (9, 10));
        assert!(!pods.is_unlike(), "most ways are as fast as ever");
        let everywhere = ["n1", "n2", "n3"].map(|at| Fault::Slow { at, millis: 210, family: V6 });
        let lab = everywhere.into_iter().fold(Lab::dual(), Lab::with);
        let pods = &lab.run().record.parity.kinds[0];
        assert!(pods.is_unlike() && pods.times.ipv6.median_ms == 210);
    }

    #[test]
    fn one_family_has_nothing_beside_it() {
        let lab = Lab::new(3, &[crate::net::IpFamily::V4]).under("single-stack-ipv4");
        assert!(lab.run().record.parity.is_empty());
    }
}
