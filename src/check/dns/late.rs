//! What else DNS says, and how soon it knew, for questions about less than all names.

use super::{questions, records};
use crate::{
    check::{Blocked, Readings, World, plan::Source},
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Outcome, Probe},
};

/// The Service that is asked for to compare with.
pub(super) const OTHER: ServiceRole = ServiceRole::PreferDualStack;

/// Questions from the same place for a Service's ClusterIP, and to every DNS server.
pub(super) fn witnesses(world: World<'_>, source: &Source<'_>, family: IpFamily) -> Vec<Probe> {
    let known = world.fixture.service(&OTHER).filter(|it| it.cluster_ip(family).is_some());
    let named = known.map(|service| records::question(world, service, family, &source.vantage));
    named.into_iter().chain(questions::asked_from(world, source)).collect()
}

/// What explains a wrong answer without the name that was asked for: DNS doesn't answer other questions
/// either, or learns of Services late.
pub(super) fn elsewhere(readings: &Readings<'_>) -> Option<Blocked> {
    let others = || readings.witnesses.iter();
    let lost = others().find_map(|witness| {
        let by = match witness.probe.aim {
            Aim::Records { .. } => "dns::records",
            _ => "dns::servers",
        };
        let detail = &witness.symptom()?.detail;
        let reason = format!("DNS doesn't answer other questions rightly ({detail})");
        Some(Blocked { by: Some(by), reason })
    });
    let late = || {
        let unknown = |witness: &&crate::check::Reading<'_>| {
            matches!(witness.probe.aim, Aim::Records { .. })
                && witness.attempts.iter().any(|it| it.outcome == Outcome::NoSuchName)
        };
        let reason = "DNS learnt of other Services late, and may not know of this one yet";
        others()
            .any(|witness| unknown(&witness))
            .then(|| Blocked { by: None, reason: reason.to_owned() })
    };
    lost.or_else(late)
}
