//! What DNS pods are asked at their own addresses.

use crate::{
    cause::{Evidence, evidence::Probed},
    probe::{Aim, Target},
};

/// Whether a DNS server is asked by UDP.
pub(super) const fn udp(probed: &Probed<'_>) -> bool {
    matches!(probed.probe.target, Target::DnsServer { .. })
}

/// The probes of a DNS pod at its own address that a case is about.
pub(super) fn own<'e, 'a>(
    evidence: &'e Evidence<'a>,
    case: usize,
) -> impl Iterator<Item = &'e Probed<'a>> {
    let ids = evidence.judged.get(case).map(|judged| &judged.case.probes);
    evidence.probed.iter().filter(move |probed| {
        matches!(probed.probe.aim, Aim::DnsPod { .. })
            && ids.is_some_and(|ids| ids.contains(&probed.id()))
    })
}
