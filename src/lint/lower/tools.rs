//! The configuration files of the kubelet, of kube-proxy and of kind.

use crate::lint::{
    model::{
        Address, GateReader, KindCluster, KubeProxyConfiguration, KubeletConfiguration, Owner,
        RangeEntry, Role,
    },
    schema::Schema,
    source::Spanned,
    tree::{Entry, Node, ScalarKind, Value},
};

use super::{Lower, kubeadm::begin};

impl Lower<'_> {
    pub(super) fn kubelet(&mut self, root: &Node) -> bool {
        self.flaws(|flaws| Schema::Kubelet.check("KubeletConfiguration", root, flaws));
        self.model.recent_fields.extend(Schema::Kubelet.recent("KubeletConfiguration", root));
        self.gate_map(root.get("featureGates"), GateReader::Kubelet);
        let dns = root.get("clusterDNS").map(Node::items).unwrap_or_default();
        let max_pods = root.get("maxPods").and_then(Node::text);
        self.model.kubelets.push(KubeletConfiguration {
            at: begin(root),
            max_pods: max_pods.and_then(|text| Some(text.with(text.value.parse().ok()?))),
            cluster_dns: dns.iter().filter_map(Node::text).map(Address::new).collect(),
        });
        true
    }

    pub(super) fn proxy(&mut self, root: &Node) -> bool {
        self.flaws(|flaws| Schema::Proxy.check("KubeProxyConfiguration", root, flaws));
        self.model.recent_fields.extend(Schema::Proxy.recent("KubeProxyConfiguration", root));
        self.gate_map(root.get("featureGates"), GateReader::Proxy);
        let text = |field| root.get(field).and_then(Node::text);
        let set = |field| text(field).filter(|text| !text.value.is_empty());
        let cidr = self.ranges(text("clusterCIDR"), Role::Pods, Owner::Proxy, "clusterCIDR");
        let ports = root.get("nodePortAddresses").map(Node::items).unwrap_or_default();
        self.model.proxies.push(KubeProxyConfiguration {
            at: begin(root),
            mode: set("mode"),
            cluster_cidr: cidr,
            node_ports: ports.iter().filter_map(Node::text).map(RangeEntry::new).collect(),
            bind: set("bindAddress").map(Address::new),
            windows: is_windows(root),
        });
        true
    }

    pub(super) fn kind_cluster(&mut self, root: &Node) -> bool {
        self.flaws(|flaws| Schema::Kind.check("Cluster", root, flaws));
        self.gate_map(root.get("featureGates"), GateReader::Kind);
        let network = |field| root.at(&["networking", field]).and_then(Node::text);
        let pods = self.ranges(network("podSubnet"), Role::Pods, Owner::Kind, "podSubnet");
        let services = network("serviceSubnet");
        let services = self.ranges(services, Role::Services, Owner::Kind, "serviceSubnet");
        self.model.kinds.push(KindCluster {
            at: begin(root),
            family: network("ipFamily"),
            pods,
            services,
            proxy_mode: network("kubeProxyMode"),
            workers: root.entry("nodes").and_then(workers),
        });
        self.kind_patches(root);
        true
    }
}

/// Whether kube-proxy's configuration is for Windows: it sets something of `winkernel`, of which kubeadm
/// writes the defaults for Linux as well, or has paths with a drive.
fn is_windows(root: &Node) -> bool {
    let set = |entry: &Entry| {
        entry.value.str().is_some_and(|text| !["", "false", "null", "~"].contains(&text))
    };
    let drive = |path: &str| {
        let rest = path.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        path.len() == rest.len() + 1 && rest.starts_with(":\\")
    };
    root.get("winkernel").is_some_and(|own| own.entries().iter().any(set))
        || root.at(&["clientConnection", "kubeconfig"]).and_then(Node::str).is_some_and(drive)
}

/// How many nodes a list has beside control planes.
fn workers(nodes: &Entry) -> Option<Spanned<u64>> {
    let Value::List(items) = &nodes.value.value else { return None };
    let role = |node: &&Node| node.get("role").and_then(Node::str) == Some("worker");
    let count = u64::try_from(items.iter().filter(role).count()).ok()?;
    Some(Spanned::new(count, nodes.key.span))
}

/// Whether a node is a boolean or text that says so.
pub(super) fn is_true(node: Option<&Node>) -> bool {
    node.and_then(Node::scalar).is_some_and(|scalar| {
        scalar.kind == ScalarKind::Bool && matches!(&*scalar.text.to_lowercase(), "true" | "yes")
    })
}
