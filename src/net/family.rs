//! The two IP families.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An IP address family, spelt as Kubernetes spells it in `spec.ipFamilies`: `IPv4` or `IPv6`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum IpFamily {
    /// IPv4 (RFC 791).
    #[serde(rename = "IPv4")]
    V4,
    /// IPv6 (RFC 8200).
    #[serde(rename = "IPv6")]
    V6,
}

impl IpFamily {
    /// Both families, IPv4 first: the order of every table and report.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// The family of an address. An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) is IPv6 here,
    /// as it is in Kubernetes' own API fields.
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

    /// The other family.
    pub const fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }

    /// Address width in bits.
    pub const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The name as Kubernetes writes it, `IPv4` or `IPv6`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// The name in lower case, for identifiers such as test names.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }

    /// The DNS zone in which names are found by addresses of this family.
    pub const fn reverse_zone(self) -> &'static str {
        match self {
            Self::V4 => "in-addr.arpa",
            Self::V6 => "ip6.arpa",
        }
    }

    /// The name under which an address's PTR records are, with a dot at its end (RFC 1035, 3.5; RFC
    /// 3596, 2.5).
    pub fn pointer_name(address: IpAddr) -> String {
        let labels: Vec<String> = match address {
            IpAddr::V4(ip) => ip.octets().iter().rev().map(u8::to_string).collect(),
            IpAddr::V6(ip) => ip
                .octets()
                .iter()
                .rev()
                .flat_map(|byte| [byte & 15, byte >> 4])
                .map(|nibble| format!("{nibble:x}"))
                .collect(),
        };
        format!("{}.{}.", labels.join("."), Self::of(address).reverse_zone())
    }

    /// The DNS record type that carries an address of this family.
    pub const fn record_type(self) -> &'static str {
        match self {
            Self::V4 => "A",
            Self::V6 => "AAAA",
        }
    }
}

impl fmt::Display for IpFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn family_names_are_those_of_the_kubernetes_api() {
        assert_eq!(serde_json::to_string(&IpFamily::ALL).unwrap(), r#"["IPv4","IPv6"]"#);
    }

    #[test]
    fn pointers_are_written_from_the_end_of_the_address() {
        let name = |ip: &str| IpFamily::pointer_name(ip.parse().unwrap());
        assert_eq!(name("10.96.0.1"), "1.0.96.10.in-addr.arpa.");
        let nibbles = "6.5.8.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f";
        assert_eq!(name("fd00:10:96::1856"), format!("{nibbles}.ip6.arpa."));
    }

    #[test]
    fn a_mapped_address_counts_as_ipv6() {
        assert_eq!(IpFamily::of("::ffff:192.0.2.1".parse().unwrap()), IpFamily::V6);
    }
}
