//! kOps' `Cluster`, in its versions v1alpha2 and v1alpha3.

use crate::lint::{
    lower::kubeadm::begin,
    model::{Installation, Tool},
    tree::Node,
};

use super::{Lower, Setting, settings};

const SETTINGS: &[&str] = &[
    "nonMasqueradeCIDR",
    "networking.nonMasqueradeCIDR",
    "networking.calico.encapsulationMode",
    "networking.cilium.ipam",
    "networking.cilium.enableipv6",
];

impl Lower<'_> {
    pub(in crate::lint::lower) fn kops(&mut self, root: &Node) -> bool {
        let Some(spec) = root.get("spec") else { return true };
        self.version(spec.get("kubernetesVersion").and_then(Node::text));
        let first = |paths: [&[&str]; 3]| paths.iter().find_map(|path| spec.at(path));
        let pods = first([
            &["podCIDR"],
            &["networking", "podCIDR"],
            &["kubeControllerManager", "clusterCIDR"],
        ]);
        let services = first([
            &["serviceClusterIPRange"],
            &["networking", "serviceClusterIPRange"],
            &["kubeAPIServer", "serviceClusterIPRange"],
        ]);
        let pods = self.range_list(pods, Setting::pods(Tool::Kops, "podCIDR"));
        let setting = Setting::services(Tool::Kops, "serviceClusterIPRange");
        let services = self.range_list(services, setting);
        self.model.installs.push(Installation {
            at: begin(root),
            tool: Tool::Kops,
            pods,
            services,
            masks: Vec::new(),
            settings: settings(spec, SETTINGS),
        });
        self.proxy_mode(spec.at(&["kubeProxy", "proxyMode"]).and_then(Node::text));
        true
    }
}
