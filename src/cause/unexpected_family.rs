//! `unexpected_family`: the suite is for single-stack, and the cluster has the other family too.

use super::{CauseRule, Evidence, Found};
use crate::{
    check::{Subject, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct UnexpectedFamily;

impl CauseRule for UnexpectedFamily {
    fn id(&self) -> &'static str {
        "unexpected_family"
    }

    fn why(&self) -> &'static str {
        "A cluster with an unintended family exposes its Services and pods in it, often past firewalls that \
         only cover the other one."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        IpFamily::ALL
            .into_iter()
            .filter(|family| !evidence.world.suite.families.contains(family))
            .filter_map(|family| in_family(evidence, family))
            .collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let suite = evidence.world.suite;
    let services: Vec<&str> = evidence
        .world
        .fixture
        .services
        .iter()
        .filter(|service| service.cluster_ip(family).is_some())
        .map(|service| service.name.as_str())
        .collect();
    let of_family = |check| evidence.red(check, |judged| judged.case.family == Some(family));
    let pods = of_family("pod::pod_ips");
    let ranges = of_family("node::pod_cidrs");
    let addresses = of_family("node::internal_ips");
    let service_ranges = of_family("service::ranges");
    let api_server = of_family("control_plane::kubernetes_service");
    let allocations = evidence.red("service::cluster_ips", |judged| {
        matches!(&judged.case.subject, Subject::Service { name } if evidence.world.fixture.services
            .iter()
            .any(|service| service.role.to_string() == *name && service.cluster_ip(family).is_some()))
    });
    // A node may have an address that the cluster makes no use of; the cluster has the family when
    // pods or Services do.
    if pods.is_empty() && ranges.is_empty() && allocations.is_empty() {
        return None;
    }
    let mut seen = Vec::new();
    let mut count = |what: &str, n: usize| {
        if n > 0 {
            seen.push(format!("{} with {family}", words::count(n, what)));
        }
    };
    count("node pod range", ranges.len());
    count("InternalIP", addresses.len());
    count("pod", pods.len());
    count("Service", services.len());
    Some(Found {
        what: format!(
            "The cluster has {family}, and the suite {} expects only {}.",
            suite.name,
            words::list(&suite.families)
        ),
        evidence: seen,
        reproduce: vec![
            "kubectl get nodes -o custom-columns=NAME:.metadata.name,PODCIDRS:.spec.podCIDRs"
                .to_owned(),
            "kubectl get servicecidrs  # Kubernetes 1.33 or later".to_owned(),
        ],
        fix: vec![
            "If the cluster is meant to be dual-stack, run the suite dual-stack.".to_owned(),
            format!(
                "If not, make it without {family} ranges (kubeadm: networking.podSubnet and \
                 networking.serviceSubnet): a cluster is not turned back in place."
            ),
        ],
        cases: [pods, ranges, addresses, service_ranges, api_server, allocations]
            .into_iter()
            .flatten()
            .collect(),
        ..Found::default()
    })
}
