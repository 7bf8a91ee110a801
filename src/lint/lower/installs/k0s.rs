//! k0s' `ClusterConfig`, and k0sctl's `Cluster`, which holds one.

use crate::{
    lint::{
        lower::kubeadm::begin,
        model::{Args, ComponentName, Installation, NodeMask, Tool},
        source::Spanned,
        tree::{Entry, Flaw, FlawKind, Node, Value},
    },
    net::IpFamily,
};

use super::{Lower, Setting, assumed, joined, settings};

/// What k0s takes where nothing is given.
const PODS: &str = "10.244.0.0/16";
const SERVICES: &str = "10.96.0.0/12";
/// The lengths of nodes' pod ranges that k0s gives to the controller manager of a dual-stack
/// cluster.
const MASKS: [(IpFamily, u8); 2] = [(IpFamily::V4, 24), (IpFamily::V6, 117)];
const SETTINGS: &[&str] = &[
    "provider",
    "calico.mode",
    "dualStack.enabled",
    "dualStack.IPv6podCIDR",
    "dualStack.IPv6serviceCIDR",
];

/// The fields of `spec.network` and of its `dualStack` (`Network` and `DualStack` of k0s'
/// `pkg/apis/k0s/v1beta1`).
const NETWORK: &[&str] = &[
    "calico",
    "clusterDomain",
    "controlPlaneLoadBalancing",
    "dualStack",
    "kubeProxy",
    "kuberouter",
    "nodeLocalLoadBalancing",
    "podCIDR",
    "primaryAddressFamily",
    "provider",
    "serviceCIDR",
    // At the wrong place, which has a finding of its own.
    "IPv6podCIDR",
    "IPv6serviceCIDR",
];
const DUAL_STACK: &[&str] = &["enabled", "IPv6podCIDR", "IPv6serviceCIDR"];

/// The network with its keys as k0s declares them: its reader compares them in any case of letters
/// (Go's `encoding/json`).
fn in_any_case(node: &Node) -> Node {
    let fields = || NETWORK.iter().chain(DUAL_STACK);
    let Value::Map(entries) = &node.value else { return node.clone() };
    let rename = |entry: &Entry| {
        let own = fields().find(|own| own.eq_ignore_ascii_case(&entry.key.value));
        let name = own.map_or_else(|| entry.key.value.clone(), |own| (*own).to_owned());
        let value = match name.as_str() {
            "dualStack" => in_any_case(&entry.value),
            _ => entry.value.clone(),
        };
        Entry { key: entry.key.with(name), value }
    };
    Node { span: node.span, value: Value::Map(entries.iter().map(rename).collect()) }
}

impl Lower<'_> {
    pub(in crate::lint::lower) fn k0s(&mut self, root: &Node) -> bool {
        let Some(network) = root.at(&["spec", "network"]) else { return true };
        let network = &in_any_case(network);
        let at = begin(root);
        for key in ["IPv6podCIDR", "IPv6serviceCIDR"] {
            if let Some(entry) = network.entry(key) {
                let message = format!("`network` has no field `{key}`");
                let flaw = Flaw::new(FlawKind::UnknownField, entry.key.span, message).reader("k0s");
                self.model.flaws.push(flaw.fix("move it below network.dualStack"));
            }
        }
        self.misspelt("k0s", "network", Some(network), NETWORK);
        self.misspelt("k0s", "dualStack", network.get("dualStack"), DUAL_STACK);
        let text = |path: &[&str]| network.at(path).and_then(Node::text);
        let dual = text(&["dualStack", "enabled"]).is_some_and(|text| text.value == "true");
        let v6 = |field: &str| text(&["dualStack", field]).filter(|_| dual);
        let list = |own: Option<Spanned<String>>, other: Option<Spanned<String>>, default, set| {
            let own = own.unwrap_or_else(|| Spanned::new(String::from(default), at));
            let parts: Vec<_> = [Some(own), other].into_iter().flatten().collect();
            joined(&parts, set)
        };
        let pods = Setting::pods(Tool::K0s, "podCIDR");
        let services = Setting::services(Tool::K0s, "serviceCIDR");
        let masks = MASKS.iter().filter(|_| dual);
        let masks = masks.map(|&(family, length)| NodeMask { family, length, set: None });
        let install = Installation {
            at,
            tool: Tool::K0s,
            pods: match (text(&["podCIDR"]), v6("IPv6podCIDR")) {
                (None, None) => Some(assumed(PODS, at, pods)),
                (own, other) => list(own, other, PODS, pods),
            },
            services: match (text(&["serviceCIDR"]), v6("IPv6serviceCIDR")) {
                (None, None) => Some(assumed(SERVICES, at, services)),
                (own, other) => list(own, other, SERVICES, services),
            },
            masks: masks.collect(),
            settings: settings(network, SETTINGS),
        };
        self.model.installs.push(install);
        self.proxy_mode(text(&["kubeProxy", "mode"]));
        for (section, name) in [
            ("controllerManager", ComponentName::ControllerManager),
            ("api", ComponentName::ApiServer),
        ] {
            let node = root.at(&["spec", section, "extraArgs"]);
            let Args { list, .. } = self.extra_args(node);
            let span = node.map_or(at, |node| node.span);
            self.tool_component(name, span, Args { list, ..Args::default() });
        }
        true
    }

    pub(in crate::lint::lower) fn k0sctl(&mut self, root: &Node) -> bool {
        let version = root.at(&["spec", "k0s", "version"]);
        self.version(version.and_then(Node::text));
        let hosts = root.at(&["spec", "hosts"]);
        // A controller runs no kubelet.
        let other = |host: &Node| host.get("role").and_then(Node::str) != Some("controller");
        self.listed(hosts, other);
        for host in hosts.map(Node::items).unwrap_or_default() {
            let flags = host.get("installFlags").map(Node::items).unwrap_or_default();
            for flag in flags.iter().filter_map(Node::text) {
                if let Some(words) = self.variable(&flag, &["--kubelet-extra-args="]) {
                    self.kubelet_flags(&words, flag.span);
                }
            }
        }
        match root.at(&["spec", "k0s", "config"]) {
            Some(config) => self.k0s(config),
            None => true,
        }
    }
}
