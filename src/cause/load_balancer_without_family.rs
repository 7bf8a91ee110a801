//! `load_balancer_without_family`: a provider gives Services addresses of one family alone, or none.

use super::{CauseRule, Confidence, Evidence, Found};
use crate::{
    check::{NO_ADDRESS, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct LoadBalancerWithoutFamily;

impl CauseRule for LoadBalancerWithoutFamily {
    fn id(&self) -> &'static str {
        "load_balancer_without_family"
    }

    fn why(&self) -> &'static str {
        "Load balancer providers assign addresses from pools, and each pool has one family. If one is missing \
         or exhausted, a Service gets only the other family, or stays pending, and only its Events say so."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        in_cluster(evidence).into_iter().collect()
    }
}

fn in_cluster(evidence: &Evidence<'_>) -> Option<Found> {
    let balanced = evidence.world.fixture.load_balancing.asked()?;
    let cases = evidence
        .red("service::load_balancer", |judged| judged.verdict.detail().starts_with(NO_ADDRESS));
    let families: Vec<IpFamily> =
        cases.iter().filter_map(|&place| evidence.judged.get(place)?.case.family).collect();
    if families.is_empty() {
        return None;
    }
    let who = balanced.provider.as_deref().unwrap_or("The cluster's load balancer provider");
    let lacking = words::list(&families);
    let given = match balanced.ingress.as_slice() {
        [] => "status.loadBalancer.ingress is empty".to_owned(),
        some => format!("status.loadBalancer.ingress has only {}", words::list(some)),
    };
    let waited = balanced.waited_seconds.unwrap_or_default();
    let evidence = std::iter::once(format!("{given} after {waited} s"))
        .chain(balanced.events.iter().cloned())
        .chain(balanced.unread.iter().map(|why| format!("not read: {why}")));
    Some(Found {
        what: format!(
            "{who} gives a Service of type LoadBalancer no {lacking} address."
        ),
        confidence: Confidence::Proved,
        evidence: evidence.collect(),
        reproduce: vec![
            "kubectl get services -A --field-selector spec.type=LoadBalancer -o wide".to_owned(),
            "kubectl get events -A --field-selector involvedObject.kind=Service".to_owned(),
        ],
        fix: vec![
            format!(
                "Give the provider a pool of {lacking} addresses with room in it (MetalLB: an \
                 IPAddressPool with a range of each family), and see its log."
            ),
            "Where it can't serve both families of one Service, make a Service for each family, with \
             ipFamilyPolicy SingleStack."
                .to_owned(),
        ],
        cases,
        ..Found::default()
    })
}
