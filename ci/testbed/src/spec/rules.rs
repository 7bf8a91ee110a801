//! Which requests can be built. What Kubernetes refuses is refused here in its own words, before
//! anything is touched; so is what could never become a healthy cluster.

use ipnet::IpNet;

use super::{ClusterDns, Cni, Family, Spec};
use crate::{
    components,
    error::{Error, Result},
};

/// How many low bits of a Service range may vary (`MaximumBitsForServiceSubnet` of kubeadm).
const SERVICE_BITS: u8 = 20;

/// How many addresses a Service range has at least (`MinimumAddressesInServiceSubnet`).
const SERVICE_LEAST_BITS: u8 = 4;

/// How many bits longer than the pod range a node's share may be (`PodSubnetNodeMaskMaxDiff`).
const SHARE_BITS: u8 = 16;

impl Spec {
    /// Refuses what cannot be built, in one sentence.
    pub fn validate(&self) -> Result<()> {
        // The versions that can be had are their catalogue's to tell.
        components::release(self.kubernetes)?;
        self.counts()?;
        self.families()?;
        for range in &self.service_cidrs {
            service_range(range)?;
        }
        for range in &self.pod_cidrs {
            self.pod_range(range)?;
        }
        self.apart()?;
        if self.dns == ClusterDns::Dual && self.service_cidrs.len().min(self.pod_cidrs.len()) < 2 {
            return refuse(
                "a DNS Service of both families needs pods and Services of both; elsewhere \
                 kube-apiserver refuses it: \"this cluster is not configured for dual-stack \
                 services\"",
            );
        }
        if self.cni != Cni::Ptp && self.node_families.len().min(self.pod_cidrs.len()) < 2 {
            return refuse(format!(
                "--cni {} is configured for both families: nodes and pods need both",
                self.cni
            ));
        }
        Ok(())
    }

    fn counts(&self) -> Result<()> {
        if !(1..=Self::MAX_NODES).contains(&self.nodes) {
            return refuse(format!(
                "a cluster has 1 to {} nodes, not {}",
                Self::MAX_NODES,
                self.nodes
            ));
        }
        if !(1..=self.nodes).contains(&self.control_planes) {
            return refuse(format!(
                "a cluster of {} nodes has 1 to {0} control planes, not {}",
                self.nodes, self.control_planes
            ));
        }
        Ok(())
    }

    fn families(&self) -> Result<()> {
        for (what, families) in [
            ("nodes", &self.node_families),
            ("podSubnet", &self.pod_families()),
            ("serviceSubnet", &self.service_families()),
        ] {
            let fits = match families.as_slice() {
                [_] => true,
                [first, second] => first != second,
                _ => false,
            };
            if !fits {
                return refuse(format!(
                    "{what}: kubeadm \"expected one (IPv4 or IPv6) CIDR or two CIDRs from each \
                     family for dual-stack networking\""
                ));
            }
        }
        let primary = self.primary();
        if !self.node_families.contains(&primary) {
            return refuse(format!(
                "Services of {primary} first need nodes with {primary} addresses: kube-apiserver \
                 says that the \"service IP family must match public address family\""
            ));
        }
        if let Some(family) = self.pod_families().iter().find(|f| !self.node_families.contains(f)) {
            return refuse(format!(
                "pods of {family} need nodes with {family} addresses, which the routes to them \
                 lead to"
            ));
        }
        if !self.pod_families().contains(&primary) {
            return refuse(format!(
                "Services of {primary} first need pods of {primary}: others don't reach the API \
                 server at its ClusterIP, and CoreDNS is never ready"
            ));
        }
        Ok(())
    }

    /// What kubeadm asks of a pod range, and room for all nodes.
    fn pod_range(&self, range: &IpNet) -> Result<()> {
        let share = match Family::of_range(range) {
            Family::V4 => 24,
            Family::V6 => 64,
        };
        let length = range.prefix_len();
        if length > share {
            return refuse(format!(
                "podSubnet {range}: \"the size of pod subnet with mask {length} is smaller than \
                 the size of node subnet with mask {share}\""
            ));
        }
        if share - length > SHARE_BITS {
            return refuse(format!(
                "podSubnet {range}: \"pod subnet mask ({length}) and node-mask ({share}) \
                 difference is greater than {SHARE_BITS}\""
            ));
        }
        if 1_u32 << (share - length) < u32::from(self.nodes) {
            return refuse(format!(
                "podSubnet {range} has no range of /{share} for each of {} nodes",
                self.nodes
            ));
        }
        Ok(())
    }

    /// No range may lie within another: an address must tell what it is the address of.
    fn apart(&self) -> Result<()> {
        let all: Vec<&IpNet> = self.pod_cidrs.iter().chain(&self.service_cidrs).collect();
        for (index, one) in all.iter().enumerate() {
            let overlaps = |other: &&&IpNet| one.contains(**other) || other.contains(*one);
            if let Some(other) = all.iter().skip(index + 1).find(overlaps) {
                return refuse(format!("the ranges {one} and {other} overlap"));
            }
        }
        Ok(())
    }
}

/// What kubeadm asks of a Service range.
fn service_range(range: &IpNet) -> Result<()> {
    let host_bits = range.max_prefix_len() - range.prefix_len();
    if host_bits > SERVICE_BITS {
        return refuse(format!(
            "serviceSubnet {range}: \"specified service subnet is too large; for {}-bit \
             addresses, the mask must be >= {}\"",
            range.max_prefix_len(),
            range.max_prefix_len() - SERVICE_BITS
        ));
    }
    if host_bits < SERVICE_LEAST_BITS {
        return refuse(format!(
            "serviceSubnet {range} is too small: it must have the tenth address, which is the DNS \
             Service's"
        ));
    }
    Ok(())
}

fn refuse(sentence: impl Into<String>) -> Result<()> {
    Err(Error::Invalid(sentence.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        Spec::new("x".parse().unwrap())
    }

    fn ranges(text: &str) -> Vec<IpNet> {
        text.split(',').map(|range| range.parse().unwrap()).collect()
    }

    #[track_caller]
    fn refused(spec: &Spec, reason: &str) {
        let error = spec.validate().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn every_order_and_choice_of_families_can_be_built() {
        let (v4, v6) = (Family::V4, Family::V6);
        for families in [&[v4, v6][..], &[v6, v4], &[v4], &[v6]] {
            spec().with_families(families).validate().unwrap();
        }
    }

    #[test]
    fn a_version_that_can_not_be_had_is_refused_with_those_that_can() {
        let kubernetes = crate::version::KubernetesMinor::new(20);
        refused(&Spec { kubernetes, ..spec() }, "choose one of 1.37");
    }

    #[test]
    fn too_many_nodes_or_control_planes_are_refused() {
        refused(&Spec { nodes: Spec::MAX_NODES + 1, ..spec() }, "1 to 100 nodes, not 101");
        refused(&Spec { control_planes: 0, ..spec() }, "1 to 3 control planes, not 0");
        refused(&Spec { control_planes: 4, ..spec() }, "1 to 3 control planes, not 4");
    }

    #[test]
    fn two_ranges_are_of_different_families() {
        let pod_cidrs = ranges("10.1.0.0/16,10.2.0.0/16");
        refused(&Spec { pod_cidrs, ..spec() }, "podSubnet: kubeadm");
        refused(&Spec { service_cidrs: Vec::new(), ..spec() }, "serviceSubnet: kubeadm");
    }

    #[test]
    fn single_stack_services_over_dual_stack_pods_can_be_built_and_the_reverse() {
        for family in ["10.96.0.0/16", "fd00:10:96::/112"] {
            Spec { service_cidrs: ranges(family), ..spec() }.validate().unwrap();
        }
        Spec { pod_cidrs: ranges("10.244.0.0/16"), ..spec() }.validate().unwrap();
        let pod_cidrs = ranges("fd00:10:244::/56");
        refused(&Spec { pod_cidrs, ..spec() }, "CoreDNS is never ready");
    }

    #[test]
    fn the_first_service_family_is_one_of_the_nodes() {
        let single = spec().with_families(&[Family::V4]);
        let service_cidrs = ranges("fd00:10:96::/112");
        refused(&Spec { service_cidrs, ..single.clone() }, "must match public address family");
        let pod_cidrs = ranges("10.244.0.0/16,fd00:10:244::/56");
        refused(&Spec { pod_cidrs, ..single }, "pods of IPv6 need nodes");
    }

    #[test]
    fn sizes_that_kubeadm_refuses_are_refused_in_its_words() {
        let service_cidrs = ranges("fd00:10:96::/64");
        refused(&Spec { service_cidrs, ..spec() }, "the mask must be >= 108");
        let service_cidrs = ranges("10.96.0.0/30");
        refused(&Spec { service_cidrs, ..spec() }, "too small");
        refused(&Spec { pod_cidrs: ranges("10.244.0.0/25"), ..spec() }, "is smaller than");
        refused(&Spec { pod_cidrs: ranges("10.0.0.0/7"), ..spec() }, "greater than 16");
        refused(&Spec { pod_cidrs: ranges("10.244.0.0/23"), ..spec() }, "each of 3 nodes");
    }

    #[test]
    fn overlapping_ranges_are_refused() {
        let service_cidrs = ranges("10.244.128.0/20");
        refused(&Spec { service_cidrs, ..spec() }, "overlap");
    }

    #[test]
    fn a_dns_service_of_both_families_needs_both() {
        let dns = ClusterDns::Dual;
        Spec { dns, ..spec() }.validate().unwrap();
        refused(&Spec { dns, ..spec().with_families(&[Family::V6]) }, "not configured for dual");
    }
}
