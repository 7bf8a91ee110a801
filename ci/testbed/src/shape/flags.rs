//! The flags by which a shape is asked for, and a request as such flags.

use std::fmt::Write as _;

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use ipnet::IpNet;

use super::kind::Shape;
use crate::{
    error::{Error, Result},
    spec::{ClusterDns, Cni, Family, Name, ProxyMode, Spec},
    version::KubernetesMinor,
};

/// Of which families a cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Families {
    /// IPv4 and IPv6.
    Dual,
    /// IPv4 only.
    Ipv4,
    /// IPv6 only.
    Ipv6,
}

/// The wanted cluster: a named shape, or the default one, with changes.
#[derive(Args, Clone, Debug, Default)]
// Several commands take these arguments beside their own, whose group would bear the same name.
#[group(skip)]
pub struct Flags {
    /// Start from this shape; `testbed catalogue` lists them. The other flags change it.
    #[arg(long, value_name = "NAME", hide_possible_values = true)]
    #[arg(value_parser = PossibleValuesParser::new(Shape::all().map(|shape| shape.name)))]
    shape: Option<String>,
    /// How many nodes; all of them run pods. [default: 3]
    #[arg(long)]
    nodes: Option<u8>,
    /// How many of the nodes, the first ones, run a control plane; several are behind a TCP
    /// balancer. [default: 1]
    #[arg(long, value_name = "N")]
    control_planes: Option<u8>,
    /// The minor version of Kubernetes, such as 1.35 [default: 1.36]
    #[arg(long, value_name = "MINOR")]
    kubernetes: Option<KubernetesMinor>,
    /// The families of nodes, pods and Services. [default: dual]
    #[arg(long)]
    families: Option<Families>,
    /// The family that comes first wherever Kubernetes orders two. [default: ipv4]
    #[arg(long, value_name = "FAMILY")]
    primary: Option<Family>,
    /// podSubnet: one range, or two of different families.
    #[arg(long, value_name = "CIDR[,CIDR]", value_delimiter = ',')]
    pod_cidr: Vec<IpNet>,
    /// serviceSubnet: one range, or two of different families.
    #[arg(long, value_name = "CIDR[,CIDR]", value_delimiter = ',')]
    service_cidr: Vec<IpNet>,
    /// kube-proxy's mode. [default: iptables]
    #[arg(long, value_name = "MODE")]
    proxy_mode: Option<ProxyMode>,
    /// The families of the Service kube-dns. [default: kubeadm]
    #[arg(long, value_name = "WHICH")]
    dns: Option<ClusterDns>,
    /// The pod network. [default: ptp]
    #[arg(long, value_name = "NETWORK")]
    cni: Option<Cni>,
}

impl Flags {
    /// The requested cluster.
    pub fn spec(&self, name: &Name) -> Result<Spec> {
        let shape = self.shape.as_deref().and_then(Shape::named);
        let spec = shape.map_or_else(|| Spec::new(name.clone()), |s| s.spec(name.clone()));
        let mut spec = self.with_families(spec)?;
        if !self.pod_cidr.is_empty() {
            spec.pod_cidrs = self.ordered(&self.pod_cidr);
        }
        if !self.service_cidr.is_empty() {
            spec.service_cidrs = self.ordered(&self.service_cidr);
        }
        let spec = Spec {
            nodes: self.nodes.unwrap_or(spec.nodes),
            control_planes: self.control_planes.unwrap_or(spec.control_planes),
            kubernetes: self.kubernetes.unwrap_or(spec.kubernetes),
            proxy_mode: self.proxy_mode.unwrap_or(spec.proxy_mode),
            dns: self.dns.unwrap_or(spec.dns),
            cni: self.cni.unwrap_or(spec.cni),
            ..spec
        };
        spec.validate()?;
        Ok(spec)
    }

    /// The families and their order, if either is requested.
    fn with_families(&self, spec: Spec) -> Result<Spec> {
        if self.families.is_none() && self.primary.is_none() {
            return Ok(spec);
        }
        let mut families = match self.families {
            Some(Families::Dual) => vec![Family::V4, Family::V6],
            Some(Families::Ipv4) => vec![Family::V4],
            Some(Families::Ipv6) => vec![Family::V6],
            None => spec.node_families.clone(),
        };
        if let Some(primary) = self.primary {
            if !families.contains(&primary) {
                return Err(Error::Invalid(format!(
                    "{primary} can't come first in a cluster without it: give --families dual or \
                     leave --primary out"
                )));
            }
            families.sort_by_key(|&family| family != primary);
        }
        Ok(spec.with_families(&families))
    }

    /// Ranges in the order that was asked for; without such a wish, as they were given.
    fn ordered(&self, ranges: &[IpNet]) -> Vec<IpNet> {
        let mut ranges: Vec<IpNet> = ranges.iter().map(IpNet::trunc).collect();
        if let Some(primary) = self.primary {
            ranges.sort_by_key(|range| Family::of_range(range) != primary);
        }
        ranges
    }
}

/// A request in words: the name of its shape, or else the flags that ask for it.
pub fn describe(spec: &Spec) -> String {
    Shape::all()
        .find(|shape| shape.spec(spec.name.clone()) == *spec)
        .map_or_else(|| flags(spec), |shape| shape.name.to_owned())
}

/// The flags that ask for a cluster like this; empty for the default.
pub fn flags(spec: &Spec) -> String {
    let default = Spec::new(spec.name.clone());
    let usual = default.clone().with_families(&spec.node_families);
    let mut flags = String::new();
    // Writing to a String can't fail.
    let mut add = |name: &str, value: &dyn std::fmt::Display| {
        let gap = if flags.is_empty() { "" } else { " " };
        let _ = write!(flags, "{gap}--{name} {value}");
    };
    if spec.nodes != default.nodes {
        add("nodes", &spec.nodes);
    }
    if spec.control_planes != default.control_planes {
        add("control-planes", &spec.control_planes);
    }
    if spec.kubernetes != default.kubernetes {
        add("kubernetes", &spec.kubernetes);
    }
    match spec.node_families.as_slice() {
        [Family::V4] => add("families", &"ipv4"),
        [Family::V6] => add("families", &"ipv6"),
        [Family::V6, ..] => add("primary", &"ipv6"),
        _ => {}
    }
    let list =
        |ranges: &[IpNet]| ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    if spec.pod_cidrs != usual.pod_cidrs {
        add("pod-cidr", &list(&spec.pod_cidrs));
    }
    if spec.service_cidrs != usual.service_cidrs {
        add("service-cidr", &list(&spec.service_cidrs));
    }
    if spec.proxy_mode != default.proxy_mode {
        add("proxy-mode", &spec.proxy_mode);
    }
    if spec.dns != default.dns {
        add("dns", &spec.dns);
    }
    if spec.cni != default.cni {
        add("cni", &spec.cni);
    }
    flags
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        flags: Flags,
    }

    fn read(words: &str) -> Result<Spec> {
        let words = std::iter::once("up").chain(words.split_whitespace());
        Words::try_parse_from(words).unwrap().flags.spec(&Name::example())
    }

    #[test]
    fn a_shape_is_the_same_by_its_name_and_by_its_flags() {
        for shape in Shape::all() {
            let spec = shape.spec(Name::example());
            assert_eq!(read(&shape.flags()).unwrap(), spec, "{}", shape.name);
            assert_eq!(read(&format!("--shape {}", shape.name)).unwrap(), spec);
        }
    }

    #[test]
    fn a_request_is_described_by_its_shape_or_by_flags() {
        assert_eq!(describe(&read("--proxy-mode nftables").unwrap()), "nftables");
        let words = "--nodes 2 --families ipv6";
        assert_eq!(describe(&read(words).unwrap()), words);
    }

    #[test]
    fn other_flags_change_a_named_shape() {
        let spec = read("--shape nftables --families ipv6 --nodes 2").unwrap();
        assert_eq!((spec.proxy_mode, spec.nodes), (ProxyMode::Nftables, 2));
        assert_eq!(spec.service_families(), [Family::V6]);
    }

    #[test]
    fn ranges_are_as_they_were_given_unless_a_family_is_to_come_first() {
        let pods = "--pod-cidr 10.1.2.3/16,fd01::/56";
        assert_eq!(read(pods).unwrap().pod_cidrs[0].to_string(), "10.1.0.0/16");
        let spec = read(&format!("{pods} --primary ipv6")).unwrap();
        assert_eq!(spec.pod_families(), [Family::V6, Family::V4]);
        assert_eq!(spec.service_families(), [Family::V6, Family::V4]);
    }

    #[test]
    fn a_family_that_is_not_there_can_not_come_first() {
        let error = read("--families ipv4 --primary ipv6").unwrap_err().to_string();
        assert!(error.contains("IPv6 can't come first"), "{error}");
    }

    #[test]
    fn a_pod_network_of_others_is_refused_where_a_family_is_missing() {
        let error = read("--cni flannel --families ipv4").unwrap_err().to_string();
        assert!(error.contains("--cni flannel is configured for both families"), "{error}");
        let error = read("--cni flannel --pod-cidr 10.244.0.0/16").unwrap_err().to_string();
        assert!(error.contains("nodes and pods need both"), "{error}");
        assert_eq!(read("--cni flannel").unwrap().cni, Cni::Flannel);
    }

    #[test]
    fn an_unknown_pod_network_is_refused_with_those_there_are() {
        let error = Words::try_parse_from(["up", "--cni", "weave"]).err().unwrap().to_string();
        assert!(error.contains("ptp, flannel, calico"), "{error}");
    }

    #[test]
    fn what_kubernetes_refuses_is_refused_before_anything_is_touched() {
        let error = read("--service-cidr fd00:10:96::/64").unwrap_err().to_string();
        assert!(error.contains("the mask must be >= 108"), "{error}");
    }
}
