//! `endpoints_missing`: proxies are not told of the backends in a family.

use super::{CauseRule, Evidence, Found, evidence::Probed, manual_slices_deleted};
use crate::{
    check::{Kind, words},
    fixture::{Service, ServiceRole},
    net::IpFamily,
    probe::{Aim, Target},
};

#[derive(Debug)]
pub(super) struct EndpointsMissing;

impl CauseRule for EndpointsMissing {
    fn id(&self) -> &'static str {
        "endpoints_missing"
    }

    fn why(&self) -> &'static str {
        "Proxies learn a Service's backends from EndpointSlices. Without them every node rejects connections to \
         the Service in this family, even if the pods are reachable."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let fixture = evidence.world.fixture;
    // The others may be meant to have none.
    let services = || fixture.services.iter().filter(|service| service.role.is_basic());
    let unserved: Vec<&Service> = services()
        .filter(|service| service.cluster_ip(family).is_some())
        .filter(|service| {
            service.slices.as_ref().is_some_and(|slices| {
                fixture.backends_of(service, family).next().is_some()
                    && slices.iter().all(|slice| slice.serves(family).next().is_none())
            })
        })
        .collect();
    let first = &unserved.first()?.name;
    let of_them = |role: &ServiceRole| unserved.iter().any(|service| service.role == *role);
    let served = services().filter(|service| service.cluster_ip(family).is_some());
    let all = unserved.len() == served.count();
    let names = unserved.iter().map(|service| &service.name);
    let which = if all { "any Service".to_owned() } else { words::list(names) };
    let refused = fixture.manual_slices_missing.as_ref();
    let policy = refused.map(|_| {
        "If the refusal names a policy or a webhook, correct that, or exempt what the control plane creates from \
         it."
            .to_owned()
    });
    let headless = |probed: &Probed<'_>| matches!(&probed.probe.aim, Aim::Name { service } if service.is_headless());
    // It tells that no backend of the family is there.
    let health = |probed: &Probed<'_>| {
        matches!(probed.probe.target, Target::Health { .. })
            && probed.service() == Some(&ServiceRole::HealthCheck)
    };
    // Where nobody may write any, those of Services without a selector are gone, too.
    let bereft = if all { manual_slices_deleted::bereft(evidence, family) } else { Vec::new() };
    let gone = bereft.first().map(|service| {
        format!(
            "the run's own EndpointSlices are gone, too, such as that of Service {}",
            service.name
        )
    });
    Some(Found {
        what: format!("The control plane publishes no {family} endpoints for {which}."),
        evidence: [format!(
            "{} of {family} without an endpoint, though pods behind them are ready and have \
                 {family} addresses",
            words::count(unserved.len(), "Service")
        )]
        .into_iter()
        .chain(refused.map(|refusal| format!("the run's own EndpointSlices were refused: {refusal}")))
        .chain(gone)
        .collect(),
        reproduce: vec![
            format!(
                "kubectl -n {} get endpointslices -l kubernetes.io/service-name={first} -o wide  # \
                 only after run --keep",
                fixture.namespace
            ),
            "kubectl -n kube-system logs -l component=kube-controller-manager --tail=100"
                .to_owned(),
        ],
        fix: policy.into_iter().chain([
            "Check that kube-controller-manager runs, and runs its endpointslice controller: \
             --controllers with `*` and without `-endpointslice-controller`."
                .to_owned(),
            "Check that no policy engine or admission webhook refuses EndpointSlices: `kubectl get \
             events -A | grep -i endpointslice`."
                .to_owned(),
        ]).collect(),
        probed: evidence.bad(|probed| {
            let asks = probed.service().is_some_and(of_them)
                && probed.kind() != Some(Kind::WrongAnswer);
            (probed.family == family && (asks || (all && (headless(probed) || health(probed)))))
                || manual_slices_deleted::misses(probed, &bereft, family)
        }),
        cases: ["service::endpoint_slices", "service::sctp"]
            .into_iter()
            .chain(all.then_some("dns::headless"))
            .flat_map(|check| evidence.red(check, |judged| judged.case.family == Some(family)))
            .collect(),
        ..Found::default()
    })
}
