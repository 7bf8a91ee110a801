//! Whatever is observed, judging says something sound and never panics.

use std::net::IpAddr;

use proptest::prelude::*;

use super::assert_well_said;
use crate::{
    check::Status,
    lab::Lab,
    net::IpFamily::{V4, V6},
    probe::{Answer, Attempt, Observation, Outcome},
};

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
        Just("10.244.1.10".parse().unwrap()),
        Just("fd00:10:244:2::10".parse().unwrap()),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let answer = ("(nginx-[12]-xyz|[a-z]{1,5})", address(), address(), any::<u32>()).prop_map(
        |(pod, server, client, payload)| Outcome::Answered(Answer { pod, server, client, payload }),
    );
    prop_oneof![
        answer,
        Just(Outcome::Connected),
        prop::collection::vec(address(), 0..3).prop_map(|addresses| Outcome::Records { addresses }),
        Just(Outcome::NoRecords),
        Just(Outcome::NoSuchName),
        "[a-z]{1,9}".prop_map(|detail| Outcome::DnsFailure { detail }),
        Just(Outcome::Refused),
        Just(Outcome::TimedOut),
        "[a-z]{1,9}".prop_map(|detail| Outcome::Unreachable { detail }),
        Just(Outcome::Reset),
        "[a-z]{1,9}".prop_map(|detail| Outcome::WrongAnswer { detail }),
    ]
}

/// What came of one probe, if anything did: its attempts, and why it was cut off.
type Seen = Option<(Vec<Outcome>, Option<String>)>;

fn seen() -> impl Strategy<Value = Seen> {
    let lost = prop::option::weighted(0.1, Just("the exec broke".to_owned()));
    prop::option::weighted(0.9, (prop::collection::vec(outcome(), 0..4), lost))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_observations_are_judged(
        seen in prop::collection::vec(seen(), 16),
        nodes in 1_usize..4,
        shape in 0_usize..4,
        suite in 0_usize..5,
    ) {
        let families = [&[V4, V6][..], &[V6, V4], &[V4], &[V6]][shape];
        let suite = crate::suites::EMBEDDED[suite].0;
        let lab = Lab::new(nodes, families).under(suite);
        let mut seen = seen.into_iter().cycle();
        let run = lab.judge(|_| {
            let (outcomes, lost) = seen.next().flatten()?;
            let attempts =
                outcomes.into_iter().map(|outcome| Attempt { millis: 1, outcome }).collect();
            Some(Observation { attempts, lost })
        });
        let red = run.names(Status::Fail);
        let doubtful = run.names(Status::Inconclusive);
        for judged in &run.record.judged {
            assert_well_said(&judged.case.name(), &judged.verdict);
        }
        for cause in &run.record.causes {
            prop_assert!(!cause.explains.is_empty());
            for name in &cause.explains {
                prop_assert!(red.contains(name) || doubtful.contains(name), "{name} is not red");
            }
        }
    }
}
