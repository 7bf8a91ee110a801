//! Nodes as facts.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use k8s_openapi::api::core::v1;

use super::listed::ListedNode;
use crate::facts::{Node, NodeAddress, Readiness, Taint};

/// Beginnings of annotations that speak of the network: addresses, ranges, the state of the CNI.
const NETWORK_ANNOTATIONS: [&str; 14] = [
    "alpha.kubernetes.io/provided-node-ip",
    "cilium.io/",
    "flannel.alpha.coreos.com/",
    "io.cilium.network.",
    "k3s.io/external-ip",
    "k3s.io/internal-ip",
    "k8s.ovn.org/",
    "kube-router.io/",
    "network.cilium.io/",
    "node.antrea.io/",
    "projectcalico.org/",
    "rke2.io/external-ip",
    "rke2.io/internal-ip",
    "weave.works/",
];

/// The nodes as the facts hold them, from what is known of each beside its boot.
pub(super) fn by_kernel(nodes: Vec<(String, Node)>) -> Vec<Node> {
    let mut first = HashMap::new();
    let mut all = Vec::new();
    for (boot, mut node) in nodes {
        if !boot.is_empty() {
            node.same_kernel_as = match first.entry(boot) {
                Entry::Occupied(known) => Some(String::clone(known.get())),
                Entry::Vacant(free) => {
                    free.insert(node.name.clone());
                    None
                }
            };
        }
        all.push(node);
    }
    all
}

/// A node as the facts hold it, and which boot of which kernel it runs on.
pub(super) fn booted(listed: ListedNode) -> (String, Node) {
    (listed.status.node_info.boot_id.clone(), node(listed))
}

/// A node as the facts hold it.
pub(super) fn node(node: ListedNode) -> Node {
    let ListedNode { metadata, spec, status } = node;
    let (info, labels) = (status.node_info, metadata.labels);
    let condition = status.conditions.into_iter().find(|condition| condition.type_ == "Ready");
    let os = labels.get("kubernetes.io/os").cloned().unwrap_or(info.operating_system);
    Node {
        is_virtual: is_virtual(&labels, &spec.taints, &info.kubelet_version),
        name: metadata.name,
        // Before dual-stack there was only the singular field.
        pod_cidrs: spec.pod_cidrs.unwrap_or_else(|| spec.pod_cidr.into_iter().collect()),
        addresses: status
            .addresses
            .into_iter()
            .map(|address| NodeAddress { kind: address.type_, address: address.address })
            .collect(),
        ready: Readiness {
            ready: condition.as_ref().is_some_and(|condition| condition.status == "True"),
            reported: condition.as_ref().is_none_or(|condition| condition.status != "Unknown"),
            since: condition.as_ref().and_then(|it| Some(it.last_transition_time.as_ref()?.0)),
            message: match condition {
                Some(condition) => condition.message.unwrap_or_default(),
                None => "the node has not reported its state yet".to_owned(),
            },
        },
        unschedulable: spec.unschedulable,
        taints: spec
            .taints
            .into_iter()
            .map(|taint| Taint { key: taint.key, value: taint.value, effect: taint.effect })
            .collect(),
        labels,
        os,
        kubelet_version: info.kubelet_version,
        container_runtime: info.container_runtime_version,
        provider_id: spec.provider_id,
        max_pods: status
            .allocatable
            .and_then(|allocatable| allocatable.pods)
            .and_then(|pods| pods.0.parse().ok()),
        network_annotations: metadata
            .annotations
            .into_iter()
            .filter(|(key, _)| NETWORK_ANNOTATIONS.iter().any(|start| key.starts_with(start)))
            .collect(),
        same_kernel_as: None,
    }
}

/// Virtual-kubelet's nodes by its label, its taint or the mark in their version; Fargate's by
/// Amazon's label.
fn is_virtual(
    labels: &BTreeMap<String, String>,
    taints: &[v1::Taint],
    kubelet_version: &str,
) -> bool {
    let label = |key: &str, value: &str| labels.get(key).is_some_and(|is| is == value);
    label("type", "virtual-kubelet")
        || label("eks.amazonaws.com/compute-type", "fargate")
        || taints.iter().any(|taint| taint.key == "virtual-kubelet.io/provider")
        || kubelet_version.contains("-vk-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: serde_json::Value) -> Node {
        node(serde_json::from_value(json).unwrap())
    }

    #[test]
    fn nodes_that_share_a_kernel_say_so() {
        let on = |name: &str, boot: &str| {
            let json = serde_json::json!({
                "metadata": {"name": name}, "status": {"nodeInfo": {"bootID": boot}},
            });
            booted(serde_json::from_value(json).unwrap())
        };
        let nodes = by_kernel(vec![on("a", "1"), on("b", "2"), on("c", "1"), on("d", "")]);
        let shared = nodes.iter().map(|node| node.same_kernel_as.as_deref());
        assert_eq!(shared.collect::<Vec<_>>(), [None, None, Some("a"), None]);
    }

    #[test]
    fn a_node_is_taken_as_it_is_written() {
        let node = parsed(serde_json::json!({
            "metadata": {
                "name": "n1",
                "labels": {"kubernetes.io/os": "linux"},
                "annotations": {
                    "projectcalico.org/IPv6Address": "2001:db8::1/64",
                    "kubeadm.alpha.kubernetes.io/cri-socket": "unix:///run/containerd.sock",
                },
            },
            "spec": {
                "podCIDR": "10.244.0.0/24",
                "podCIDRs": ["10.244.0.0/24", "nonsense"],
                "taints": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}],
            },
            "status": {
                "addresses": [
                    {"type": "InternalIP", "address": "2001:db8::1"},
                    {"type": "Hostname", "address": "n1"},
                ],
                "conditions": [
                    {"type": "MemoryPressure", "status": "False"},
                    {"type": "Ready", "status": "Unknown", "message": "Kubelet stopped posting",
                        "lastTransitionTime": "2026-01-01T00:00:00Z"},
                ],
            },
        }));
        assert_eq!(node.pod_cidrs, ["10.244.0.0/24", "nonsense"]);
        assert_eq!(node.internal_ips(crate::net::IpFamily::V6).count(), 1);
        assert_eq!(
            node.ready,
            Readiness {
                ready: false,
                reported: false,
                since: "2026-01-01T00:00:00Z".parse().ok(),
                message: "Kubelet stopped posting".into(),
            }
        );
        assert_eq!(node.os, "linux");
        assert_eq!(node.taints[0].key, "node-role.kubernetes.io/control-plane");
        let kept: Vec<_> = node.network_annotations.into_keys().collect();
        assert_eq!(kept, ["projectcalico.org/IPv6Address"]);
        assert!(!node.is_virtual);
    }

    #[test]
    fn a_node_that_has_just_joined_says_nothing_yet() {
        let node = parsed(serde_json::json!({"metadata": {"name": "n1"}}));
        assert!(!node.ready.ready);
        assert_eq!(node.pod_cidrs, Vec::<String>::new());
    }

    #[test]
    fn nodes_without_a_kubelet_of_their_own_are_known() {
        for json in [
            serde_json::json!({"metadata": {"labels": {"type": "virtual-kubelet"}}}),
            serde_json::json!({"metadata": {"labels": {"eks.amazonaws.com/compute-type": "fargate"}}}),
            serde_json::json!({"spec": {"taints": [
                {"key": "virtual-kubelet.io/provider", "effect": "NoSchedule"},
            ]}}),
        ] {
            assert!(parsed(json.clone()).is_virtual, "{json}");
        }
    }
}
