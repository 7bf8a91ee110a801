//! KubeOne's `KubeOneCluster`.

use crate::{
    lint::{
        lower::kubeadm::begin,
        model::{Installation, NodeMask, RangeList, Tool},
        source::Spanned,
        tree::Node,
    },
    net::IpFamily,
};

use super::{Lower, Setting, assumed, joined, settings};

const SETTINGS: &[&str] = &["ipFamily", "podSubnetIPv6", "serviceSubnetIPv6"];
/// The keys of each family's ranges and node mask, and what KubeOne takes where they are not set.
const FAMILIES: [(IpFamily, Keys); 2] = [
    (
        IpFamily::V4,
        Keys {
            pods: ("podSubnet", "10.244.0.0/16"),
            services: ("serviceSubnet", "10.96.0.0/12"),
            mask: ("nodeCIDRMaskSizeIPv4", 24),
        },
    ),
    (
        IpFamily::V6,
        Keys {
            pods: ("podSubnetIPv6", "fd01::/48"),
            services: ("serviceSubnetIPv6", "fd02::/120"),
            mask: ("nodeCIDRMaskSizeIPv6", 64),
        },
    ),
];

#[derive(Clone, Copy)]
struct Keys {
    pods: (&'static str, &'static str),
    services: (&'static str, &'static str),
    mask: (&'static str, u8),
}

impl Lower<'_> {
    pub(in crate::lint::lower) fn kubeone(&mut self, root: &Node) -> bool {
        self.version(root.at(&["versions", "kubernetes"]).and_then(Node::text));
        let at = begin(root);
        let network = root.get("clusterNetwork");
        let text = |key: &str| network?.get(key)?.text().filter(|text| !text.value.is_empty());
        let asked = text("ipFamily").map_or_else(|| String::from("IPv4"), |text| text.value);
        let mut families = FAMILIES.to_vec();
        families.retain(|(family, _)| asked.contains(family.as_str()));
        if asked.starts_with("IPv6") {
            families.reverse();
        }
        let list = |pick: fn(&Keys) -> (&'static str, &'static str), setting| {
            let keys: Vec<_> = families.iter().map(|(_, keys)| pick(keys)).collect();
            let set = |(key, _): &(&'static str, &'static str)| text(key);
            // An unknown family, or one that a template is to fill in.
            if keys.is_empty() {
                return None;
            }
            let defaults: Vec<&str> = keys.iter().map(|(_, default)| *default).collect();
            if !keys.iter().any(|key| set(key).is_some()) {
                return Some(assumed(&defaults.join(","), at, setting));
            }
            let own = |key: &(&'static str, &'static str)| {
                set(key).unwrap_or_else(|| Spanned::new(key.1.to_owned(), at))
            };
            let parts: Vec<_> = keys.iter().map(own).collect();
            joined(&parts, setting)
        };
        let pods: Option<RangeList> =
            list(|keys| keys.pods, Setting::pods(Tool::KubeOne, "podSubnet"));
        let services =
            list(|keys| keys.services, Setting::services(Tool::KubeOne, "serviceSubnet"));
        let masks = families.iter().map(|(family, keys)| {
            let set = text(keys.mask.0);
            let length = set.as_ref().and_then(|text| text.value.parse().ok());
            NodeMask { family: *family, length: length.unwrap_or(keys.mask.1), set }
        });
        let masks = masks.collect();
        let settings = network.map(|node| settings(node, SETTINGS)).unwrap_or_default();
        self.model.installs.push(Installation {
            at,
            tool: Tool::KubeOne,
            pods,
            services,
            masks,
            settings,
        });
        true
    }
}
