//! What the API server and the components' logs add to causes that were found without them.

use super::{Cause, Confidence};
use crate::{
    check::words,
    facts::Facts,
    snapshot::{Component, NodeDiagnostics, Trouble},
};

/// How many such facts a cause gets.
const MOST: usize = 2;

/// How much of a log's line is shown, in characters.
const SHOWN: usize = 160;

/// What a cause may lie in: a component, the troubles of which speak of it, and those that prove it.
struct Ties {
    causes: &'static [&'static str],
    component: Component,
    troubles: &'static [Trouble],
    proofs: &'static [Trouble],
}

const TIES: [Ties; 3] = [
    Ties {
        causes: &[
            "affinity_off",
            "cluster_ip_dead",
            "kube_proxy_not_running",
            "kubernetes_service_dead",
            "local_policy_ignored",
            "node_port_dead",
            "rejections_lost",
            "service_proxy_down",
        ],
        component: Component::KubeProxy,
        troubles: &[
            Trouble::RulesNotWritten,
            Trouble::PortTaken,
            Trouble::SettingRefused,
            Trouble::ApiServerUnreachable,
        ],
        proofs: &[Trouble::RulesNotWritten],
    },
    Ties {
        causes: &[
            "address_duplicate",
            "node_without_pod_cidr",
            "own_pod_routes_missing",
            "pod_address_lost",
            "pod_network_down",
            "pod_route_missing",
            "pods_masqueraded",
            "pods_single_stack",
        ],
        component: Component::PodNetwork,
        troubles: &[
            Trouble::NoAddressLeft,
            Trouble::AddressDuplicate,
            Trouble::SettingRefused,
            Trouble::ApiServerUnreachable,
        ],
        proofs: &[],
    },
    Ties {
        causes: &[
            "dns_other_domain",
            "dns_server_not_responding",
            "dns_slow",
            "dns_unreachable",
            "dns_without_names",
            "dns_without_records",
            "dns_without_reverse",
            "dns_wrong_records",
        ],
        component: Component::Dns,
        troubles: &[Trouble::DnsUpstream, Trouble::ApiServerUnreachable],
        proofs: &[],
    },
];

/// Adds to causes what is told of the nodes that they speak of.
pub(super) fn add(facts: &Facts, causes: &mut [Cause]) {
    for cause in causes {
        let ties = TIES.iter().filter(|ties| ties.causes.contains(&cause.id.as_str()));
        let mut told: Vec<(String, bool)> = Vec::new();
        for ties in ties {
            let about = facts
                .diagnostics
                .iter()
                .filter(|told| is_about(facts, cause, told, ties.component));
            told.extend(about.flat_map(|told| of(told, ties)));
        }
        // What proves it first.
        told.sort_by_key(|(_, proves)| !proves);
        told.truncate(MOST);
        let proofs = told.iter().take_while(|(_, proves)| *proves).count();
        if proofs > 0 {
            cause.confidence = Confidence::Proved;
        }
        for (place, (fact, _)) in told.into_iter().enumerate() {
            if place < proofs {
                cause.evidence.insert(place, fact);
            } else {
                cause.evidence.push(fact);
            }
        }
    }
}

/// Whether a cause speaks of a node, or of no node by its name and so of all. DNS pods are asked from
/// everywhere, wherever they are.
fn is_about(facts: &Facts, cause: &Cause, told: &NodeDiagnostics, component: Component) -> bool {
    let names = facts.nodes.known().into_iter().flatten().map(|node| node.name.as_str());
    let mut named = names.filter(|name| mentions(&cause.what, name)).peekable();
    component == Component::Dns || named.peek().is_none() || named.any(|name| name == told.node)
}

/// Whether a name stands in a sentence as a word of its own.
pub(super) fn mentions(sentence: &str, name: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    sentence.match_indices(name).any(|(at, _)| {
        let before = sentence.get(..at).and_then(|it| it.chars().next_back());
        let behind = sentence.get(at + name.len()..).and_then(|it| it.chars().next());
        !before.is_some_and(part) && !behind.is_some_and(part)
    })
}

/// What is told of a component on a node, and whether it proves the cause.
fn of(told: &NodeDiagnostics, ties: &Ties) -> Vec<(String, bool)> {
    let pods: Vec<_> = told.pods.iter().filter(|pod| pod.component == ties.component).collect();
    let complaints = told.complaints.iter().filter(|complaint| {
        ties.troubles.contains(&complaint.trouble)
            && pods.iter().any(|pod| pod.name == complaint.pod)
    });
    let mut facts: Vec<(String, bool)> = complaints
        .map(|complaint| {
            let line: String = complaint.line.chars().take(SHOWN).collect();
            let cut = if line.len() < complaint.line.len() { "…" } else { "" };
            let times = words::times(complaint.count);
            (
                format!("the log of {} on {}, {times}: {line}{cut}", complaint.pod, told.node),
                ties.proofs.contains(&complaint.trouble),
            )
        })
        .collect();
    facts.extend(pods.iter().filter(|pod| !pod.ready).map(|pod| {
        let (namespace, name) = (&pod.namespace, &pod.name);
        let restarts = words::times(pod.restarts as usize);
        let fact = format!(
            "Pod {namespace}/{name} on {} is not Ready; started again {restarts}",
            told.node
        );
        (fact, false)
    }));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cause::REGISTRY,
        lab::{Fault, Lab},
        net::IpFamily::V6,
        snapshot::{Complaint, NetworkPod},
    };

    fn told(node: &str, trouble: Trouble) -> NodeDiagnostics {
        let pod = format!("kube-proxy-{node}");
        NodeDiagnostics {
            node: node.to_owned(),
            pods: vec![NetworkPod {
                namespace: "kube-system".to_owned(),
                name: pod.clone(),
                component: Component::KubeProxy,
                ready: true,
                restarts: 0,
                started: None,
                running: true,
                waiting: None,
                ended: None,
            }],
            complaints: vec![Complaint {
                pod,
                trouble,
                count: 3,
                line: "\"Failed to execute iptables-restore\" err=\"exit status 1\"".to_owned(),
                around: Vec::new(),
            }],
            ..NodeDiagnostics::default()
        }
    }

    fn cause(told: NodeDiagnostics) -> Cause {
        let mut lab = Lab::dual()
            .with(Fault::ClusterIpDropped { at: "n2", family: V6 })
            .with(Fault::NodePortRefused { at: "n2", family: V6 });
        lab.facts.diagnostics = vec![told];
        let mut causes = lab.run().record.causes;
        assert_eq!(causes.len(), 1);
        assert_eq!(causes[0].id, "service_proxy_down");
        causes.remove(0)
    }

    #[test]
    fn kube_proxys_own_words_prove_that_its_rules_are_not_there() {
        let cause = cause(told("n2", Trouble::RulesNotWritten));
        assert_eq!(cause.confidence, Confidence::Proved);
        assert!(
            cause.evidence[0].starts_with("the log of kube-proxy-n2 on n2, 3 times: "),
            "{cause:#?}"
        );
    }

    #[test]
    fn what_is_told_of_another_node_or_of_something_else_is_left_out() {
        let other = cause(told("n1", Trouble::RulesNotWritten));
        assert!(other.evidence.iter().all(|fact| !fact.contains("log of")), "{other:#?}");
        assert_eq!(other.confidence, Confidence::Likely);
        let trouble = cause(told("n2", Trouble::DnsUpstream));
        assert!(trouble.evidence.iter().all(|fact| !fact.contains("log of")), "{trouble:#?}");
    }

    #[test]
    fn a_trouble_that_may_have_other_effects_proves_nothing() {
        let cause = cause(told("n2", Trouble::SettingRefused));
        assert_eq!(cause.confidence, Confidence::Likely);
        assert!(cause.evidence.iter().any(|fact| fact.contains("log of kube-proxy-n2")));
    }

    #[test]
    fn a_pod_that_is_not_ready_is_told() {
        let mut ill = told("n2", Trouble::DnsUpstream);
        (ill.pods[0].ready, ill.pods[0].restarts) = (false, 2);
        let cause = cause(ill);
        let fact = "Pod kube-system/kube-proxy-n2 on n2 is not Ready; started again twice";
        assert!(cause.evidence.iter().any(|it| it == fact), "{cause:#?}");
    }

    #[test]
    fn every_cause_that_a_component_may_tell_of_is_in_the_registry() {
        for id in TIES.iter().flat_map(|ties| ties.causes) {
            assert!(REGISTRY.iter().any(|rule| rule.id() == *id), "{id}");
        }
    }

    #[test]
    fn a_name_is_found_as_a_word_of_its_own() {
        assert!(mentions("Node n1 does not", "n1"));
        assert!(!mentions("Node n10 does not", "n1") && !mentions("Node an1-x", "n1"));
    }
}
