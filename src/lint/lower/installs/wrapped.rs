//! Documents that hold the settings of another tool: k3d's and Rancher's clusters of k3s and RKE2,
//! and the control planes of Cluster API's other providers.

use crate::lint::{
    lower::{Lower, kubeadm::begin, settings},
    source::Spanned,
    tree::{Entry, Node, Value},
};

impl Lower<'_> {
    /// k3d's cluster: flags of k3s, each for some of the nodes.
    pub(in crate::lint::lower) fn k3d(&mut self, root: &Node) -> bool {
        self.image_version(root.get("image"));
        let list = |key: &str| root.at(&["options", "k3s", key]).map(Node::items);
        let servers = ["extraArgs", "extraServerArgs"].into_iter().filter_map(list).flatten();
        let words = servers.filter_map(|item| item.get("arg").unwrap_or(item).text());
        let words: Vec<Spanned<String>> = words.collect();
        self.k3s_flags(&words, begin(root));
        true
    }

    /// Rancher's cluster of k3s or RKE2, with values for the charts of its plugins.
    pub(in crate::lint::lower) fn rancher(&mut self, root: &Node) -> bool {
        self.version(root.at(&["spec", "kubernetesVersion"]).and_then(Node::text));
        let Some(config) = root.at(&["spec", "rkeConfig"]) else { return true };
        if let Some(own) = config.get("machineGlobalConfig") {
            self.k3s(own);
        }
        for item in config.get("machineSelectorConfig").map(Node::items).unwrap_or_default() {
            if let Some(own) = item.get("config") {
                self.k3s(own);
            }
        }
        if let Some(values) = config.get("chartValues") {
            self.helm_values(values, None);
        }
        true
    }

    /// Cluster API's control plane of k3s.
    pub(in crate::lint::lower) fn k3s_control_plane(&mut self, root: &Node) -> bool {
        let spec = root.get("spec");
        self.version(spec.and_then(|spec| spec.get("version")).and_then(Node::text));
        let config = root.at(&["spec", "kthreesConfigSpec"]);
        let part = |key: &str| config.and_then(|config| config.get(key)).map(settings::as_flags);
        let parts = ["serverConfig", "agentConfig"].into_iter().filter_map(part);
        let entries = parts.flat_map(|part| part.entries().to_vec()).collect();
        self.k3s(&Node { span: begin(root), value: Value::Map(entries) });
        config.is_some_and(|config| self.carried(config)) || spec.is_some()
    }

    /// Cluster API's control plane of RKE2, or the configuration of its machines.
    pub(in crate::lint::lower) fn rke2_control_plane(&mut self, root: &Node) -> bool {
        let Some(spec) = root.get("spec") else { return true };
        let spec = spec.at(&["template", "spec"]).unwrap_or(spec);
        self.version(spec.get("version").and_then(Node::text));
        let mut entries = Vec::new();
        for (path, flag) in [
            (["serverConfig", "kubeAPIServer"], "kube-apiserver-arg"),
            (["serverConfig", "kubeControllerManager"], "kube-controller-manager-arg"),
            (["agentConfig", "kubeProxy"], "kube-proxy-arg"),
            (["agentConfig", "kubelet"], "kubelet-arg"),
        ] {
            if let Some(entry) = spec.at(&path).and_then(|part| part.entry("extraArgs")) {
                let key = entry.key.with(flag.to_owned());
                entries.push(Entry { key, value: entry.value.clone() });
            }
        }
        self.k3s(&Node { span: begin(root), value: Value::Map(entries) });
        self.carried(spec);
        true
    }

    /// Cluster API's control plane of k0s.
    pub(in crate::lint::lower) fn k0s_control_plane(&mut self, root: &Node) -> bool {
        let Some(spec) = root.get("spec") else { return true };
        let spec = spec.at(&["template", "spec"]).unwrap_or(spec);
        self.version(spec.get("version").and_then(Node::text));
        match spec.at(&["k0sConfigSpec", "k0s"]) {
            Some(config) => self.k0s(config),
            None => true,
        }
    }
}
