//! MicroK8s' launch configuration: flags of the components, and what its Calico is given.

use crate::lint::{
    model::{Arg, Args, ComponentName, GateReader, Installation, NodeConfiguration, Tool},
    tree::Node,
};

use super::{Lower, Setting, joined};

/// The flags of each component, by the key that holds them.
const COMPONENTS: [(&str, ComponentName); 3] = [
    ("extraKubeAPIServerArgs", ComponentName::ApiServer),
    ("extraKubeControllerManagerArgs", ComponentName::ControllerManager),
    ("extraKubeProxyArgs", ComponentName::Proxy),
];

/// Flags whose names are keys, with their dashes.
fn flags(node: &Node) -> Args {
    let flag = |entry: &crate::lint::tree::Entry| {
        let name = entry.key.value.trim_start_matches('-').to_owned();
        Some(Arg { name: entry.key.with(name), value: entry.value.text()? })
    };
    Args { list: node.entries().iter().filter_map(flag).collect(), ..Args::default() }
}

impl Lower<'_> {
    /// Whether a document has the keys of a launch configuration.
    pub(super) fn is_microk8s_launch(root: &Node) -> bool {
        let keys =
            COMPONENTS.iter().map(|(key, _)| *key).chain(["extraCNIEnv", "extraKubeletArgs"]);
        keys.into_iter().any(|key| root.get(key).is_some())
    }

    pub(super) fn microk8s(&mut self, root: &Node) -> bool {
        if !Self::is_microk8s_launch(root) {
            return false;
        }
        for (key, name) in COMPONENTS {
            if let Some(node) = root.get(key) {
                self.tool_component(name, node.span, flags(node));
            }
        }
        if let Some(node) = root.get("extraKubeletArgs") {
            let kubelet = flags(node);
            self.gate_flag(&kubelet, GateReader::Kubelet);
            let node_ip = kubelet.get("node-ip").map(|text| self.addresses(text));
            if node_ip.is_some() {
                self.model.nodes.push(NodeConfiguration {
                    at: node.span,
                    api: None,
                    name: None,
                    registration: None,
                    kubelet,
                    node_ip,
                    advertise: None,
                    tool: Some(Tool::MicroK8s),
                });
            }
        }
        if let Some(env) = root.get("extraCNIEnv") {
            self.microk8s_ranges(env);
        }
        // Its Calico gives Pods addresses of pools, and nodes get no ranges.
        self.model.no_node_ranges = true;
        true
    }

    fn microk8s_ranges(&mut self, env: &Node) {
        let at = env.entries().first().map_or(env.span, |entry| entry.key.span);
        let on = |family: &str| {
            let text = env.get(&format!("{family}_SUPPORT")).and_then(Node::str);
            text.map_or(family == "IPv4", |text| text.eq_ignore_ascii_case("true"))
        };
        let list = |what: &str, setting| {
            let families = ["IPv4", "IPv6"].into_iter().filter(|family| on(family));
            let parts = families.filter_map(|family| env.get(&format!("{family}_{what}"))?.text());
            joined(&parts.collect::<Vec<_>>(), setting)
        };
        let pods = list("CLUSTER_CIDR", Setting::pods(Tool::MicroK8s, "CLUSTER_CIDR"));
        let services = list("SERVICE_CIDR", Setting::services(Tool::MicroK8s, "SERVICE_CIDR"));
        if pods.is_some() || services.is_some() {
            self.model.installs.push(Installation {
                at,
                tool: Tool::MicroK8s,
                pods,
                services,
                masks: Vec::new(),
                settings: Args::default(),
            });
        }
    }
}
