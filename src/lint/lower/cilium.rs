//! Cilium's settings: Helm values and the ConfigMap that the chart makes of them.

use crate::lint::{
    model::{Arg, Args, Cilium, RangeEntry},
    source::{Span, Spanned},
    tree::{Node, Value},
};

use super::{Lower, kubeadm::begin};

/// Paths of Helm values and the names that the chart gives them in the ConfigMap.
const VALUES: &[(&str, &str)] = &[
    ("ipv4.enabled", "enable-ipv4"),
    ("ipv6.enabled", "enable-ipv6"),
    ("ipam.mode", "ipam"),
    ("ipam.operator.clusterPoolIPv4MaskSize", "cluster-pool-ipv4-mask-size"),
    ("ipam.operator.clusterPoolIPv6MaskSize", "cluster-pool-ipv6-mask-size"),
    ("enableIPv4Masquerade", "enable-ipv4-masquerade"),
    ("enableIPv6Masquerade", "enable-ipv6-masquerade"),
    ("ipv4NativeRoutingCIDR", "ipv4-native-routing-cidr"),
    ("ipv6NativeRoutingCIDR", "ipv6-native-routing-cidr"),
    ("routingMode", "routing-mode"),
    ("tunnel", "tunnel"),
    ("ipMasqAgent.enabled", "enable-ip-masq-agent"),
    ("cni.chainingMode", "cni-chaining-mode"),
];
/// Lists of ranges, and the single ones that older charts know.
const POOLS: [(&str, &str); 4] = [
    ("ipam.operator.clusterPoolIPv4PodCIDRList", "cluster-pool-ipv4-cidr"),
    ("ipam.operator.clusterPoolIPv6PodCIDRList", "cluster-pool-ipv6-cidr"),
    ("ipam.operator.clusterPoolIPv4PodCIDR", "cluster-pool-ipv4-cidr"),
    ("ipam.operator.clusterPoolIPv6PodCIDR", "cluster-pool-ipv6-cidr"),
];
/// Values that only Cilium's chart has, of which one is enough to know the file.
const OWN: &[&str] = &[
    "ipam.operator",
    "kubeProxyReplacement",
    "enableIPv4Masquerade",
    "enableIPv6Masquerade",
    "ipv4NativeRoutingCIDR",
    "ipv6NativeRoutingCIDR",
    "autoDirectNodeRoutes",
    "bpf.masquerade",
    "routingMode",
    "tunnelProtocol",
    "hubble.relay",
    "k8s.requireIPv4PodCIDR",
    "k8s.requireIPv6PodCIDR",
];

/// Where Cilium may take Pods' addresses from.
const IPAM_MODES: &[&str] =
    &["kubernetes", "cluster-pool", "multi-pool", "crd", "eni", "azure", "delegated-plugin"];

/// The setting that tells a pool of the multi-pool mode, an object of its own.
const POD_POOL: &str = "pod-ip-pool";

fn at<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    path.split('.').try_fold(node, |node, key| node.get(key))
}

/// Whether values are Cilium's: by a value that only its chart has.
pub(super) fn is_values(root: &Node) -> bool {
    let mode = at(root, "ipam.mode").and_then(Node::str);
    OWN.iter().any(|path| at(root, path).is_some())
        || mode.is_some_and(|mode| IPAM_MODES.contains(&mode))
}

impl Lower<'_> {
    /// Helm values.
    pub(super) fn cilium_values(&mut self, root: &Node, begin: Span) {
        let set = |(path, name): &(&str, &str)| {
            let value = at(root, path)?.text()?;
            Some(Arg { name: Spanned::new((*name).to_owned(), value.span), value })
        };
        let mut list: Vec<Arg> = VALUES.iter().filter_map(set).collect();
        let mut pools = Vec::new();
        for (path, name) in POOLS {
            let Some(node) = at(root, path) else { continue };
            let ranges = self.pool(node);
            if let Some(first) = ranges.first() {
                let name = Spanned::new(name.to_owned(), first.text.span);
                list.push(Arg { name, value: first.text.clone() });
            }
            pools.extend(ranges);
        }
        self.model.cilium.push(Cilium {
            at: begin,
            settings: Args { list, ..Args::default() },
            pools,
            config_map: false,
        });
        let created = at(root, "ipam.operator.autoCreateCiliumPodIPPools").map(Node::entries);
        for pool in created.unwrap_or_default() {
            self.pod_pool(&pool.value, pool.key.span, Some(pool.key.clone()));
        }
    }

    /// `CiliumPodIPPool`, from which nodes take shares in the multi-pool mode.
    pub(super) fn cilium_pod_pool(&mut self, root: &Node) -> bool {
        let name = root.at(&["metadata", "name"]).and_then(Node::text);
        if let Some(spec) = root.get("spec") {
            self.pod_pool(spec, begin(root), name);
        }
        true
    }

    /// A pool's ranges and the masks of the shares, in both families.
    fn pod_pool(&mut self, spec: &Node, at: Span, name: Option<Spanned<String>>) {
        let mut list = Vec::new();
        let mut pools = Vec::new();
        let mut set = |name: &str, value: Spanned<String>| {
            list.push(Arg { name: Spanned::new(name.to_owned(), value.span), value });
        };
        set(POD_POOL, name.unwrap_or_else(|| Spanned::new(String::new(), at)));
        for family in ["ipv4", "ipv6"] {
            let part = |key: &str| spec.at(&[family, key]);
            pools.extend(part("cidrs").map(|node| self.pool(node)).unwrap_or_default());
            if let Some(mask) = part("maskSize").and_then(Node::text) {
                set(&format!("cluster-pool-{family}-mask-size"), mask);
            }
        }
        let settings = Args { list, ..Args::default() };
        self.model.cilium.push(Cilium { at, settings, pools, config_map: false });
    }

    /// RKE2's edition of the chart takes the nodes' pod ranges unless it is told otherwise.
    pub(super) fn rke2_cilium(&mut self) {
        if let Some(cilium) = self.model.cilium.last_mut()
            && cilium.settings.get("ipam").is_none()
        {
            let text = |text: &str| Spanned::new(text.to_owned(), cilium.at);
            let arg = Arg { name: text("ipam"), value: text("kubernetes") };
            cilium.settings.list.push(arg);
        }
    }

    /// The ConfigMap `cilium-config`.
    pub(super) fn cilium_config(&mut self, data: &Node) {
        let set = |entry: &crate::lint::tree::Entry| {
            Some(Arg { name: entry.key.clone(), value: entry.value.text()? })
        };
        let list: Vec<Arg> = data.entries().iter().filter_map(set).collect();
        let mut pools = Vec::new();
        for name in ["cluster-pool-ipv4-cidr", "cluster-pool-ipv6-cidr"] {
            pools.extend(data.get(name).map(|node| self.pool(node)).unwrap_or_default());
        }
        let begin = data.entries().first().map_or(data.span, |entry| entry.key.span);
        self.model.cilium.push(Cilium {
            at: begin,
            settings: Args { list, ..Args::default() },
            pools,
            config_map: true,
        });
    }

    /// Ranges in a list, or in one text between commas or white space.
    fn pool(&self, node: &Node) -> Vec<RangeEntry> {
        let items: Vec<_> = match &node.value {
            Value::List(items) => items.iter().filter_map(Node::text).collect(),
            _ => node.text().into_iter().collect(),
        };
        let mut entries = Vec::new();
        for item in &items {
            let mut offset = 0;
            for part in item.value.split([',', ' ']) {
                if !part.is_empty() {
                    entries.push(RangeEntry::new(self.part(item, offset, part)));
                }
                offset += part.len() + 1;
            }
        }
        entries
    }
}
