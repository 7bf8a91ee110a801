//! How two address ranges relate to each other.

use ipnet::IpNet;

use super::IpFamily;

/// How one range lies to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeRelation {
    /// No address in common (always so for ranges of different families).
    Disjoint,
    /// The same addresses.
    Equal,
    /// The first holds all of the second, and more.
    Contains,
    /// The second holds all of the first, and more.
    Within,
}

impl RangeRelation {
    /// Whether the two ranges share an address.
    pub const fn overlaps(self) -> bool {
        !matches!(self, Self::Disjoint)
    }
}

/// How `a` lies to `b`. CIDR ranges nest or are disjoint; they never half overlap.
pub fn relation(a: &IpNet, b: &IpNet) -> RangeRelation {
    let (a, b) = (a.trunc(), b.trunc());
    if a == b {
        RangeRelation::Equal
    } else if a.contains(&b) {
        RangeRelation::Contains
    } else if b.contains(&a) {
        RangeRelation::Within
    } else {
        RangeRelation::Disjoint
    }
}

/// For each range, one of the others that shares addresses with it, by their places; `None` where
/// none does. It takes n log n steps, for a cluster may have thousands of nodes.
pub fn sharing(ranges: &[IpNet]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..ranges.len()).collect();
    // A range comes after those that hold it, and before what lies behind it.
    order.sort_by_key(|&place| {
        let range = ranges[place].trunc();
        (range.network(), range.prefix_len())
    });
    let mut shared = vec![None; ranges.len()];
    // The ranges that hold the place where we are, the widest first.
    let mut open: Vec<usize> = Vec::new();
    for place in order {
        while open.last().is_some_and(|&last| !relation(&ranges[last], &ranges[place]).overlaps()) {
            open.pop();
        }
        if let Some(&last) = open.last() {
            shared[place] = Some(last);
            shared[last].get_or_insert(place);
        }
        open.push(place);
    }
    shared
}

/// The families of some ranges as a short phrase: `IPv4`, `IPv6`, `IPv4 and IPv6` or `none`.
pub fn summarise<'a>(ranges: impl IntoIterator<Item = &'a IpNet>) -> &'static str {
    let (mut v4, mut v6) = (false, false);
    for range in ranges {
        match IpFamily::of_range(range) {
            IpFamily::V4 => v4 = true,
            IpFamily::V6 => v6 = true,
        }
    }
    match (v4, v6) {
        (true, true) => "IPv4 and IPv6",
        (true, false) => "IPv4",
        (false, true) => "IPv6",
        (false, false) => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn the_kubernetes_documentations_own_example_overlaps() {
        // kubernetes.io/docs/setup/production-environment/tools/kubeadm/dual-stack-support
        let (pods, services) = (range("2001:db8:42:0::/56"), range("2001:db8:42:1::/112"));
        assert_eq!(relation(&pods, &services), RangeRelation::Contains);
        assert_eq!(relation(&services, &pods), RangeRelation::Within);
    }

    #[test]
    fn ranges_of_different_families_are_disjoint() {
        assert_eq!(relation(&range("0.0.0.0/0"), &range("::/0")), RangeRelation::Disjoint);
    }

    #[test]
    fn every_range_that_shares_addresses_has_a_partner_and_no_other_has() {
        let ranges = [
            "10.244.2.0/24",
            "10.0.0.0/8",
            "fd00::/64",
            "10.244.2.128/25",
            "192.0.2.7/32",
            "192.0.2.7/32",
            "fd00:1::/64",
            "0.0.0.0/32",
        ];
        let ranges = ranges.map(range);
        let shared = sharing(&ranges);
        for (a, partner) in shared.iter().enumerate() {
            let mut others = (0..ranges.len()).filter(|&b| b != a);
            let any = others.any(|b| relation(&ranges[a], &ranges[b]).overlaps());
            assert_eq!(partner.is_some(), any, "{}", ranges[a]);
            assert!(partner.is_none_or(|b| b != a && relation(&ranges[a], &ranges[b]).overlaps()));
        }
        assert_eq!(shared.iter().filter(|partner| partner.is_some()).count(), 5);
    }

    #[test]
    fn host_bits_do_not_make_two_ranges_differ() {
        assert_eq!(relation(&range("10.0.0.7/8"), &range("10.0.0.0/8")), RangeRelation::Equal);
    }
}
