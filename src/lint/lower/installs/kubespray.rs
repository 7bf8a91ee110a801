//! kubespray's group variables.

use crate::{
    lint::{
        model::{
            Installation, IpPool, KubeProxyConfiguration, NodeMask, RangeEntry, Tool, is_template,
        },
        source::Spanned,
        tree::Node,
    },
    net::IpFamily,
};

use super::{Lower, Setting, joined, settings};

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
/// What it tells Calico of the pool of each family: the range, the block size, the mode of IP-in-IP
/// and whether traffic to the outside is masqueraded.
const POOLS: [[&str; 4]; 2] = [
    ["calico_pool_cidr", "calico_pool_blocksize", "calico_ipip_mode", "nat_outgoing"],
    [
        "calico_pool_cidr_ipv6",
        "calico_pool_blocksize_ipv6",
        "calico_ipip_mode_ipv6",
        "nat_outgoing_ipv6",
    ],
];
/// Further variables that only kubespray has.
const OTHERS: [&str; 3] =
    ["calico_vxlan_mode_ipv6", "calico_vxlan_mode", "kube_proxy_nodeport_addresses"];
/// What tells which families there are, and what the second one gets.
const SETTINGS: [&str; 10] = [
    "enable_dual_stack_networks",
    "ipv4_stack",
    "ipv6_stack",
    "kube_pods_subnet",
    "kube_pods_subnet_ipv6",
    "kube_service_addresses",
    "kube_service_addresses_ipv6",
    "kube_network_plugin",
    "cilium_enable_ipv6",
    "nat_outgoing_ipv6",
];

impl Lower<'_> {
    pub(in crate::lint::lower) fn kubespray(&mut self, root: &Node) -> bool {
        let text = |key: &str| root.get(key).and_then(Node::text);
        let keys = PODS.iter().chain(&SERVICES).map(|(key, _)| *key);
        let keys = keys.chain(MASKS.iter().map(|(key, _)| *key)).chain(STACKS).chain(OTHERS);
        // `nat_outgoing` alone is anybody's.
        let keys = keys.chain(POOLS.into_iter().flatten().filter(|key| *key != "nat_outgoing"));
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
                settings: settings(root, &SETTINGS),
            });
        }
        // Whether there is IPv6 stands mostly in another file than what Calico is told.
        let known = self.model.installs.iter().any(|own| own.tool == Tool::Kubespray);
        let calico = text("kube_network_plugin").is_none_or(|plugin| plugin.value == "calico");
        for (at, (key, default)) in PODS.into_iter().enumerate() {
            if calico && (families[at] || (at == 1 && !known)) {
                self.kubespray_pool(root, at, text(key), default);
            }
        }
        self.kubespray_proxy(root);
        self.version(text("kube_version"));
        true
    }
    /// The pool of a family that kubespray makes for Calico, where it is told more of the pools than
    /// their ranges.
    fn kubespray_pool(
        &mut self,
        root: &Node,
        family: usize,
        pods: Option<Spanned<String>>,
        default: &str,
    ) {
        let text = |key: &str| root.get(key).and_then(Node::text);
        let told = POOLS.iter().flat_map(|names| &names[1..]).find_map(|key| root.entry(key));
        let Some(told) = told else { return };
        let [cidr, size, mode, nat] = POOLS[family];
        let given = text(cidr);
        let assumed = given.is_none();
        let cidr = given.or(pods).filter(|text| !is_template(&text.value));
        let cidr = cidr.unwrap_or_else(|| told.key.with(default.to_owned()));
        let nat = text(nat);
        let off = nat.as_ref().is_some_and(|text| text.value.eq_ignore_ascii_case("false"));
        let size = text(size);
        self.model.pools.push(IpPool {
            cidr: RangeEntry::new(cidr),
            assumed,
            disabled: false,
            block_size: size.and_then(|text| Some(text.with(text.value.parse().ok()?))),
            encapsulation: text(mode),
            masquerades: !off,
            nat,
        });
    }

    /// kube-proxy's mode and the addresses of NodePorts.
    fn kubespray_proxy(&mut self, root: &Node) {
        self.proxy_mode(root.get("kube_proxy_mode").and_then(Node::text));
        let list = root.entry("kube_proxy_nodeport_addresses");
        if let Some(list) = list.filter(|list| !list.value.items().is_empty()) {
            let ports = list.value.items().iter().filter_map(Node::text).map(RangeEntry::new);
            self.model.proxies.push(KubeProxyConfiguration {
                at: list.key.span,
                mode: None,
                cluster_cidr: None,
                node_ports: ports.collect(),
                bind: None,
                windows: false,
            });
        }
    }
}
