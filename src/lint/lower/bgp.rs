//! Cilium's BGP: with which neighbours it exchanges routes of which families.

use crate::lint::{
    model::{BgpFamily, BgpPeer},
    source::Span,
    tree::Node,
};

use super::{Lower, kubeadm::begin};

impl Lower<'_> {
    /// `CiliumBGPPeerConfig`, in which each family selects what is announced in it.
    pub(super) fn bgp_peer_config(&mut self, root: &Node) -> bool {
        let name = root.at(&["metadata", "name"]).map(|name| name.span);
        let at = name.unwrap_or_else(|| begin(root));
        if let Some(spec) = root.get("spec") {
            self.bgp_peer(spec, at, |family| family.get("advertisements").is_some());
        }
        true
    }

    /// `CiliumBGPPeeringPolicy`, whose families announce whatever the policy says.
    pub(super) fn bgp_peering_policy(&mut self, root: &Node) -> bool {
        let routers = root.at(&["spec", "virtualRouters"]).map(Node::items).unwrap_or_default();
        let neighbours = routers.iter().filter_map(|router| router.get("neighbors"));
        for neighbour in neighbours.flat_map(Node::items) {
            let at = neighbour.get("peerAddress").map_or(neighbour.span, |node| node.span);
            self.bgp_peer(neighbour, at, |_| true);
        }
        true
    }

    fn bgp_peer(&mut self, node: &Node, at: Span, announced: impl Fn(&Node) -> bool) {
        let families = node.get("families").map(Node::items).unwrap_or_default().iter();
        let family = |node: &Node| {
            let unicast = node.get("safi").and_then(Node::str).is_none_or(|safi| safi == "unicast");
            let afi = node.get("afi").filter(|_| unicast)?.text()?;
            Some(BgpFamily { afi, announced: announced(node) })
        };
        let families = families.filter_map(family).collect();
        self.model.bgp_peers.push(BgpPeer { at, families });
    }
}
