//! eksctl's `ClusterConfig`.

use crate::lint::{
    lower::kubeadm::begin,
    model::{Arg, Installation, Tool},
    source::Spanned,
    tree::Node,
};

use super::{Lower, Setting, settings};

const SETTINGS: &[&str] = &[
    "kubernetesNetworkConfig.ipFamily",
    "kubernetesNetworkConfig.serviceIPv4CIDR",
    "iam.withOIDC",
    "vpc.nat.gateway",
    "autoModeConfig.enabled",
];

impl Lower<'_> {
    pub(in crate::lint::lower) fn eksctl(&mut self, root: &Node) -> bool {
        self.version(root.at(&["metadata", "version"]).and_then(Node::text));
        let range = root.at(&["kubernetesNetworkConfig", "serviceIPv4CIDR"]);
        let setting = Setting::services(Tool::Eksctl, "serviceIPv4CIDR");
        let services = self.range_list(range, setting);
        let mut settings = settings(root, SETTINGS);
        for addon in root.get("addons").map(Node::items).unwrap_or_default() {
            if let Some(name) = addon.get("name").and_then(Node::text) {
                let key = Spanned::new(format!("addons.{}", name.value), name.span);
                settings.list.push(Arg { name: key, value: name });
            }
        }
        if let Some(groups) = root.entry("nodeGroups") {
            let value = Spanned::new("set".to_owned(), groups.key.span);
            settings.list.push(Arg { name: groups.key.clone(), value });
        }
        self.model.installs.push(Installation {
            at: begin(root),
            tool: Tool::Eksctl,
            pods: None,
            services,
            masks: Vec::new(),
            settings,
        });
        true
    }
}
