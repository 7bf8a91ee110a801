//! `api_server_without_pods`: the API server doesn't reach pods in a family, while pods do.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{commands, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct ApiServerWithoutPods;

impl CauseRule for ApiServerWithoutPods {
    fn id(&self) -> &'static str {
        "api_server_without_pods"
    }

    fn why(&self) -> &'static str {
        "Admission webhooks and aggregated APIs of the family time out. A webhook with failurePolicy Fail \
         then blocks every request that it matches: pods are not created, and upgrades stop halfway."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let example = evidence.of(family).find(|probed| probed.is_proxied() && probed.bad())?;
    let mut ways = evidence.of(family).filter(|probed| probed.is_pod_path() && !probed.large);
    if ways.any(|probed| probed.bad()) {
        return None;
    }
    let hosts: Vec<&str> =
        evidence.nodes().into_iter().filter(|node| evidence.serves_api_by_any(node)).collect();
    let place = if hosts.is_empty() { "the control plane".to_owned() } else { words::list(&hosts) };
    let mut seen = vec![
        format!("{} by the API server's proxy: {}", example.probe.target, example.seen()),
        format!("pods on all nodes reach each other over {family}"),
    ];
    if !hosts.is_empty() {
        seen.push(format!("the API server runs on {place}"));
    }
    // The network of its node is the API server's, too.
    let likewise = |probed: &Probed<'_>| {
        let by_host = probed.by_host() && probed.from().is_some_and(|node| hosts.contains(&node));
        probed.family == family && by_host && !probed.is_dns() && !probed.is_api_server()
    };
    if let Some(other) = evidence.of(family).find(|probed| likewise(probed) && probed.bad()) {
        seen.push(format!(
            "other processes of {place} don't reach them either: {} to {}: {}",
            other.probe.vantage,
            other.probe.target,
            other.seen()
        ));
    }
    let node = hosts.first().copied();
    let ip = evidence
        .world
        .fixture
        .backends
        .iter()
        .find_map(|pod| pod.address(family).filter(|_| Some(pod.node.as_str()) != node));
    let mut reproduce = vec![
        "kubectl -n kube-system logs -l component=kube-apiserver --tail=100 | grep -iE 'proxy|dial'"
            .to_owned(),
    ];
    if let (Some(node), Some(ip)) = (node, ip) {
        reproduce.push(commands::route(node, ip));
        reproduce.push(commands::rules(node));
    }
    Some(Found {
        what: format!(
            "The API server does not reach pods over {family}, though pods reach each other: webhooks \
             and aggregated APIs fail in this family."
        ),
        evidence: seen,
        reproduce,
        fix: vec![
            format!(
                "Let {place} through to the pods' ports over {family}: security groups, firewalls on the \
                 nodes, and NetworkPolicies, which must admit the control plane's addresses."
            ),
            format!(
                "Check that {place} has routes, or the pod network's tunnel, to the {family} pod ranges of \
                 every node."
            ),
            "With Konnectivity or a managed control plane, see the tunnel's agents, and whether the \
             provider carries the family."
                .to_owned(),
        ],
        probed: evidence
            .bad(|probed| probed.family == family && probed.is_proxied() || likewise(probed)),
        ..Found::default()
    })
}
