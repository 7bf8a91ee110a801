//! The configuration files of the kubelet, of kube-proxy and of kind.

use crate::lint::{
    model::{
        Address, DroppedPatch, GateReader, KindCluster, KubeProxyConfiguration,
        KubeletConfiguration, Owner, RangeEntry, Role, Version,
    },
    schema::Schema,
    source::Spanned,
    tree::{Entry, Node, ScalarKind, Value},
};

use super::{Lower, kubeadm::begin, patches};

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
        let nodes = root.get("nodes").map(Node::items).unwrap_or_default();
        let before = self.model.versions.len();
        for node in nodes {
            // kindest/node:v1.36.1@sha256:…
            let image = node.get("image").and_then(Node::text);
            let tag = image.and_then(|image| {
                let tag = image.value.split('@').next()?.rsplit_once(':')?.1.to_owned();
                Some(image.with(tag))
            });
            self.version(tag);
        }
        let patches = |node: &Node| {
            node.get("kubeadmConfigPatches").map(Node::items).unwrap_or_default().to_vec()
        };
        let all = nodes.iter().flat_map(patches).chain(patches(root));
        let json = |node: &Node| {
            node.get("kubeadmConfigPatchesJSON6902").map(Node::items).unwrap_or_default().to_vec()
        };
        let all_json = nodes.iter().flat_map(json).chain(json(root));
        let version = self.model.versions.get(before).cloned();
        for patch in all.collect::<Vec<_>>() {
            self.kind_patch(&patch, version.as_ref());
        }
        for patch in all_json.collect::<Vec<_>>() {
            self.kind_json_patch(&patch, version.as_ref());
        }
        true
    }

    /// A JSON patch, beside which stands what it is for.
    fn kind_json_patch(&mut self, patch: &Node, version: Option<&Spanned<Version>>) {
        let text = |key: &str| patch.get(key).and_then(Node::text);
        let (Some(group), Some(api), Some(kind)) = (text("group"), text("version"), text("kind"))
        else {
            return;
        };
        let Some(operations) = patch.get("patch") else { return };
        for document in self.embedded(operations, "kubeadmConfigPatchesJSON6902") {
            if !patches::is_patch(&document.root) {
                continue;
            }
            let mut root = patches::patched(&document.root);
            let api = api.with(format!("{}/{}", group.value, api.value));
            if let Value::Map(entries) = &mut root.value {
                for (key, text) in [("apiVersion", &api), ("kind", &kind)] {
                    let value = Node::leaf(text);
                    entries.push(Entry { key: text.with(key.to_owned()), value });
                }
            }
            self.patched_document(&root, &kind, version);
        }
    }

    /// A patch names its kind, but mostly no API version.
    fn kind_patch(&mut self, patch: &Node, version: Option<&Spanned<Version>>) {
        for mut document in self.embedded(patch, "kubeadmConfigPatches") {
            // kind's own documents carry a name, which kubeadm's reader passes over.
            if let Value::Map(entries) = &mut document.root.value {
                entries.retain(|entry| entry.key.value != "metadata");
            }
            let root = &document.root;
            let Some(kind) = root.get("kind").and_then(Node::text) else { continue };
            if self.patched_document(root, &kind, version) {
                self.model.flaws.extend(document.flaws);
            }
        }
    }

    /// A part of one of the documents that kind writes.
    fn patched_document(
        &mut self,
        root: &Node,
        kind: &Spanned<String>,
        version: Option<&Spanned<Version>>,
    ) -> bool {
        if self.is_dropped(root, version) {
            return false;
        }
        self.depth += 1;
        self.patching = true;
        let known = match kind.value.as_str() {
            _ if root.get("apiVersion").is_some() => self.object(root),
            "KubeletConfiguration" => self.kubelet(root),
            "KubeProxyConfiguration" => self.proxy(root),
            _ => self.kubeadm(root, kind, None),
        };
        self.patching = false;
        self.depth -= 1;
        known
    }
}

impl Lower<'_> {
    /// Whether kind drops a patch, since it is of another API version of kubeadm than the document
    /// that kind itself writes for the node's version of Kubernetes.
    fn is_dropped(&mut self, root: &Node, version: Option<&Spanned<Version>>) -> bool {
        let Some(api) = root.get("apiVersion").and_then(Node::text) else { return false };
        let Some(named) = api.value.strip_prefix("kubeadm.k8s.io/") else { return false };
        let said = version.map(|version| version.value).or(self.model.asked.version);
        let (own, drops) = match said {
            Some(old) if old < Version::v1(23) => ("v1beta2", named != "v1beta2"),
            Some(known) if known < Version::v1(36) => ("v1beta3", named != "v1beta3"),
            // What kind writes from 1.36 on, and which image it takes where none is named, depends
            // on the version of kind; these have been gone since its images are of 1.23 and later.
            _ => ("v1beta3 or later", matches!(named, "v1beta1" | "v1beta2")),
        };
        if drops {
            let api = api.with(named.to_owned());
            self.model.dropped_patches.push(DroppedPatch { api, own, version: version.cloned() });
        }
        drops
    }
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
