//! What a cluster is to look like: the whole of a request, as data.

mod rules;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

pub use crate::network::Cni;
use crate::{
    components,
    error::{Error, Result},
    version::KubernetesMinor,
};

/// An IP address family, spelt as in Kubernetes' `ipFamilies`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
pub enum Family {
    /// IPv4.
    #[serde(rename = "IPv4")]
    #[value(name = "ipv4")]
    V4,
    /// IPv6.
    #[serde(rename = "IPv6")]
    #[value(name = "ipv6")]
    V6,
}

impl Family {
    /// The family of an address.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The family of a range.
    pub const fn of_range(range: &IpNet) -> Self {
        match range {
            IpNet::V4(_) => Self::V4,
            IpNet::V6(_) => Self::V6,
        }
    }

    /// The option that makes `ip` speak of this family.
    pub const fn ip_flag(self) -> &'static str {
        match self {
            Self::V4 => "-4",
            Self::V6 => "-6",
        }
    }

    /// The range that holds every address of this family: a default route's destination.
    pub const fn everything(self) -> &'static str {
        match self {
            Self::V4 => "0.0.0.0/0",
            Self::V6 => "::/0",
        }
    }

    /// The range of all pods, unless another is asked for.
    const fn pod_cidr(self) -> IpNet {
        match self {
            Self::V4 => v4([10, 244, 0, 0], 16),
            Self::V6 => v6([0xfd00, 0x10, 0x244, 0, 0, 0, 0, 0], 56),
        }
    }

    /// The range of all Services, unless another is asked for.
    const fn service_cidr(self) -> IpNet {
        match self {
            Self::V4 => v4([10, 96, 0, 0], 16),
            Self::V6 => v6([0xfd00, 0x10, 0x96, 0, 0, 0, 0, 0], 112),
        }
    }

    /// The program that sees to the packet filter's rules of this family.
    pub const fn iptables(self) -> &'static str {
        match self {
            Self::V4 => "iptables",
            Self::V6 => "ip6tables",
        }
    }

    /// The word by which nftables names this family, both as a table's family and in matches.
    pub const fn nft(self) -> &'static str {
        match self {
            Self::V4 => "ip",
            Self::V6 => "ip6",
        }
    }
}

const fn v4(address: [u8; 4], length: u8) -> IpNet {
    let [a, b, c, d] = address;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length))
}

const fn v6(address: [u16; 8], length: u8) -> IpNet {
    let [a, b, c, d, e, f, g, h] = address;
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), length))
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// A cluster's name: it becomes part of paths, so it is a DNS label of 40 characters at most.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// A name for clusters that are only talked of.
    pub(crate) fn example() -> Self {
        Self("example".to_owned())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits = (1..=40).contains(&s.len())
            && s.chars().all(label)
            && !s.starts_with('-')
            && !s.ends_with('-');
        if fits {
            Ok(Self(s.to_owned()))
        } else {
            Err(Error::Invalid(format!(
                "'{s}' can't be a cluster's name: use 1 to 40 of a-z, 0-9 and '-', with no '-' at either end"
            )))
        }
    }
}

impl TryFrom<String> for Name {
    type Error = Error;

    fn try_from(s: String) -> Result<Self> {
        s.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// How kube-proxy programs Services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ProxyMode {
    /// iptables rules (kubeadm's default).
    #[default]
    Iptables,
    /// nftables rules.
    Nftables,
    /// Virtual servers of the kernel (CONFIG_IP_VS).
    Ipvs,
}

impl fmt::Display for ProxyMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Iptables => "iptables",
            Self::Nftables => "nftables",
            Self::Ipvs => "ipvs",
        })
    }
}

/// Of which families the Service `kube-dns` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ClusterDns {
    /// As kubeadm makes it, even on a dual-stack cluster: of the first family alone.
    #[default]
    Kubeadm,
    /// Of both, and pods are told both of its addresses.
    Dual,
}

impl fmt::Display for ClusterDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kubeadm => "kubeadm",
            Self::Dual => "dual",
        })
    }
}

/// A cluster as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Under which name it lives beside others.
    pub name: Name,
    /// How many nodes, control planes included.
    pub nodes: u8,
    /// How many of the nodes (the first ones) run a control plane.
    pub control_planes: u8,
    /// The families of the nodes' addresses, primary first.
    pub node_families: Vec<Family>,
    /// `podSubnet`: one range or two of different families, primary first.
    pub pod_cidrs: Vec<IpNet>,
    /// `serviceSubnet`: one range or two of different families, primary first.
    pub service_cidrs: Vec<IpNet>,
    /// kube-proxy's mode.
    pub proxy_mode: ProxyMode,
    /// Of which families the DNS Service is.
    #[serde(default)]
    pub dns: ClusterDns,
    /// The pod network.
    #[serde(default)]
    pub cni: Cni,
    /// The Kubernetes minor.
    pub kubernetes: KubernetesMinor,
}

impl Spec {
    /// The most nodes a cluster can have: their addresses are numbered within one octet.
    pub const MAX_NODES: u8 = 100;

    /// A dual-stack cluster of one control plane among three nodes, IPv4 first.
    pub fn new(name: Name) -> Self {
        Self {
            name,
            nodes: 3,
            control_planes: 1,
            node_families: Vec::new(),
            pod_cidrs: Vec::new(),
            service_cidrs: Vec::new(),
            proxy_mode: ProxyMode::default(),
            dns: ClusterDns::default(),
            cni: Cni::default(),
            kubernetes: components::default_minor(),
        }
        .with_families(&[Family::V4, Family::V6])
    }

    /// The same with nodes, pods and Services of these families, in this order, and the usual
    /// ranges for them.
    pub fn with_families(mut self, families: &[Family]) -> Self {
        self.node_families = families.to_vec();
        self.pod_cidrs = families.iter().map(|family| family.pod_cidr()).collect();
        self.service_cidrs = families.iter().map(|family| family.service_cidr()).collect();
        self
    }

    /// The nodes' names, `n1` first.
    pub fn node_names(&self) -> impl Iterator<Item = String> {
        (1..=self.nodes).map(|i| format!("n{i}"))
    }

    /// Whether the node with this number, counted from 1, runs a control plane.
    pub const fn is_control_plane(&self, number: u8) -> bool {
        number >= 1 && number <= self.control_planes
    }

    /// The families of the pods' addresses, in the order of the ranges.
    pub fn pod_families(&self) -> Vec<Family> {
        self.pod_cidrs.iter().map(Family::of_range).collect()
    }

    /// The families of the Services' addresses, in the order of the ranges.
    pub fn service_families(&self) -> Vec<Family> {
        self.service_cidrs.iter().map(Family::of_range).collect()
    }

    /// The addresses of the Service `kube-dns`. kubeadm gives it the tenth of a range.
    pub fn dns_addresses(&self) -> Vec<IpAddr> {
        let tenth = |range: &IpNet| match range.network() {
            IpAddr::V4(first) => IpAddr::from((u32::from(first) + 10).to_be_bytes()),
            IpAddr::V6(first) => IpAddr::from((u128::from(first) + 10).to_be_bytes()),
        };
        let count = match self.dns {
            ClusterDns::Kubeadm => 1,
            ClusterDns::Dual => 2,
        };
        self.service_cidrs.iter().take(count).map(tenth).collect()
    }

    /// The family that comes first where Kubernetes puts one first: that of the first Service
    /// range.
    pub fn primary(&self) -> Family {
        self.service_cidrs.first().map_or(Family::V4, Family::of_range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label() {
        for good in ["testbed", "a", "ci-2"] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a/b", "..", &"a".repeat(41)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_spec_survives_serialisation() {
        let spec = Spec::new("x".parse().unwrap());
        let back: Spec = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
        assert_eq!(spec, back);
    }

    #[test]
    fn a_record_from_before_there_was_a_choice_of_dns_and_pod_network_is_still_read() {
        let mut value = serde_json::to_value(Spec::new("x".parse().unwrap())).unwrap();
        value.as_object_mut().unwrap().retain(|key, _| key != "dns" && key != "cni");
        let spec: Spec = serde_json::from_value(value).unwrap();
        assert_eq!((spec.dns, spec.cni), (ClusterDns::Kubeadm, Cni::Ptp));
    }

    #[test]
    fn the_dns_service_has_the_tenth_address_of_a_range() {
        let mut spec = Spec::new("x".parse().unwrap());
        assert_eq!(spec.dns_addresses(), ["10.96.0.10".parse::<IpAddr>().unwrap()]);
        spec.dns = ClusterDns::Dual;
        assert_eq!(spec.dns_addresses()[1], "fd00:10:96::a".parse::<IpAddr>().unwrap());
    }
}
