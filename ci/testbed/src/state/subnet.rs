//! The addresses a cluster lives on.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    process::Command,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    run::Run,
    spec::Family,
};

/// A cluster's own pair of subnets: 172.31.k.0/24 and fd00:31:k::/64.
///
/// Host 1 is the bridge (and the registry), host 2 the machine, hosts 11 and up the nodes; in
/// IPv6 the host part reads the same (`::1`, `::2`, `::11` and up) for the first nine nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subnet(u8);

impl Subnet {
    /// The first one, for showing what a cluster would look like.
    pub const EXAMPLE: Self = Self(1);

    /// The number `k`.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The subnet of one family.
    pub const fn range(self, family: Family) -> IpNet {
        match family {
            Family::V4 => IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(172, 31, self.0, 0), 24)),
            Family::V6 => IpNet::V6(Ipv6Net::new_assert(self.v6(0), 64)),
        }
    }

    /// The bridge's address, where the registry listens.
    pub const fn bridge(self, family: Family) -> IpAddr {
        self.address(family, 1, 1)
    }

    /// The machine's address: the outside client's.
    pub const fn machine(self, family: Family) -> IpAddr {
        self.address(family, 2, 2)
    }

    /// The address of the node with this number, counted from 1.
    pub const fn node(self, family: Family, number: u8) -> IpAddr {
        self.address(family, 10 + number, 0x10 + number as u16)
    }

    /// How many addresses load balancers have.
    pub const LOAD_BALANCERS: u8 = 60;

    /// The range of the addresses of load balancers.
    pub const fn load_balancers(self, family: Family) -> IpNet {
        match family {
            Family::V4 => IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(172, 31, self.0, 192), 26)),
            Family::V6 => IpNet::V6(Ipv6Net::new_assert(self.v6(0x200), 120)),
        }
    }

    /// One of the addresses of load balancers, counted from 0.
    pub const fn load_balancer(self, family: Family, number: u8) -> IpAddr {
        self.address(family, 193 + number, 0x201 + number as u16)
    }

    const fn address(self, family: Family, v4: u8, v6: u16) -> IpAddr {
        match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::new(172, 31, self.0, v4)),
            Family::V6 => IpAddr::V6(self.v6(v6)),
        }
    }

    const fn v6(self, host: u16) -> Ipv6Addr {
        Ipv6Addr::new(0xfd00, 0x31, self.0 as u16, 0, 0, 0, 0, host)
    }

    /// The lowest free subnet that overlaps none of these ranges.
    pub(super) fn choose(taken: &[Self], used: &[IpNet]) -> Result<Self> {
        let overlaps = |a: &IpNet, b: &IpNet| a.contains(b) || b.contains(a);
        (1..=250)
            .map(Self)
            .filter(|subnet| !taken.contains(subnet))
            .find(|subnet| {
                [Family::V4, Family::V6]
                    .iter()
                    .all(|&f| !used.iter().any(|other| overlaps(other, &subnet.range(f))))
            })
            .ok_or_else(|| {
                Error::Invalid(
                    "no subnet is left within 172.31.0.0/16 and fd00:31::/32: the cluster's own \
                     ranges, the machine's routes or other clusters use them all (`testbed \
                     status` lists the clusters)"
                        .to_owned(),
                )
            })
    }
}

/// All ranges that the machine's own network namespace has a route to, default routes apart.
pub(super) fn machine_ranges() -> Result<Vec<IpNet>> {
    #[derive(Deserialize)]
    struct Route {
        dst: String,
    }
    let mut ranges = Vec::new();
    for family in [Family::V4, Family::V6] {
        let text = Command::new("ip")
            .args(["-json", family.ip_flag(), "route", "show", "table", "all"])
            .read("list the machine's routes")?;
        let routes: Vec<Route> = serde_json::from_str(&text).map_err(|e| Error::Format {
            what: "parse the machine's routes".to_owned(),
            reason: e.to_string(),
        })?;
        ranges.extend(routes.iter().filter_map(|route| parse(&route.dst)));
    }
    Ok(ranges)
}

/// A route's destination as a range; `None` for `default` and for multicast.
fn parse(dst: &str) -> Option<IpNet> {
    let range = dst.parse().or_else(|_| dst.parse::<IpAddr>().map(IpNet::from)).ok()?;
    (range.prefix_len() > 0 && !range.addr().is_multicast()).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_in_use_by_the_machine_is_passed_over() {
        let used = ["172.31.1.7/32", "fd00:31:2::/64"].map(|s| s.parse().unwrap());
        assert_eq!(Subnet::choose(&[], &used).unwrap(), Subnet(3));
    }

    #[test]
    fn a_route_to_a_wider_range_is_an_overlap_too() {
        let used = ["172.31.0.0/16".parse().unwrap()];
        assert!(Subnet::choose(&[], &used).is_err());
    }

    #[test]
    fn another_clusters_subnet_is_passed_over() {
        assert_eq!(Subnet::choose(&[Subnet(1), Subnet(2)], &[]).unwrap(), Subnet(3));
    }

    #[test]
    fn hosts_read_alike_in_both_families() {
        let subnet = Subnet(7);
        assert_eq!(subnet.node(Family::V4, 1).to_string(), "172.31.7.11");
        assert_eq!(subnet.node(Family::V6, 1).to_string(), "fd00:31:7::11");
    }

    #[test]
    fn default_routes_and_multicast_are_no_ranges_in_use() {
        assert_eq!(parse("default"), None);
        assert_eq!(parse("ff00::/8"), None);
        assert_eq!(parse("0.0.0.0/0"), None);
        assert_eq!(parse("192.0.2.2"), Some("192.0.2.2/32".parse().unwrap()));
    }
}
