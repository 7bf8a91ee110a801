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
    fn host_bits_do_not_make_two_ranges_differ() {
        assert_eq!(relation(&range("10.0.0.7/8"), &range("10.0.0.0/8")), RangeRelation::Equal);
    }
}
