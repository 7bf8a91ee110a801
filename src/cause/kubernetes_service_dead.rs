//! `kubernetes_service_dead`: pods of a node don't reach the API server by its Service, though other
//! ClusterIPs answer.

use super::{
    CauseRule, Evidence, Found,
    evidence::{Origin, Probed},
};
use crate::{
    check::{Kind, commands, remedy, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct KubernetesServiceDead;

impl CauseRule for KubernetesServiceDead {
    fn id(&self) -> &'static str {
        "kubernetes_service_dead"
    }

    fn why(&self) -> &'static str {
        "Everything in the cluster that connects to the API server uses the Service default/kubernetes: DNS \
         servers, ingress controllers, operators, the agents of the pod network. On such a node they start and \
         then fail one after the other."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

/// The connections to the API server from a node, by its pod and by its own network.
fn tried<'e, 'a>(
    evidence: &'e Evidence<'a>,
    family: IpFamily,
    node: &'e str,
) -> impl Iterator<Item = &'e Probed<'a>> {
    evidence
        .touching(node, family)
        .filter(move |probed| probed.is_api_server() && probed.from() == Some(node))
}

/// The DNS pods on these nodes.
fn dns_pods<'a>(evidence: &Evidence<'a>, nodes: &[&str]) -> Vec<&'a str> {
    let dns = evidence.world.facts.cluster_dns.known().into_iter();
    let there = |node: Option<&str>| node.is_some_and(|node| nodes.contains(&node));
    let pods = dns.flat_map(|dns| &dns.pods).filter(|pod| there(pod.node.as_deref()));
    pods.map(|pod| pod.name.as_str()).collect()
}

/// Whether a name is unknown because one of these DNS pods doesn't hear of new Services.
fn unlearned(evidence: &Evidence<'_>, probed: &Probed<'_>, dns: &[&str]) -> bool {
    let all = || {
        let pods = evidence.world.facts.cluster_dns.known().into_iter().flat_map(|dns| &dns.pods);
        pods.filter(|pod| pod.ready).all(|pod| dns.contains(&pod.name.as_str()))
    };
    probed.kind() == Some(Kind::NoSuchName)
        && match probed.origin {
            Origin::DnsPod(pod) => dns.contains(&pod),
            // Which one a resolver asked is not known; those that learn of Services answer, too.
            _ => {
                let now_and_then = probed.symptom().is_some_and(|symptom| symptom.intermittent);
                probed.is_dns() && !dns.is_empty() && (now_and_then || all())
            }
        }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let mut nodes = evidence.nodes();
    nodes.retain(|node| tried(evidence, family, node).any(Probed::dead));
    let node = *nodes.first()?;
    let everywhere = nodes.len() == evidence.nodes().len();
    let example = tried(evidence, family, node).find(|probed| probed.dead())?;
    let address = example.probe.target.address()?;
    let names = words::list(&nodes);
    let works = evidence
        .touching(node, family)
        .find(|probed| probed.is_cluster_ip() && probed.from() == Some(node) && probed.good());
    let mut seen = vec![format!("{address} from {node}: {}", example.seen())];
    seen.extend(
        works
            .map(|works| format!("another ClusterIP, {}, answers from {node}", works.probe.target)),
    );
    if !everywhere {
        seen.push(format!("from other nodes {address} accepts connections"));
    }
    let dns = dns_pods(evidence, &nodes);
    if evidence.probed.iter().any(|probed| unlearned(evidence, probed, &dns)) {
        let runs = if dns.len() == 1 { "runs" } else { "run" };
        seen.push(format!(
            "of the DNS pods, {} {runs} there, and can't learn of Services from the API server",
            words::list(&dns)
        ));
    }
    let slices = "kubectl -n default get endpointslices -l kubernetes.io/service-name=kubernetes";
    let mut fix = Vec::new();
    if tried(evidence, family, node).all(|probed| probed.kind() == Some(Kind::Refused)) {
        fix.push(format!(
            "Refused means that the Service has no endpoint that listens: compare `{slices}` with the \
             addresses of the API servers (kube-apiserver's --advertise-address)."
        ));
    }
    fix.push(format!(
        "Look on {names} for a rule for this address alone: a NetworkPolicy or firewall rule that names \
         the API server or its port, or an own route for its endpoints."
    ));
    fix.push(format!(
        "Check that the endpoints in `{slices}` are reached from {node} at their own addresses over {family}."
    ));
    fix.extend(remedy::service_proxy(evidence.world, family, node));
    Some(Found {
        what: if everywhere {
            format!(
                "Pods of no node reach the API server at {address}, the {family} ClusterIP of the \
                 Service default/kubernetes."
            )
        } else {
            format!(
                "Pods on {names} do not reach the API server at {address}, the {family} ClusterIP of \
                 the Service default/kubernetes."
            )
        },
        evidence: seen,
        reproduce: [slices.to_owned()]
            .into_iter()
            .chain(remedy::inspect_proxy(evidence.world, family, node, &address.ip().to_string()))
            .chain([commands::rules(node)])
            .collect(),
        fix,
        probed: evidence.bad(|probed| {
            let asks = probed.family == family
                && probed.is_api_server()
                && probed.from().is_some_and(|from| nodes.contains(&from));
            asks || unlearned(evidence, probed, &dns)
        }),
        ..Found::default()
    })
}
