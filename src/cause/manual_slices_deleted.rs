//! `manual_slices_deleted`: EndpointSlices that their owner wrote are gone.

use std::collections::BTreeSet;

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, words},
    fixture::{Service, ServiceRole},
    net::IpFamily,
    probe::{Aim, ProbeId},
};

#[derive(Debug)]
pub(super) struct ManualSlicesDeleted;

impl CauseRule for ManualSlicesDeleted {
    fn id(&self) -> &'static str {
        "manual_slices_deleted"
    }

    fn why(&self) -> &'static str {
        "Services without a selector point to databases outside the cluster, to other clusters and to what operators \
         manage. Only their owner writes their EndpointSlices, and does not notice that they are gone; meanwhile every \
         node rejects the Service in this family."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

/// The Services without a selector whose EndpointSlices the run wrote, and of which the API server has none of a
/// family with a backend any more. Those of the Service whose endpoints change may be without any.
pub(super) fn bereft<'a>(evidence: &Evidence<'a>, family: IpFamily) -> Vec<&'a Service> {
    let fixture = evidence.world.fixture;
    if fixture.manual_slices_missing.is_some() {
        return Vec::new();
    }
    let is_bereft = |service: &&Service| {
        service.role.is_manual()
            && service.role != ServiceRole::Changing
            && service.families().contains(&family)
            && fixture.backends_of(service, family).next().is_some()
            && service.slices.as_ref().is_some_and(|slices| {
                slices.iter().all(|slice| slice.serves(family).next().is_none())
            })
    };
    fixture.services.iter().filter(is_bereft).collect()
}

/// Whether a probe failed for want of the endpoints of one of these Services, or of their records.
pub(super) fn misses(probed: &Probed<'_>, bereft: &[&Service], family: IpFamily) -> bool {
    let asks = match &probed.probe.aim {
        // Somebody deletes those of that one, too.
        Aim::Changing { .. } => !bereft.is_empty(),
        Aim::Name { service } => bereft.iter().any(|it| it.role == *service),
        aim => aim.service().is_some_and(|role| bereft.iter().any(|it| it.role == *role)),
    };
    asks && probed.family == family && probed.kind() != Some(Kind::WrongAnswer)
}

/// The cases of headless Services in which nothing else went wrong.
fn of_records(
    evidence: &Evidence<'_>,
    probed: &BTreeSet<ProbeId>,
    family: IpFamily,
) -> BTreeSet<usize> {
    let bad = evidence.bad(|_| true);
    evidence.red("dns::headless", |judged| {
        let mut wrong = judged.case.probes.iter().filter(|id| bad.contains(id));
        judged.case.family == Some(family) && wrong.all(|id| probed.contains(id))
    })
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let bereft = bereft(evidence, family);
    let first = bereft.first()?;
    let fixture = evidence.world.fixture;
    let emptied = |service: &Service| {
        let slices = service.slices.iter().flatten();
        slices.filter(|slice| slice.family == Some(family)).count() > 0
    };
    let seen = bereft.iter().take(4).map(|service| {
        let (name, slug) = (&service.name, family.slug());
        let what = if emptied(service) {
            format!("has EndpointSlices of addressType {family} without endpoints")
        } else {
            format!("no longer has an EndpointSlice of addressType {family}")
        };
        format!("Service {name} {what}; the API server had accepted {name}-{slug} from the run")
    });
    let namespace = &fixture.namespace;
    let probed = evidence.bad(|probed| misses(probed, &bereft, family));
    Some(Found {
        what: format!(
            "{family} EndpointSlices that the control plane did not write are being deleted: those that the run \
             created for {} without a selector are gone.",
            words::count(bereft.len(), "Service")
        ),
        confidence: Confidence::Proved,
        evidence: seen.collect(),
        reproduce: vec![
            format!(
                "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={} -w \
                 --output-watch-events  # while a run is on",
                first.name
            ),
        ],
        fix: vec![
            "Find who deletes them: the API server's audit log names the user of each `delete` of endpointslices. The \
             usual ones are a clean-up policy, a controller that treats every slice as its own, or one that supports \
             only one family. `kubectl auth can-i delete endpointslices -A --as \
             system:serviceaccount:NAMESPACE:NAME` shows whether it may."
                .to_owned(),
            "Make it leave slices of others in place: the label endpointslice.kubernetes.io/managed-by names their \
             owner."
                .to_owned(),
        ],
        cases: of_records(evidence, &probed, family),
        probed,
    })
}
