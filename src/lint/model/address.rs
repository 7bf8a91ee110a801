//! Addresses as documents write them.

use std::net::{IpAddr, Ipv4Addr};

use crate::{lint::source::Spanned, net::IpFamily};

/// An address as it was written, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The text.
    pub text: Spanned<String>,
    /// The address, or nothing where the text is none.
    pub ip: Option<IpAddr>,
}

/// A list of addresses in one text, separated by commas.
#[derive(Clone, Debug)]
pub struct AddressList {
    /// The whole text.
    pub text: Spanned<String>,
    /// Its entries.
    pub entries: Vec<Address>,
}

/// Where kubeadm is told to find the API server: a name or an address, and a port.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The text.
    pub text: Spanned<String>,
    /// Whether the port may not be left out.
    pub needs_port: bool,
}

impl Address {
    /// Reads an address as Kubernetes does, which allows leading zeros in IPv4.
    pub fn new(text: Spanned<String>) -> Self {
        let ip = parse_address(text.value.trim());
        Self { text, ip }
    }

    /// Its family, where it is an address.
    pub fn family(&self) -> Option<IpFamily> {
        self.ip.map(IpFamily::of)
    }
}

/// Reads an address as Kubernetes' `ParseIPSloppy` does: leading zeros of an IPv4 octet are
/// ignored.
pub(in crate::lint) fn parse_address(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| {
        let octets: Vec<u8> = text
            .split('.')
            .map(|octet| {
                let digits = !octet.is_empty() && octet.bytes().all(|byte| byte.is_ascii_digit());
                let trimmed = octet.trim_start_matches('0');
                let trimmed = if trimmed.is_empty() { "0" } else { trimmed };
                trimmed.parse().ok().filter(|_| digits)
            })
            .collect::<Option<_>>()?;
        let octets: [u8; 4] = octets.try_into().ok()?;
        Some(IpAddr::V4(Ipv4Addr::from(octets)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_are_ignored_as_kubernetes_ignores_them() {
        assert_eq!(parse_address("010.0.000.1"), Some("10.0.0.1".parse().unwrap()));
        assert_eq!(parse_address("fd00::1"), Some("fd00::1".parse().unwrap()));
        for text in ["", "1.2.3", "1.2.3.4.5", "1.2.3.+4", "1.2.3.256", "fe80::1%eth0"] {
            assert_eq!(parse_address(text), None, "{text}");
        }
    }
}
