//! Calico: its DaemonSet gives nodes their CNI configuration, and pods their way over VXLAN devices; its
//! IPAM gives pods addresses of its own pools.

use ipnet::IpNet;

use crate::spec::Family;

/// The namespace of its DaemonSet.
pub const NAMESPACE: &str = "kube-system";

/// Its DaemonSet.
pub const DAEMON_SET: &str = "calico-node";

/// The VXLAN device of a family.
pub const fn device(family: Family) -> &'static str {
    match family {
        Family::V4 => "vxlan.calico",
        Family::V6 => "vxlan-v6.calico",
    }
}

/// The pool of a family, as Calico names those that it makes when it starts.
pub const fn pool(family: Family) -> &'static str {
    match family {
        Family::V4 => "default-ipv4-ippool",
        Family::V6 => "default-ipv6-ippool",
    }
}

/// Where pods' addresses come from within the cluster's range of pods: its upper half. So they are none of the nodes'
/// podCIDRs, which are given out from below and which Calico's IPAM doesn't look at; on a small range that many nodes
/// share they may overlap, which harms nobody.
pub fn pool_range(of: &IpNet) -> IpNet {
    of.subnets(of.prefix_len() + 1).ok().and_then(|mut halves| halves.nth(1)).unwrap_or(*of)
}

/// All of its objects but for their definitions, for `kubectl apply`.
pub fn manifest(pod_cidrs: &[IpNet], version: &str) -> String {
    let pool = |family| {
        let range = pod_cidrs.iter().find(|range| Family::of_range(range) == family);
        range.map(|range| pool_range(range).to_string()).unwrap_or_default()
    };
    include_str!("calico/calico.yaml")
        .replace("{ipv4-pool}", &pool(Family::V4))
        .replace("{ipv6-pool}", &pool(Family::V6))
        .replace("{version}", version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_lie_in_the_upper_half_of_the_pods_ranges() {
        let ranges = ["10.244.0.0/16", "fd00:10:244::/56"].map(|range| range.parse().unwrap());
        let text = manifest(&ranges, "v1.2.3");
        for line in [
            r#"CALICO_IPV4POOL_CIDR, value: "10.244.128.0/17" "#,
            r#"CALICO_IPV6POOL_CIDR, value: "fd00:10:244:80::/57" "#,
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        assert_eq!(text.matches("docker.io/calico/node:v1.2.3").count(), 1);
        assert!(!text.contains("{version}") && !text.contains("-pool}"), "{text}");
    }
}
