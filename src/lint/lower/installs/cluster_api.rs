//! Cluster API: `Cluster`, and the kubeadm configurations that its control planes and machines
//! hold. They have kubeadm's fields, in whichever form their own API version has.

use crate::lint::{
    lower::{kubeadm::begin, patches},
    model::{Args, Installation, Tool},
    tree::{Node, Value},
};

use super::{Lower, Setting};

impl Lower<'_> {
    pub(in crate::lint::lower) fn capi_cluster(&mut self, root: &Node) -> bool {
        let blocks = |kind: &str| root.at(&["spec", "clusterNetwork", kind, "cidrBlocks"]);
        let pods = Setting::pods(Tool::ClusterApi, "pods.cidrBlocks");
        let services = Setting::services(Tool::ClusterApi, "services.cidrBlocks");
        let pods = self.range_items(blocks("pods"), pods);
        let services = self.range_items(blocks("services"), services);
        self.version(root.at(&["spec", "topology", "version"]).and_then(Node::text));
        let control_plane = root.at(&["spec", "controlPlaneRef", "kind"]).and_then(Node::str);
        // A provider gives the Pods of its own control planes addresses in its own way.
        if control_plane.is_some_and(|kind| kind.ends_with("ManagedControlPlane")) {
            self.model.no_node_ranges = true;
        }
        let name = root.at(&["metadata", "name"]).and_then(Node::str).map(str::to_owned);
        self.model.capi_clusters.push(name.clone());
        self.replicas(&name, root, &["spec", "topology", "controlPlane", "replicas"]);
        for list in ["machineDeployments", "machinePools"] {
            let list = root.at(&["spec", "topology", "workers", list]).map(Node::items);
            let all = list.unwrap_or_default().iter();
            all.for_each(|own| self.replicas(&name, own, &["replicas"]));
        }
        if pods.is_some() || services.is_some() {
            self.model.installs.push(Installation {
                at: begin(root),
                tool: Tool::ClusterApi,
                pods,
                services,
                masks: Vec::new(),
                settings: Args::default(),
            });
        }
        true
    }

    /// How many machines of a cluster there are to be, where a document says.
    fn replicas(&mut self, cluster: &Option<String>, node: &Node, path: &[&str]) {
        let text = node.at(path).and_then(Node::text);
        let count = text.and_then(|text| Some(text.with(text.value.parse().ok()?)));
        self.model.capi_nodes.extend(count.map(|count| (cluster.clone(), count)));
    }

    /// The same of an object of its own, which names its cluster. One that a topology made says again what
    /// the topology does.
    fn own_replicas(&mut self, root: &Node) {
        let label = |key: &str| root.at(&["metadata", "labels", key]).and_then(Node::str);
        if label("topology.cluster.x-k8s.io/owned").is_some() {
            return;
        }
        let named = root.at(&["spec", "clusterName"]).and_then(Node::str);
        let cluster = named.or_else(|| label("cluster.x-k8s.io/cluster-name")).map(str::to_owned);
        self.replicas(&cluster, root, &["spec", "replicas"]);
    }

    /// Machines of one kind. It says nothing else of the network.
    pub(in crate::lint::lower) fn capi_machines(&mut self, root: &Node) -> bool {
        self.own_replicas(root);
        true
    }

    /// A control plane, or the configuration of machines, or a template of either.
    pub(in crate::lint::lower) fn capi_kubeadm(&mut self, root: &Node) -> bool {
        let Some(spec) = root.get("spec") else { return true };
        self.version(spec.get("version").and_then(Node::text));
        if root.get("kind").and_then(Node::str) == Some("KubeadmControlPlane") {
            self.own_replicas(root);
        }
        let spec = spec.at(&["template", "spec"]).unwrap_or(spec);
        let spec = spec.get("kubeadmConfigSpec").unwrap_or(spec);
        if let Some(cluster) = spec.get("clusterConfiguration") {
            self.cluster_configuration(cluster, None);
        }
        for (section, init) in [("initConfiguration", true), ("joinConfiguration", false)] {
            if let Some(node) = spec.get(section) {
                self.node_configuration(node, None, init, Some(Tool::ClusterApi));
                // A patch of other fields says nothing about the node's address.
                if self.patching && self.model.nodes.last().is_some_and(|n| n.node_ip.is_none()) {
                    self.model.nodes.pop();
                }
            }
        }
        for part in ["files", "preKubeadmCommands", "postKubeadmCommands"] {
            if let Some(node) = spec.get(part) {
                self.carried(node);
            }
        }
        true
    }

    /// A class of clusters: its patches may hold the flags of kubelets.
    pub(in crate::lint::lower) fn capi_class(&mut self, node: &Node) -> bool {
        match &node.value {
            Value::Scalar(_) => {}
            Value::List(items) => items.iter().for_each(|item| {
                self.capi_class(item);
            }),
            Value::Map(entries) => {
                if node.get("kubeletExtraArgs").is_some() {
                    self.registration(node);
                }
                for entry in entries {
                    if entry.key.value == "jsonPatches" {
                        self.patching = true;
                        self.capi_kubeadm(&patches::patched(&entry.value));
                        self.patching = false;
                    } else {
                        self.capi_class(&entry.value);
                    }
                }
            }
        }
        true
    }
}
