//! flannel: its DaemonSet gives nodes their CNI configuration, their VXLAN devices and the routes over them.

use ipnet::IpNet;
use serde_json::json;

use crate::spec::Family;

/// The namespace of its DaemonSet.
pub const NAMESPACE: &str = "kube-flannel";

/// Its DaemonSet.
pub const DAEMON_SET: &str = "kube-flannel-ds";

/// The VXLAN device of a family.
pub const fn device(family: Family) -> &'static str {
    match family {
        Family::V4 => "flannel.1",
        Family::V6 => "flannel-v6.1",
    }
}

/// All of its objects, for `kubectl apply`.
pub fn manifest(pod_cidrs: &[IpNet], version: &str) -> String {
    let range = |family| pod_cidrs.iter().find(|range| Family::of_range(range) == family);
    let configuration = json!({
        "EnableIPv4": range(Family::V4).is_some(),
        "Network": range(Family::V4),
        "EnableIPv6": range(Family::V6).is_some(),
        "IPv6Network": range(Family::V6),
        "EnableNFTables": false,
        "Backend": { "Type": "vxlan" },
    });
    include_str!("flannel/kube-flannel.yaml")
        .replace("{net-conf}", &configuration.to_string())
        .replace("{version}", version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flannel_is_told_the_pod_ranges_of_both_families() {
        let ranges = ["10.244.0.0/16", "fd00:10:244::/56"].map(|range| range.parse().unwrap());
        let text = manifest(&ranges, "v1.2.3");
        assert!(text.contains(r#""Network":"10.244.0.0/16""#), "{text}");
        assert!(text.contains(r#""EnableIPv6":true"#) && text.contains("fd00:10:244::/56"));
        assert_eq!(text.matches("flannel:v1.2.3").count(), 2);
        assert!(!text.contains("{version}") && !text.contains("{net-conf}"));
    }
}
