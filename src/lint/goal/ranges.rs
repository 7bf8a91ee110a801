//! The ranges that a cluster is to get.

use std::net::Ipv6Addr;

use ipnet::IpNet;

use crate::{
    lint::model::{ComponentName, Model, RangeList, read_ranges},
    net::{IpFamily, relation},
};

/// What a range is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// For Pods.
    Pods,
    /// For Services.
    Services,
}

/// IPv4 ranges of which one is free in almost every network.
const V4: [(Use, [&str; 3]); 2] = [
    (Use::Pods, ["10.244.0.0/16", "10.42.0.0/16", "172.20.0.0/16"]),
    (Use::Services, ["10.96.0.0/16", "10.43.0.0/16", "172.21.0.0/16"]),
];
/// By how many bits a node's share is longer than the pod range: room for 256 nodes.
const BITS: u8 = 8;
/// The same for clusters that have grown, which has room for 4,096 nodes.
const MORE_BITS: u8 = 12;
/// The shortest pod range of unique local addresses that is proposed, beside a Service range of the
/// same prefix.
const SHORTEST: u8 = 52;
/// The flag for nodes' shares in clusters of one family.
pub(super) const COMMON_MASK: &str = "node-cidr-mask-size";

/// The list with a range of both families: what is there, and a range that is free for the rest.
pub(super) fn both(
    model: &Model,
    list: Option<&RangeList>,
    first: IpFamily,
    purpose: Use,
) -> String {
    let own = |family| {
        let ranges = list.into_iter().flat_map(RangeList::ranges);
        let mut own = ranges.filter(|(_, range)| IpFamily::of_range(range) == family);
        own.next().map(|(entry, _)| entry.text.value.clone())
    };
    let text = |family| own(family).unwrap_or_else(|| free(model, family, purpose));
    format!("{},{}", text(first), text(first.other()))
}

/// A range that overlaps none of the cluster's, and no node.
fn free(model: &Model, family: IpFamily, purpose: Use) -> String {
    match family {
        IpFamily::V4 => {
            let candidates = V4.iter().find(|(of, _)| *of == purpose).map_or([""; 3], |(_, c)| *c);
            let taken = |text: &&&str| text.parse().is_ok_and(|range| is_taken(model, &range));
            let free = candidates.iter().find(|text| !taken(text));
            free.or(candidates.first()).map(|text| (*text).to_owned()).unwrap_or_default()
        }
        IpFamily::V6 => unique_local(model, purpose),
    }
}

fn is_taken(model: &Model, range: &IpNet) -> bool {
    let ranges = read_ranges(model.range_lists());
    ranges.iter().any(|(_, _, own)| relation(own, range).overlaps())
        || model.node_addresses().iter().any(|(_, ip, _)| range.contains(ip))
}

/// A range of unique local addresses (RFC 4193), whose global ID is this cluster's: the same each
/// time, and another one for another cluster.
fn unique_local(model: &Model, purpose: Use) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut feed = |text: &str| {
        for byte in text.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    model.range_lists().into_iter().for_each(|list| feed(&list.text.value));
    model.node_objects.iter().for_each(|node| feed(&node.name.value));
    let [a, b, c, d, e, ..] = hash.to_be_bytes();
    let many = model.node_objects.len() > 1 << (BITS - 1);
    let mask = node_mask(model, IpFamily::V6);
    let pods = mask.saturating_sub(if many { MORE_BITS } else { BITS }).max(SHORTEST);
    let (subnet, length) = match purpose {
        Use::Services => (1, 112),
        Use::Pods if pods < 56 => (0x1000, pods),
        Use::Pods => (0x100, pods),
    };
    let word = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    let address = Ipv6Addr::new(word(0xfd, a), word(b, c), word(d, e), subnet, 0, 0, 0, 0);
    format!("{address}/{length}")
}

/// The prefix length of each node's pod range of a family once the cluster has both: without the
/// flag for clusters of one.
pub(super) fn node_mask(model: &Model, family: IpFamily) -> u8 {
    let mut all = model.components(ComponentName::ControllerManager);
    let common = all.any(|component| component.args.get(COMMON_MASK).is_some());
    match (common, family) {
        (false, _) => model.node_mask(family).0,
        (true, IpFamily::V4) => 24,
        (true, IpFamily::V6) => 64,
    }
}

/// The range of a family among two.
pub(super) fn of_family(ranges: &str, family: IpFamily) -> &str {
    let own = |range: &&str| range.contains(':') == (family == IpFamily::V6);
    ranges.split(',').find(own).unwrap_or_default()
}
