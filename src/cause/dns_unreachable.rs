//! `dns_unreachable`: pods of a node, or of all, get no answer from DNS.

use std::collections::BTreeSet;

use super::{
    CauseRule, Confidence, Evidence, Found,
    dns_server_not_responding::hears_none,
    evidence::{Origin, Probed},
};
use crate::{
    check::{DnsPlace, commands, words},
    net::IpFamily,
    probe::{Aim, Target},
};

/// How to check whether questions are led to DNS pods of the same node alone.
const POLICY: &str =
    "kubectl -n kube-system get service kube-dns -o jsonpath={.spec.internalTrafficPolicy}";

#[derive(Debug)]
pub(super) struct DnsUnreachable;

impl CauseRule for DnsUnreachable {
    fn id(&self) -> &'static str {
        "dns_unreachable"
    }

    fn why(&self) -> &'static str {
        "Without DNS, pods can't resolve any name, in any family."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let nodes: Vec<&str> =
            evidence.nodes().into_iter().filter(|node| !asked(evidence, node).is_empty()).collect();
        let deaf: Vec<&str> = nodes
            .iter()
            .copied()
            .filter(|node| asked(evidence, node).iter().any(|probed| unheard(evidence, probed)))
            .collect();
        if deaf.is_empty() {
            Vec::new()
        } else if deaf.len() == nodes.len() {
            found(evidence, &deaf, true).into_iter().collect()
        } else if local_alone(evidence, &nodes, &deaf) {
            found(evidence, &deaf, false)
                .map(|it| served_locally(evidence, &deaf, it))
                .into_iter()
                .collect()
        } else {
            deaf.iter().filter_map(|node| found(evidence, &[*node], false)).collect()
        }
    }
}

/// What pods on a node asked DNS.
fn asked<'e, 'a>(evidence: &'e Evidence<'a>, node: &'e str) -> Vec<&'e Probed<'a>> {
    IpFamily::ALL
        .into_iter()
        .flat_map(|family| evidence.touching(node, family))
        .filter(|probed| probed.from() == Some(node))
        .filter(|probed| probed.is_dns() || probed.is_dns_server())
        .collect()
}

/// Whether it shows that pods of its node don't hear DNS: a server that is deaf while others are heard
/// there is another matter.
fn unheard(evidence: &Evidence<'_>, probed: &Probed<'_>) -> bool {
    match &probed.probe.aim {
        Aim::DnsService => probed.bad(),
        Aim::DnsPod { .. } => {
            probed.bad() && probed.from().is_some_and(|from| hears_none(evidence, from))
        }
        _ => probed.dns_unheard(),
    }
}

fn found(evidence: &Evidence<'_>, nodes: &[&str], everywhere: bool) -> Option<Found> {
    let here = |probed: &Probed<'_>| {
        unheard(evidence, probed) && probed.from().is_some_and(|from| nodes.contains(&from))
    };
    let mut all_here = evidence.probed.iter().filter(|probed| here(probed));
    let example = all_here.clone().find(|probed| probed.is_dns()).or_else(|| all_here.next())?;
    let node = example.from()?;
    let all = evidence
        .probed
        .iter()
        .filter(|probed| probed.is_dns() && probed.from().is_some_and(|from| nodes.contains(&from)))
        .all(Probed::dead);
    let deaf = some_replicas_deaf(evidence, nodes, everywhere);
    let some = if all { "get no answer" } else { "get answers only some of the time" };
    let dns = evidence.world.facts.cluster_dns.known();
    let nobody = everywhere && dns.is_some_and(|dns| dns.pods.is_empty());
    let what = if nobody {
        "The Service of the cluster's DNS has no endpoints: pods get no answer, on any node."
            .to_owned()
    } else if deaf {
        "At least one of several DNS pods gets no queries or sends no answers over UDP: pods on every \
         node get answers only some of the time, while every DNS pod answers over TCP."
            .to_owned()
    } else if everywhere {
        format!("Pods {some} from the cluster's DNS, on any node.")
    } else {
        format!("Pods on node {node} {some} from the cluster's DNS; those on other nodes do.")
    };
    let mut seen = vec![format!("from {node}: {}", example.seen())];
    if nobody {
        seen.push("the EndpointSlices of the DNS Service name no pod".to_owned());
    } else if let Some(dns) = dns {
        let ready = dns.pods.iter().filter(|pod| pod.ready).count();
        seen.push(format!("{ready} of {} Ready", words::count(dns.pods.len(), "DNS pod")));
    }
    let answers = evidence
        .probed
        .iter()
        .any(|probed| matches!(probed.origin, Origin::DnsPod(_)) && probed.good());
    if answers {
        seen.push("DNS pods answer when they are asked through the API server".to_owned());
    }
    let directly = evidence.probed.iter().any(|probed| {
        matches!(probed.probe.aim, Aim::DnsPod { .. })
            && probed.good()
            && probed.from().is_some_and(|from| nodes.contains(&from))
    });
    if directly {
        seen.push(format!(
            "pods on {} get answers from DNS pods at their own addresses",
            words::list(nodes)
        ));
    }
    let ips = words::list(dns.into_iter().flat_map(|dns| &dns.cluster_ips));
    let path = format!(
        "The path from {} to kube-dns ({ips}) is broken: first fix what service::cluster_ip_reachable and \
         pod::reachable report.",
        words::list(nodes)
    );
    let place = DnsPlace::of(evidence.world);
    let pods =
        format!("Check that the DNS pods run, are Ready and log no errors: `{}`.", place.pods());
    let selector = || {
        format!(
            "Check that DNS pods run (`{}`), and that the selector of the Service (`{}`) is a label of theirs.",
            place.pods(),
            place.service()
        )
    };
    let mut fix = match (nobody, answers) {
        (true, _) => vec![selector()],
        (false, true) => vec![path, pods],
        (false, false) => vec![pods, path],
    };
    let each = deaf.then(|| each_replica(evidence, example));
    if deaf {
        fix.insert(
            0,
            "The commands above ask each DNS pod by its own address over UDP: look on the node \
             of the one that stays silent for a rule that drops UDP port 53, and delete the pod if there is \
             none."
                .to_owned(),
        );
    }
    Some(Found {
        what,
        confidence: if deaf { Confidence::Possible } else { Confidence::Likely },
        evidence: seen,
        reproduce: vec![place.pods(), place.slices()]
            .into_iter()
            .chain(each.into_iter().flatten())
            .chain(commands::repeat(evidence.world, [example.probe]))
            .collect(),
        fix,
        probed: evidence.bad(here),
        ..Found::default()
    })
}

/// Whether exactly those nodes are deaf on which no DNS pod runs, though they reach the DNS pods and other
/// Services elsewhere.
fn local_alone(evidence: &Evidence<'_>, nodes: &[&str], deaf: &[&str]) -> bool {
    let serving: Vec<&str> = evidence.dns_nodes().collect();
    let reaches = |node: &str| {
        let from = || evidence.probed.iter().filter(|it| it.from() == Some(node) && it.good());
        from().any(|it| matches!(it.probe.aim, Aim::DnsPod { .. }))
            && from()
                .any(|it| it.is_cluster_ip() && it.backend().is_some_and(|backend| backend != node))
    };
    // One node alone may have lost its way to the Service.
    deaf.len() > 1
        && nodes.iter().all(|node| serving.contains(node) != deaf.contains(node))
        && deaf.iter().all(|node| reaches(node))
}

/// The same fault, told with what leads questions to DNS pods of the same node alone.
fn served_locally(evidence: &Evidence<'_>, deaf: &[&str], found: Found) -> Found {
    let serving: BTreeSet<&str> = evidence.dns_nodes().collect();
    let mut seen = found.evidence;
    seen.push(format!("DNS pods run only on {}", words::list(serving)));
    Found {
        what: format!(
            "Pods on {} get no answer from the cluster's DNS: it answers only on nodes on which a DNS pod runs.",
            words::list(deaf)
        ),
        evidence: seen,
        reproduce: [POLICY.to_owned()].into_iter().chain(found.reproduce).collect(),
        fix: vec![
            format!(
                "If the DNS Service has `internalTrafficPolicy: Local` (`{POLICY}`), set it to Cluster, or run a DNS \
                 pod on every node."
            ),
            "If not, look at what answers for the DNS Service on each node (NodeLocal DNSCache, a local redirect \
             policy of the pod network)."
                .to_owned(),
        ],
        ..found
    }
}

/// Whether only some DNS pods can be deaf: from every node some questions are answered and others are
/// not, though each DNS pod answers when it is asked over TCP.
fn some_replicas_deaf(evidence: &Evidence<'_>, nodes: &[&str], everywhere: bool) -> bool {
    let ready = evidence
        .world
        .facts
        .cluster_dns
        .known()
        .map_or(0, |dns| dns.pods.iter().filter(|pod| pod.ready).count());
    let heard = |node: &str| {
        evidence.probed.iter().filter(|probed| probed.is_dns() && probed.from() == Some(node)).any(
            |probed| probed.good() || probed.symptom().is_some_and(|symptom| symptom.intermittent),
        )
    };
    let mut themselves = evidence
        .probed
        .iter()
        .filter(|probed| matches!(probed.origin, Origin::DnsPod(_)))
        .peekable();
    everywhere
        && ready > 1
        && nodes.iter().copied().all(heard)
        && themselves.peek().is_some()
        && themselves.all(Probed::good)
}

/// Commands that ask each DNS pod by its own address, over UDP.
fn each_replica(evidence: &Evidence<'_>, example: &Probed<'_>) -> Vec<String> {
    let dns = evidence.world.facts.cluster_dns.known();
    let name = match &example.probe.target {
        Target::Dns { name, .. } => name.as_str(),
        _ => "kubernetes.default.svc.cluster.local.",
    };
    let pod = example.from().and_then(|from| evidence.world.fixture.probe_on(from)?.pod.as_deref());
    let (namespace, pod) = (&evidence.world.fixture.namespace, pod.unwrap_or("POD"));
    dns.into_iter()
        .flat_map(|dns| &dns.pods)
        .filter(|server| server.ready)
        .map(|server| {
            format!(
                "kubectl -n {namespace} exec {pod} -- nslookup {name} \"$(kubectl -n {} get pod {} -o \
                 jsonpath={{.status.podIP}})\"  # only after run --keep",
                server.namespace, server.name
            )
        })
        .collect()
}
