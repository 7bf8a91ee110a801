//! From policies and pods to the tables of a node. Pure.

use std::{collections::BTreeSet, fmt::Write as _, net::IpAddr, sync::Arc};

use k8s_openapi::api::{
    core::v1::{Namespace, Pod},
    networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec},
};
use kube::ResourceExt;

use super::selector::selects;
use crate::spec::Family;

/// The name of the tables.
pub(crate) const TABLE: &str = "testbed-policies";

/// The two directions in which a policy guards a pod.
const DIRECTIONS: [Direction; 2] = [Direction::Egress, Direction::Ingress];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    /// As policyTypes has it, and the chain's name.
    const fn word(self) -> (&'static str, &'static str) {
        match self {
            Self::Ingress => ("Ingress", "ingress"),
            Self::Egress => ("Egress", "egress"),
        }
    }

    /// nftables' words for the guarded pod and for its peer.
    const fn ends(self) -> (&'static str, &'static str) {
        match self {
            Self::Ingress => ("daddr", "saddr"),
            Self::Egress => ("saddr", "daddr"),
        }
    }
}

/// What is known of the cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) pods: Vec<Arc<Pod>>,
    pub(super) namespaces: Vec<Arc<Namespace>>,
    pub(super) policies: Vec<Arc<NetworkPolicy>>,
}

/// The table of each family on a node. What is guarded is guarded where its packets are forwarded:
/// what the node itself sends to its pods is its own affair, as Kubernetes wants it.
pub(super) fn tables(known: &Known, node: &str) -> Vec<(Family, String)> {
    [Family::V4, Family::V6].map(|family| (family, table(known, node, family))).to_vec()
}

fn table(known: &Known, node: &str, family: Family) -> String {
    let [egress, ingress] = DIRECTIONS.map(|direction| chain(known, node, family, direction));
    format!(
        "table {} {TABLE} {{\n{egress}{ingress}chain forward {{\n\
         type filter hook forward priority filter - 5; policy accept;\n\
         ct state established,related accept\njump egress\njump ingress\n}}\n}}\n",
        family.nft()
    )
}

/// What is admitted of each guarded pod returns to the other direction's chain; all else is
/// dropped.
fn chain(known: &Known, node: &str, family: Family, direction: Direction) -> String {
    let (word, name) = direction.word();
    let (own, peer) = direction.ends();
    let nft = family.nft();
    let mut text = format!("chain {name} {{\n");
    for pod in known.pods.iter().filter(|pod| is_on(pod, node)) {
        let policies: Vec<_> = known
            .policies
            .iter()
            .filter(|policy| guards(policy, pod) && types(policy).contains(word))
            .collect();
        let Some(ip) = address(pod, family).filter(|_| !policies.is_empty()) else { continue };
        for policy in policies {
            for rule in rules(policy, direction) {
                // Writing to a String can't fail.
                let _ =
                    match admitted(known, &policy.namespace().unwrap_or_default(), &rule, family) {
                        Admitted::All => writeln!(text, "{nft} {own} {ip} return"),
                        Admitted::These(peers) => peers.iter().try_for_each(|one| {
                            writeln!(text, "{nft} {own} {ip} {} return", one.replace("PEER", peer))
                        }),
                    };
            }
        }
        let _ = writeln!(text, "{nft} {own} {ip} drop");
    }
    text.push_str("}\n");
    text
}

/// Who a rule admits.
enum Admitted {
    All,
    /// In nftables' words, with `PEER` for the end that they are about.
    These(BTreeSet<String>),
}

/// A rule of either direction.
struct Rule<'a> {
    peers: Option<&'a Vec<NetworkPolicyPeer>>,
    ports: Option<&'a Vec<NetworkPolicyPort>>,
}

fn rules(policy: &NetworkPolicy, direction: Direction) -> Vec<Rule<'_>> {
    let Some(spec) = &policy.spec else { return Vec::new() };
    match direction {
        Direction::Ingress => {
            let rules = spec.ingress.iter().flatten();
            rules
                .map(|rule| Rule { peers: rule.from.as_ref(), ports: rule.ports.as_ref() })
                .collect()
        }
        Direction::Egress => {
            let rules = spec.egress.iter().flatten();
            rules.map(|rule| Rule { peers: rule.to.as_ref(), ports: rule.ports.as_ref() }).collect()
        }
    }
}

fn admitted(known: &Known, namespace: &str, rule: &Rule<'_>, family: Family) -> Admitted {
    if rule.ports.is_some_and(|ports| !ports.is_empty()) {
        tracing::warn!(
            namespace,
            "a policy's rule with ports is not understood and admits nothing"
        );
        return Admitted::These(BTreeSet::new());
    }
    let Some(peers) = rule.peers.filter(|peers| !peers.is_empty()) else { return Admitted::All };
    let nft = family.nft();
    let mut words = BTreeSet::new();
    for peer in peers {
        if let Some(block) = &peer.ip_block {
            let is_family =
                block.cidr.parse().is_ok_and(|range| Family::of_range(&range) == family);
            if is_family {
                let except: Vec<&str> = block.except.iter().flatten().map(String::as_str).collect();
                let but = match except.as_slice() {
                    [] => String::new(),
                    some => format!(" {nft} PEER != {{ {} }}", some.join(", ")),
                };
                words.insert(format!("{nft} PEER {}{but}", block.cidr));
            }
            continue;
        }
        let pods = known.pods.iter().filter(|pod| is_peer(known, namespace, peer, pod));
        let addresses = pods.filter_map(|pod| address(pod, family));
        words.extend(addresses.map(|ip| format!("{nft} PEER {ip}")));
    }
    Admitted::These(words)
}

fn is_peer(known: &Known, namespace: &str, peer: &NetworkPolicyPeer, pod: &Pod) -> bool {
    let of = pod.namespace().unwrap_or_default();
    let here = match &peer.namespace_selector {
        None => of == namespace,
        Some(selector) => known.namespaces.iter().any(|namespace| {
            namespace.name_any() == of && selects(selector, Some(namespace.labels()))
        }),
    };
    here && peer.pod_selector.as_ref().is_none_or(|it| selects(it, Some(pod.labels())))
}

fn guards(policy: &NetworkPolicy, pod: &Pod) -> bool {
    let spec = policy.spec.as_ref();
    let selector = spec.and_then(|spec| spec.pod_selector.as_ref());
    policy.namespace() == pod.namespace()
        && spec.is_some()
        && selector.is_none_or(|selector| selects(selector, Some(pod.labels())))
}

/// The directions that a policy is about; the API server fills in what is left out.
fn types(policy: &NetworkPolicy) -> BTreeSet<&str> {
    let types = |spec: &'_ NetworkPolicySpec| spec.policy_types.clone();
    let stated = policy.spec.as_ref().and_then(types).unwrap_or_default();
    DIRECTIONS
        .into_iter()
        .map(|direction| direction.word().0)
        .filter(|word| stated.iter().any(|stated| stated == word))
        .collect()
}

/// Whether the pod has a network of its own on the node.
fn is_on(pod: &Pod, node: &str) -> bool {
    pod.spec.as_ref().is_some_and(|spec| {
        spec.node_name.as_deref() == Some(node) && spec.host_network != Some(true)
    })
}

fn address(pod: &Pod, family: Family) -> Option<IpAddr> {
    let ips = pod.status.as_ref()?.pod_ips.iter().flatten();
    let mut ips = ips.filter_map(|ip| ip.ip.parse::<IpAddr>().ok());
    ips.find(|&ip| Family::of(ip) == family)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn known(ingress: Value) -> Known {
        let pod = |name: &str, node: &str, host: u8, labels: Value| {
            let pod = json!({
                "metadata": { "name": name, "namespace": "a", "labels": labels },
                "spec": { "nodeName": node, "containers": [] },
                "status": { "podIPs": [
                    { "ip": format!("10.244.1.{host}") }, { "ip": format!("fd00:10:244:1::{host}") }
                ]},
            });
            Arc::new(serde_json::from_value(pod).unwrap())
        };
        let policy = json!({
            "metadata": { "name": "p", "namespace": "a" },
            "spec": {
                "podSelector": { "matchLabels": { "app": "web" } },
                "policyTypes": ["Ingress"],
                "ingress": ingress,
            },
        });
        Known {
            pods: vec![
                pod("web", "n1", 5, json!({ "app": "web" })),
                pod("cli", "n2", 6, json!({ "app": "cli" })),
            ],
            namespaces: Vec::new(),
            policies: vec![Arc::new(serde_json::from_value(policy).unwrap())],
        }
    }

    fn ingress(known: &Known, node: &str, family: Family) -> Vec<String> {
        let table = table(known, node, family);
        let chain = table.split("chain ingress {\n").nth(1).unwrap();
        let lines = chain.lines().take_while(|line| *line != "}");
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn a_policy_without_rules_denies_everything_in_both_families_where_the_pod_is() {
        let known = known(json!([]));
        assert_eq!(ingress(&known, "n1", Family::V4), ["ip daddr 10.244.1.5 drop"]);
        assert_eq!(ingress(&known, "n1", Family::V6), ["ip6 daddr fd00:10:244:1::5 drop"]);
        assert_eq!(ingress(&known, "n2", Family::V4), [""; 0]);
    }

    #[test]
    fn an_ip_block_admits_its_own_family_alone() {
        let known = known(json!([{ "from": [{ "ipBlock": { "cidr": "0.0.0.0/0" } }] }]));
        let v4 = ["ip daddr 10.244.1.5 ip saddr 0.0.0.0/0 return", "ip daddr 10.244.1.5 drop"];
        assert_eq!(ingress(&known, "n1", Family::V4), v4);
        assert_eq!(ingress(&known, "n1", Family::V6), ["ip6 daddr fd00:10:244:1::5 drop"]);
    }

    #[test]
    fn pods_are_admitted_by_their_labels_and_nobody_by_a_rule_with_ports() {
        let pods = json!([{ "from": [{ "podSelector": { "matchLabels": { "app": "cli" } } }] }]);
        let v6 = ingress(&known(pods), "n1", Family::V6);
        assert_eq!(v6[0], "ip6 daddr fd00:10:244:1::5 ip6 saddr fd00:10:244:1::6 return");
        let ports = json!([{ "ports": [{ "port": 80 }] }]);
        assert_eq!(ingress(&known(ports), "n1", Family::V4), ["ip daddr 10.244.1.5 drop"]);
        let all = ingress(&known(json!([{}])), "n1", Family::V4);
        assert_eq!(all[0], "ip daddr 10.244.1.5 return");
    }
}
