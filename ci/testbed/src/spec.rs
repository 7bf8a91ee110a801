//! What a cluster is to look like: the whole of a request, as data.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    components,
    error::{Error, Result},
    version::KubernetesMinor,
};

/// An IP address family, spelt as in Kubernetes' `ipFamilies`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
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

    /// The word by which nftables names this family, both as a table's family and in matches.
    pub const fn nft(self) -> &'static str {
        match self {
            Self::V4 => "ip",
            Self::V6 => "ip6",
        }
    }
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyMode {
    /// iptables rules (kubeadm's default).
    #[default]
    Iptables,
    /// nftables rules.
    Nftables,
}

impl fmt::Display for ProxyMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Iptables => "iptables",
            Self::Nftables => "nftables",
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
    /// The Kubernetes minor.
    pub kubernetes: KubernetesMinor,
}

impl Spec {
    /// The most nodes a cluster can have: their addresses are numbered within one octet.
    pub const MAX_NODES: u8 = 100;

    /// A dual-stack cluster of one control plane among three nodes, IPv4 first.
    pub fn new(name: Name) -> Self {
        let v4 = |a: [u8; 4], len| IpNet::new_assert(IpAddr::from(a), len);
        let v6 = |a: [u16; 8], len| IpNet::new_assert(IpAddr::from(a), len);
        Self {
            name,
            nodes: 3,
            control_planes: 1,
            node_families: vec![Family::V4, Family::V6],
            pod_cidrs: vec![v4([10, 244, 0, 0], 16), v6([0xfd00, 0x10, 0x244, 0, 0, 0, 0, 0], 56)],
            service_cidrs: vec![
                v4([10, 96, 0, 0], 16),
                v6([0xfd00, 0x10, 0x96, 0, 0, 0, 0, 0], 112),
            ],
            proxy_mode: ProxyMode::default(),
            kubernetes: components::newest(),
        }
    }

    /// The nodes' names, `n1` first.
    pub fn node_names(&self) -> impl Iterator<Item = String> {
        (1..=self.nodes).map(|i| format!("n{i}"))
    }

    /// The family that comes first where Kubernetes puts one first: that of the first Service
    /// range.
    pub fn primary(&self) -> Family {
        self.service_cidrs.first().map_or(Family::V4, Family::of_range)
    }

    /// Refuses what cannot be built, in one sentence.
    pub fn validate(&self) -> Result<()> {
        if !(1..=Self::MAX_NODES).contains(&self.nodes) {
            return Err(Error::Invalid(format!(
                "a cluster has 1 to {} nodes, not {}",
                Self::MAX_NODES,
                self.nodes
            )));
        }
        if self.control_planes != 1 {
            return Err(Error::Invalid(format!(
                "a cluster has 1 control plane, not {}",
                self.control_planes
            )));
        }
        Ok(())
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
    fn too_many_nodes_are_refused() {
        let mut spec = Spec::new("x".parse().unwrap());
        spec.nodes = Spec::MAX_NODES + 1;
        assert!(spec.validate().is_err());
    }
}
