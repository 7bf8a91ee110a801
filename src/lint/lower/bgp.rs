//! Cilium's announcements: by BGP with which neighbours and in which families, and on the nodes' own
//! networks.

use crate::lint::{
    model::{Announced, BgpAdvertisement, BgpFamily, BgpPeer, L2Announcement},
    source::{Span, Spanned},
    tree::Node,
};

use super::{Lower, kubeadm::begin};

fn name(root: &Node) -> Option<Spanned<String>> {
    root.at(&["metadata", "name"]).and_then(Node::text)
}

/// The pairs of a mapping of labels.
fn labels(node: Option<&Node>) -> Vec<(String, String)> {
    let entries = node.map(Node::entries).unwrap_or_default().iter();
    entries.filter_map(|own| Some((own.key.value.clone(), own.value.text()?.value))).collect()
}

impl Lower<'_> {
    /// `CiliumBGPClusterConfig`, whose neighbours refer to a configuration by its name.
    pub(super) fn bgp_cluster_config(&mut self, root: &Node) -> bool {
        let list = |node: &Node, key| node.get(key).map(Node::items).unwrap_or_default().to_vec();
        let instances = root.get("spec").map(|spec| list(spec, "bgpInstances"));
        for peer in instances.unwrap_or_default().iter().flat_map(|own| list(own, "peers")) {
            match peer.at(&["peerConfigRef", "name"]).and_then(Node::text) {
                Some(reference) => self.model.bgp_references.push(reference),
                // Without a configuration a neighbour has Cilium's defaults.
                None => {
                    let at = peer.get("name").map_or(peer.span, |name| name.span);
                    self.model.bgp_peers.push(BgpPeer { at, name: None, families: Vec::new() });
                }
            }
        }
        true
    }

    /// `CiliumBGPPeerConfig`, in which each family selects what is announced in it.
    pub(super) fn bgp_peer_config(&mut self, root: &Node) -> bool {
        let name = name(root);
        let at = name.as_ref().map_or_else(|| begin(root), |name| name.span);
        let announced = |family: &Node| match family.get("advertisements") {
            None => Announced::Nothing,
            Some(selector) if selector.get("matchExpressions").is_some() => Announced::Unread,
            Some(selector) => Announced::Labels(labels(selector.get("matchLabels"))),
        };
        if let Some(spec) = root.get("spec") {
            self.bgp_peer(spec, at, name.map(|name| name.value), announced);
        }
        true
    }

    /// `CiliumBGPPeeringPolicy`, whose families announce whatever the policy says.
    pub(super) fn bgp_peering_policy(&mut self, root: &Node) -> bool {
        let routers = root.at(&["spec", "virtualRouters"]).map(Node::items).unwrap_or_default();
        let neighbours = routers.iter().filter_map(|router| router.get("neighbors"));
        for neighbour in neighbours.flat_map(Node::items) {
            let at = neighbour.get("peerAddress").map_or(neighbour.span, |node| node.span);
            self.bgp_peer(neighbour, at, None, |_| Announced::Unread);
        }
        true
    }

    /// `CiliumBGPAdvertisement`, which configurations select by its labels.
    pub(super) fn bgp_advertisement(&mut self, root: &Node) -> bool {
        let at = name(root).map_or_else(|| begin(root), |name| name.span);
        let labels = labels(root.at(&["metadata", "labels"]));
        self.model.bgp_advertisements.push(BgpAdvertisement { at, labels });
        true
    }

    /// `CiliumL2AnnouncementPolicy`.
    pub(super) fn l2_announcement(&mut self, root: &Node) -> bool {
        let at = name(root).map_or_else(|| begin(root), |name| name.span);
        let set =
            |key| root.at(&["spec", key]).and_then(Node::str).is_some_and(|own| own != "false");
        let announces = set("loadBalancerIPs") || set("externalIPs");
        self.model.l2_announcements.push(L2Announcement { at, announces });
        true
    }

    fn bgp_peer(
        &mut self,
        node: &Node,
        at: Span,
        name: Option<String>,
        announced: impl Fn(&Node) -> Announced,
    ) {
        let families = node.get("families").map(Node::items).unwrap_or_default().iter();
        let family = |node: &Node| {
            let unicast = node.get("safi").and_then(Node::str).is_none_or(|safi| safi == "unicast");
            let afi = node.get("afi").filter(|_| unicast)?.text()?;
            Some(BgpFamily { afi, announced: announced(node) })
        };
        let families = families.filter_map(family).collect();
        self.model.bgp_peers.push(BgpPeer { at, name, families });
    }
}
