//! What else DNS says, and how soon it knew, for questions about less than all names.

use super::records;
use crate::{
    check::{Blocked, Readings, World, plan::Source},
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Outcome, Probe},
};

/// The Service that is asked for to compare with.
pub(super) const OTHER: ServiceRole = ServiceRole::PreferDualStack;

/// A question from the same place for a Service's ClusterIP.
pub(super) fn known(world: World<'_>, source: &Source<'_>, family: IpFamily) -> Option<Probe> {
    let known = world.fixture.service(&OTHER).filter(|it| it.cluster_ip(family).is_some());
    known.map(|service| records::question(world, service, family, &source.vantage))
}

/// That DNS doesn't answer other questions either.
pub(super) fn lost(readings: &Readings<'_>) -> Option<Blocked> {
    readings.witnesses.iter().find_map(|witness| {
        let by = match witness.probe.aim {
            Aim::Records { .. } => "dns::records",
            _ => "dns::servers",
        };
        let detail = &witness.symptom()?.detail;
        let reason = format!("DNS doesn't answer other queries correctly ({detail})");
        Some(Blocked { by: Some(by), reason })
    })
}

/// What explains a wrong answer without the name that was asked for: DNS doesn't answer other questions
/// either, or learns of Services late.
pub(super) fn elsewhere(readings: &Readings<'_>) -> Option<Blocked> {
    let late = || {
        let unknown = |witness: &&crate::check::Reading<'_>| {
            matches!(witness.probe.aim, Aim::Records { .. })
                && witness.attempts.iter().any(|it| it.outcome == Outcome::NoSuchName)
        };
        let reason = "DNS learnt of other Services late, and may not know of this one yet";
        readings
            .witnesses
            .iter()
            .any(|witness| unknown(&witness))
            .then(|| Blocked { by: None, reason: reason.to_owned() })
    };
    lost(readings).or_else(late)
}
