//! A routed pod network: a veth per pod (the `ptp` plugin), addresses from the node's own ranges
//! (`host-local`), host ports (`portmap`), static routes between the nodes.

use std::fmt::Write as _;

use ipnet::IpNet;
use serde_json::json;

use super::network::{Desired, Member, PodNetwork};
use crate::spec::Family;

/// The name of the nftables table that holds the egress chain.
pub const TABLE: &str = "testbed";

/// The routed network of a cluster.
#[derive(Clone, Debug)]
pub struct Ptp {
    /// The ranges of all pods, one per family.
    pub pod_cidrs: Vec<IpNet>,
}

impl PodNetwork for Ptp {
    fn desired(&self, me: &Member, all: &[Member]) -> Desired {
        let others = all.iter().filter(|other| other.name != me.name);
        let routes = others
            .flat_map(|other| {
                other.pod_cidrs.iter().filter_map(|&range| {
                    let family = Family::of_range(&range);
                    let hop = other.addresses.iter().find(|&&a| Family::of(a) == family)?;
                    Some((range, *hop))
                })
            })
            .collect();
        Desired {
            conflist: (!me.pod_cidrs.is_empty()).then(|| conflist(&me.pod_cidrs)),
            routes,
            ruleset: self.masquerade(),
        }
    }
}

impl Ptp {
    /// Pods speak to other pods as themselves, and to everything else as their node.
    fn masquerade(&self) -> String {
        let mut rules = String::new();
        for range in &self.pod_cidrs {
            let family = Family::of_range(range).nft();
            // Writing to a String can't fail.
            let _ = writeln!(
                rules,
                "    {family} saddr {range} {family} daddr != {range} oifname \"eth0\" masquerade"
            );
        }
        format!(
            "table inet {TABLE} {{\n  chain egress {{\n    \
             type nat hook postrouting priority srcnat + 10; policy accept;\n{rules}  }}\n}}\n"
        )
    }
}

/// The configuration list of a node whose pods get an address from each of `ranges`.
pub fn conflist(ranges: &[IpNet]) -> serde_json::Value {
    let subnets: Vec<_> = ranges.iter().map(|range| json!([{ "subnet": range }])).collect();
    let routes: Vec<_> =
        ranges.iter().map(|range| json!({ "dst": Family::of_range(range).everything() })).collect();
    json!({
        "cniVersion": "1.0.0",
        "name": "testbed",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": false,
                "mtu": 1500,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/testbed/ipam",
                    "ranges": subnets,
                    "routes": routes,
                },
            },
            { "type": "portmap", "capabilities": { "portMappings": true } },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(i: u8) -> Member {
        Member {
            name: format!("n{i}"),
            addresses: vec![
                format!("192.0.2.{i}").parse().unwrap(),
                format!("2001:db8::{i}").parse().unwrap(),
            ],
            pod_cidrs: vec![
                format!("10.244.{i}.0/24").parse().unwrap(),
                format!("fd00:10:244:{i}::/64").parse().unwrap(),
            ],
        }
    }

    fn network() -> Ptp {
        Ptp { pod_cidrs: ["10.244.0.0/16", "fd00:10:244::/56"].map(|s| s.parse().unwrap()).into() }
    }

    #[test]
    fn each_range_of_another_node_is_reached_by_that_nodes_address_of_the_same_family() {
        let all = [member(1), member(2)];
        let desired = network().desired(&all[0], &all);
        let routes: Vec<_> =
            desired.routes.iter().map(|(range, hop)| format!("{range} via {hop}")).collect();
        assert_eq!(routes, ["10.244.2.0/24 via 192.0.2.2", "fd00:10:244:2::/64 via 2001:db8::2"]);
    }

    #[test]
    fn a_node_without_ranges_gets_no_conflist() {
        let bare = Member { pod_cidrs: Vec::new(), ..member(1) };
        assert_eq!(network().desired(&bare, &[]).conflist, None);
    }

    #[test]
    fn a_range_whose_family_the_other_node_has_no_address_in_gets_no_route() {
        let mut other = member(2);
        other.addresses.pop();
        let desired = network().desired(&member(1), &[member(1), other]);
        assert_eq!(desired.routes.len(), 1);
    }
}
