//! How many nodes, Pods and Services the ranges allow.

use ipnet::IpNet;

use crate::net::{IpFamily, RangeRelation, relation};

use super::{
    model::{Model, RangeList},
    source::Spanned,
};

/// The kubelet's `maxPods` where nothing sets it.
pub(super) const DEFAULT_MAX_PODS: u64 = 110;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Nodes: shares of the pod range.
    Nodes,
    /// Pods on one node: addresses of such a share.
    PodsPerNode,
    /// Services: addresses of the Service range.
    Services,
}

impl Resource {
    /// How a table names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::PodsPerNode => "Pods per node",
            Self::Services => "Services",
        }
    }
}

/// How much of one resource one range allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// What is counted.
    pub resource: Resource,
    /// In which family.
    pub family: IpFamily,
    /// What the number comes from, such as `10.244.0.0/16 in /24`.
    pub from: String,
    /// The setting to change, with its position.
    pub setting: Spanned<String>,
    /// How many there can be; the largest number where there are more.
    pub room: u64,
    /// How many there are to be, where the user said.
    pub asked: Option<u64>,
}

impl Room {
    /// What a table says of it, without the place that it was read from.
    pub(super) fn row(&self) -> (Resource, IpFamily, String, u64, Option<u64>) {
        (self.resource, self.family, self.from.clone(), self.room, self.asked)
    }

    /// Whether what was asked for fits; it does where nothing was asked.
    pub fn fits(&self) -> bool {
        self.asked.is_none_or(|asked| asked <= self.room)
    }
}

/// What the ranges of a cluster allow, the Pods before the Services, each range by itself.
pub(super) fn rooms(model: &Model) -> Vec<Room> {
    let mut rooms = Vec::new();
    for (entry, range) in model.pods().into_iter().flat_map(RangeList::ranges) {
        let family = IpFamily::of_range(&range);
        let (mask, flag) = model.node_mask(family);
        let Some(bits) = mask.checked_sub(range.prefix_len()) else { continue };
        if !model.allocates_node_ranges() || mask > family.bits() {
            continue;
        }
        let taken = model.services().map_or(0, |services| shares_taken(range, mask, services));
        let less = if taken > 0 { format!(" less {taken} for Services") } else { String::new() };
        rooms.push(Room {
            resource: Resource::Nodes,
            family,
            from: format!("{range} in /{mask}{less}"),
            setting: entry.text.clone(),
            room: power(bits).saturating_sub(taken),
            asked: model.asked.nodes,
        });
        rooms.push(Room {
            resource: Resource::PodsPerNode,
            family,
            from: format!("a /{mask} each"),
            setting: flag.unwrap_or(&entry.text).clone(),
            room: addresses(family.bits() - mask, family),
            asked: model.asked.pods_per_node,
        });
    }
    let services = model.services().filter(|list| !list.assumed);
    for (entry, range) in services.into_iter().flat_map(RangeList::ranges) {
        let family = IpFamily::of_range(&range);
        // Services don't get the network address, nor IPv4's last one.
        let unused = if family == IpFamily::V4 { 2 } else { 1 };
        rooms.push(Room {
            resource: Resource::Services,
            family,
            from: range.to_string(),
            setting: entry.text.clone(),
            room: power(family.bits() - range.prefix_len()).saturating_sub(unused),
            asked: model.asked.services,
        });
    }
    rooms
}

/// How many of a pod range's shares (of the given mask) hold addresses of Services. The controller
/// manager knows the Service range and gives no such share to a node.
pub(super) fn shares_taken(pods: IpNet, mask: u8, services: &RangeList) -> u64 {
    let taken = |services: IpNet| match relation(&pods, &services) {
        RangeRelation::Disjoint => 0,
        RangeRelation::Equal | RangeRelation::Within => {
            power(mask.saturating_sub(pods.prefix_len()))
        }
        RangeRelation::Contains => power(mask.saturating_sub(services.prefix_len())),
    };
    services.ranges().map(|(_, range)| taken(range)).sum()
}

/// How many Pods the kubelet runs on a node at most.
pub(super) fn max_pods(model: &Model) -> u64 {
    let set = model.kubelets.iter().filter_map(|kubelet| kubelet.max_pods.as_ref());
    set.map(|max| max.value).min().unwrap_or(DEFAULT_MAX_PODS)
}

fn power(bits: u8) -> u64 {
    1_u64.checked_shl(bits.into()).unwrap_or(u64::MAX)
}

/// Addresses for Pods in a node's share: not the network's, the gateway's, IPv4's broadcast.
fn addresses(bits: u8, family: IpFamily) -> u64 {
    let unused = if family == IpFamily::V4 { 3 } else { 2 };
    power(bits).saturating_sub(unused)
}
