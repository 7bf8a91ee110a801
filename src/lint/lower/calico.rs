//! Calico's configuration: its CNI plugin, its agent, its pools.

use crate::{
    lint::{
        model::{
            Arg, Autodetection, CalicoBgp, CalicoCni, CalicoNode, IpPool, RangeEntry, parse_address,
        },
        tree::Node,
    },
    net::IpFamily,
};

use super::{Lower, tools::is_true};

impl Lower<'_> {
    /// The CNI configuration (JSON, with placeholders) in Calico's ConfigMap.
    pub(super) fn calico_config(&mut self, node: &Node) {
        let before = self.model.flaws.len();
        let documents = self.embedded(node, "cni_network_config");
        self.not_json(node, before);
        for document in documents {
            let plugins = document.root.get("plugins").map(Node::items).unwrap_or_default();
            for plugin in plugins.iter().chain([&document.root]) {
                let Some(ipam) = plugin.get("ipam") else { continue };
                if ipam.get("type").and_then(Node::str) != Some("calico-ipam") {
                    continue;
                }
                let at = plugin.entry("ipam").map_or(ipam.span, |entry| entry.key.span);
                self.model.calico_cni.push(CalicoCni {
                    at,
                    assign_v4: ipam.get("assign_ipv4").and_then(Node::text),
                    assign_v6: ipam.get("assign_ipv6").and_then(Node::text),
                });
            }
        }
    }

    pub(super) fn calico_node(&mut self, container: &Node) {
        let Some(env) = container.entry("env") else { return };
        let literal = |item: &Node| {
            Some(Arg { name: item.get("name")?.text()?, value: item.get("value")?.text()? })
        };
        let list = env.value.items().iter().filter_map(literal).collect();
        self.model.calico_nodes.push(CalicoNode { at: env.key.span, env: list });
    }

    pub(super) fn ip_pool(&mut self, root: &Node) -> bool {
        if let Some(spec) = root.get("spec") {
            self.calico_pool(spec, false);
        }
        true
    }

    pub(super) fn installation(&mut self, root: &Node) -> bool {
        if let Some(spec) = root.get("spec") {
            self.calico_network(spec);
        }
        true
    }

    /// `BGPConfiguration`, for the ranges of Services that it announces.
    pub(super) fn calico_bgp_configuration(&mut self, root: &Node) -> bool {
        for field in ["serviceClusterIPs", "serviceLoadBalancerIPs", "serviceExternalIPs"] {
            let list = root.at(&["spec", field]).map(Node::items).unwrap_or_default();
            let ranges = list.iter().filter_map(|own| own.get("cidr")?.text());
            let ranges = ranges.map(RangeEntry::new).collect();
            self.model.calico_bgp.push(CalicoBgp::Services { field, ranges });
        }
        true
    }

    /// `BGPPeer`, by its address, which may have a port, or by a selector.
    pub(super) fn calico_bgp_peer(&mut self, root: &Node) -> bool {
        let address = root.at(&["spec", "peerIP"]).and_then(Node::text);
        self.model.calico_bgp.push(match address {
            Some(address) => {
                let text = address.value.trim();
                let bare = text.strip_prefix('[').and_then(|rest| rest.split(']').next());
                let family = parse_address(bare.unwrap_or(text))
                    .or_else(|| parse_address(text.split(':').next()?))
                    .map(IpFamily::of);
                CalicoBgp::Peer { address, family }
            }
            None => CalicoBgp::Selected,
        });
        true
    }

    /// The specification of an `Installation`, which the operator's chart has in its values too.
    pub(super) fn calico_network(&mut self, spec: &Node) {
        let pools = spec.at(&["calicoNetwork", "ipPools"]).map(Node::items);
        for pool in pools.unwrap_or_default() {
            self.calico_pool(pool, true);
        }
        // Its VPP has a BGP daemon of its own, which one neighbour serves for both families.
        let dataplane = spec.at(&["calicoNetwork", "linuxDataplane"]).and_then(Node::str);
        if dataplane == Some("VPP") {
            self.model.calico_bgp.push(CalicoBgp::Selected);
        }
        let detection = ["nodeAddressAutodetectionV4", "nodeAddressAutodetectionV6"]
            .map(|key| Some(spec.get("calicoNetwork")?.entry(key)?.key.span));
        let own = pools.unwrap_or_default().iter().filter_map(|pool| pool.get("cidr")?.text());
        let own: Vec<_> = own.filter_map(|cidr| RangeEntry::new(cidr).family()).collect();
        let dual = IpFamily::ALL.iter().all(|family| own.contains(family));
        self.model.autodetection.push(Autodetection { set: detection, dual });
    }

    /// A pool as Calico's own kind writes it, or as its operator does. Traffic to the outside is
    /// masqueraded by default only in the operator's.
    fn calico_pool(&mut self, spec: &Node, operator: bool) {
        let Some(cidr) = spec.get("cidr").and_then(Node::text) else { return };
        let size = spec.get("blockSize").and_then(Node::text);
        let nat = spec.get("natOutgoing").and_then(Node::text);
        let masquerades = match &nat {
            Some(text) => matches!(text.value.as_str(), "true" | "Enabled"),
            None => operator,
        };
        // Such a pool gives addresses to load balancers, to tunnels, or to Pods that name it.
        let uses = spec.get("allowedUses").map(Node::items).unwrap_or_default();
        let others = !uses.is_empty() && uses.iter().all(|own| own.str() != Some("Workload"));
        let nowhere = spec.get("nodeSelector").and_then(Node::str) == Some("!all()");
        let mode = if operator { "encapsulation" } else { "ipipMode" };
        self.model.pools.push(IpPool {
            cidr: RangeEntry::new(cidr),
            assumed: false,
            disabled: is_true(spec.get("disabled")) || others || nowhere,
            block_size: size.and_then(|text| Some(text.with(text.value.parse().ok()?))),
            encapsulation: spec.get(mode).and_then(Node::text),
            masquerades,
            nat,
        });
    }
}
