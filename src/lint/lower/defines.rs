//! Whether a document of no kind says, in the texts that it carries, what a cluster's network is to be.

use crate::lint::tree::{Node, Value};

/// Keys that only configuration of a cluster's ranges has, at the beginning of a line.
pub(super) const KEYS: &[&str] =
    &["cluster-cidr:", "service-cidr:", "podSubnets:", "serviceSubnets:", "nodeIPAM:"];
/// Where the kubelet finds static Pods.
pub(super) const MANIFESTS: &str = "/manifests/";
/// How deep a document is searched.
pub(super) const MAX_DEPTH: usize = 24;

/// Whether a text says what a cluster's network is to be.
fn defines(text: &str) -> bool {
    (text.contains("kubeadm.k8s.io/") && text.contains("ClusterConfiguration"))
        || KEYS.iter().any(|key| text.contains(key))
        || text.contains("--pod-network-cidr")
        || text.contains("--cluster-cidr")
}

/// Whether a document without a kind carries the configuration of a cluster.
pub(super) fn cluster(root: &Node) -> bool {
    fn search(node: &Node, depth: usize) -> bool {
        match &node.value {
            _ if depth > MAX_DEPTH => false,
            Value::Scalar(scalar) => defines(&scalar.text),
            Value::List(items) => items.iter().any(|item| search(item, depth + 1)),
            Value::Map(entries) => entries.iter().any(|entry| search(&entry.value, depth + 1)),
        }
    }
    root.get("kind").is_none() && search(root, 0)
}
