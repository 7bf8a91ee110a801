//! Cilium's settings: Helm values and the ConfigMap that the chart makes of them.

use crate::lint::{
    model::{Arg, Args, Cilium, RangeEntry},
    source::{Span, Spanned},
    tree::{Node, Value},
};

use super::Lower;

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

fn at<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    path.split('.').try_fold(node, |node, key| node.get(key))
}

/// Whether values are Cilium's: by a value that only its chart has.
pub(super) fn is_values(root: &Node) -> bool {
    OWN.iter().any(|path| at(root, path).is_some())
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
        });
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
