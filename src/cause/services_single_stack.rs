//! `services_single_stack`: pods have a family that Services don't get.

use super::{CauseRule, Evidence, Found};
use crate::{check::reconfigure, fixture::Allocation, net::IpFamily};

#[derive(Debug)]
pub(super) struct ServicesSingleStack;

impl CauseRule for ServicesSingleStack {
    fn id(&self) -> &'static str {
        "services_single_stack"
    }

    fn why(&self) -> &'static str {
        "Pods reach each other in both families, but no client reaches them through a Service in this one, and \
         DNS has no records of it: for applications the cluster is single-stack."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let fixture = evidence.world.fixture;
    let refused = |allocation: &Allocation| matches!(allocation, Allocation::Refused { .. });
    let pods = fixture.backends.iter().chain(&fixture.probes);
    let pods = pods.filter(|pod| pod.address(family).is_some()).count();
    let accepted = fixture.services.iter().filter(|service| !refused(&service.allocation)).count();
    if pods == 0
        || accepted == 0
        || fixture.services.iter().any(|service| service.cluster_ip(family).is_some())
    {
        return None;
    }
    Some(Found {
        what: format!(
            "No Service gets an {family} ClusterIP, though pods have {family} addresses."
        ),
        evidence: vec![
            format!("{pods} of this run's pods have an {family} address"),
            format!(
                "{accepted} Services were accepted without {family}, {} refused",
                fixture.services.len() - accepted
            ),
        ],
        reproduce: vec![
            "kubectl get servicecidrs  # Kubernetes 1.33 or later".to_owned(),
            "kubectl -n kube-system get pods -l component=kube-apiserver -o yaml | grep \
             service-cluster-ip-range"
                .to_owned(),
        ],
        fix: vec![
            reconfigure::service_ranges(&format!("a second range, of {family},")),
            "Then patch the Services that need both families with ipFamilyPolicy PreferDualStack."
                .to_owned(),
        ],
        cases: evidence
            .red("service::cluster_ips", |_| true)
            .into_iter()
            .chain(evidence.red("service::ranges", |judged| judged.case.family == Some(family)))
            .collect(),
        ..Found::default()
    })
}
