//! Talos' machine configuration.

use crate::lint::{
    model::{Args, ComponentName, Installation, Tool},
    tree::{Node, Value},
};

use super::{Lower, Setting, assumed, settings};

/// What Talos takes where nothing is given.
const PODS: &str = "10.244.0.0/16";
const SERVICES: &str = "10.96.0.0/12";

impl Lower<'_> {
    pub(super) fn talos(&mut self, root: &Node) -> bool {
        let map = |key: &str| root.get(key).filter(|node| matches!(node.value, Value::Map(_)));
        let (machine, cluster) = (map("machine"), map("cluster"));
        let versioned = root.get("version").and_then(Node::str) == Some("v1alpha1");
        let known = |node: Option<&Node>, keys: &[&str]| {
            node.is_some_and(|node| keys.iter().any(|key| node.get(key).is_some()))
        };
        // Patches hold parts of a document, and no version.
        let machine_keys = ["type", "kubelet", "network", "install", "sysctls"];
        let network = ["podSubnets", "serviceSubnets", "cni", "dnsDomain"];
        let cluster_network = cluster.and_then(|cluster| cluster.get("network"));
        if !(versioned && (machine.is_some() || cluster.is_some()))
            && !known(machine, &machine_keys)
            && !known(cluster_network, &network)
        {
            return false;
        }
        let at = root.entries().first().map_or(root.span, |entry| entry.key.span);
        if let Some(network) = cluster_network {
            let pods_setting = Setting::pods(Tool::Talos, "podSubnets");
            let services_setting = Setting::services(Tool::Talos, "serviceSubnets");
            let pods = self.range_list(network.get("podSubnets"), pods_setting);
            let services = self.range_list(network.get("serviceSubnets"), services_setting);
            if pods.is_some() || services.is_some() {
                self.model.installs.push(Installation {
                    at,
                    tool: Tool::Talos,
                    pods: pods.or_else(|| Some(assumed(PODS, at, pods_setting))),
                    services: services.or_else(|| Some(assumed(SERVICES, at, services_setting))),
                    masks: Vec::new(),
                    settings: Args::default(),
                });
            }
        }
        if let Some(cluster) = cluster {
            for (section, name) in [
                ("controllerManager", ComponentName::ControllerManager),
                ("apiServer", ComponentName::ApiServer),
                ("proxy", ComponentName::Proxy),
            ] {
                let node = cluster.at(&[section, "extraArgs"]);
                let Args { list, .. } = self.extra_args(node);
                let span = node.map_or(at, |node| node.span);
                self.tool_component(name, span, Args { list, ..Args::default() });
            }
            let mode = settings(cluster, &["proxy.mode"]);
            self.proxy_mode(mode.get("proxy.mode").cloned());
        }
        let image = machine.and_then(|machine| machine.at(&["kubelet", "image"]));
        self.image_version(image);
        true
    }
}
