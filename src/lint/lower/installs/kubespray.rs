//! kubespray's group variables.

use crate::{
    lint::{
        model::{Args, Installation, NodeMask, Tool},
        source::Spanned,
        tree::Node,
    },
    net::IpFamily,
};

use super::{Lower, Setting, joined};

/// Variables that only kubespray has, and what it takes where they are left out.
const PODS: [(&str, &str); 2] = [
    ("kube_pods_subnet", "10.233.64.0/18"),
    ("kube_pods_subnet_ipv6", "fd85:ee78:d8a6:8607::1:0000/112"),
];
const SERVICES: [(&str, &str); 2] = [
    ("kube_service_addresses", "10.233.0.0/18"),
    ("kube_service_addresses_ipv6", "fd85:ee78:d8a6:8607::1000/116"),
];
const MASKS: [(&str, u8); 2] =
    [("kube_network_node_prefix", 24), ("kube_network_node_prefix_ipv6", 120)];
const STACKS: [&str; 3] = ["enable_dual_stack_networks", "ipv4_stack", "ipv6_stack"];

impl Lower<'_> {
    pub(in crate::lint::lower) fn kubespray(&mut self, root: &Node) -> bool {
        let text = |key: &str| root.get(key).and_then(Node::text);
        let keys = PODS.iter().chain(&SERVICES).map(|(key, _)| *key);
        let keys = keys.chain(MASKS.iter().map(|(key, _)| *key)).chain(STACKS);
        let mut set = keys.filter_map(|key| root.entry(key));
        let Some(first) = set.next() else { return false };
        let at = first.key.span;
        let says = |key: &str, word: &[&str]| {
            text(key).is_some_and(|text| word.contains(&&*text.value.to_lowercase()))
        };
        let v6 = STACKS.iter().any(|key| *key != "ipv4_stack" && says(key, &["true", "yes"]));
        let v4 = !says("ipv4_stack", &["false", "no"]);
        let families = [v4, v6];
        let list = |names: [(&str, &str); 2], setting| {
            let used = names.iter().zip(families).filter(|(_, used)| *used);
            let parts: Vec<_> = used
                .map(|((key, default), _)| {
                    text(key).unwrap_or_else(|| Spanned::new((*default).to_owned(), at))
                })
                .collect();
            joined(&parts, setting)
        };
        let pods = list(PODS, Setting::pods(Tool::Kubespray, "kube_pods_subnet"));
        let setting = Setting::services(Tool::Kubespray, "kube_service_addresses");
        let services = list(SERVICES, setting);
        let given = |names: [(&str, &str); 2]| names.iter().any(|(key, _)| text(key).is_some());
        let masks = MASKS.iter().zip(IpFamily::ALL).map(|((key, default), family)| {
            let set = text(key);
            let length = set.as_ref().and_then(|text| text.value.parse().ok());
            NodeMask { family, length: length.unwrap_or(*default), set }
        });
        if given(PODS) || given(SERVICES) {
            let masks = masks.collect();
            self.model.installs.push(Installation {
                at,
                tool: Tool::Kubespray,
                pods,
                services,
                masks,
                settings: Args::default(),
            });
        }
        self.proxy_mode(text("kube_proxy_mode"));
        self.version(text("kube_version"));
        true
    }
}
