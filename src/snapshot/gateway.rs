//! Whether a node's default gateways are there: what `manifests/gateway.sh` prints.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::net::IpFamily;

/// The command that runs the script in the probes' container.
pub const GATEWAY_COMMAND: [&str; 2] = ["sh", "/etc/dualstack/gateway.sh"];

/// A default gateway of a node, after something was sent to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gateway {
    /// The node.
    pub node: String,
    /// The gateway's address.
    pub address: IpAddr,
    /// The interface by which it is reached.
    pub link: String,
    /// The family of the default route.
    pub family: IpFamily,
    /// What the node's kernel knows of it: `REACHABLE`, `STALE`, `FAILED`, … (RFC 4861, 7.3.2).
    pub state: String,
}

impl Gateway {
    /// Reads a line of the script's, as it was printed on a node.
    pub fn read(node: &str, line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let family = match fields.next()? {
            "4" => IpFamily::V4,
            "6" => IpFamily::V6,
            _ => return None,
        };
        let address = fields.next()?.parse().ok()?;
        let (link, state) = (fields.next()?.to_owned(), fields.next()?.to_owned());
        Some(Self { node: node.to_owned(), address, link, family, state })
    }

    /// Whether nobody answers for its address on the link.
    pub fn is_silent(&self) -> bool {
        matches!(self.state.as_str(), "FAILED" | "INCOMPLETE")
    }
}

/// An address of a node's that is deprecated (RFC 4862): what asks a node for an address of its own to send from
/// gets another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deprecated {
    /// The node.
    pub node: String,
    /// The address.
    pub address: IpAddr,
    /// Its interface.
    pub link: String,
}

impl Deprecated {
    /// Reads a line of the same script's, as it was printed on a node.
    pub fn read(node: &str, line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        fields.next().filter(|first| *first == "deprecated")?;
        let address = fields.next()?.parse().ok()?;
        Some(Self { node: node.to_owned(), address, link: fields.next()?.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deprecated_address_is_told_from_a_gateway() {
        let line = "deprecated\tfd00:31:4::12\teth0";
        let found = Deprecated::read("n2", line).unwrap();
        assert_eq!(
            (found.address.to_string(), found.link),
            ("fd00:31:4::12".into(), "eth0".into())
        );
        assert_eq!(Gateway::read("n2", line), None);
        for other in ["6\tfe80::1\teth0\tSTALE", "deprecated\tx\teth0", "end"] {
            assert_eq!(Deprecated::read("n2", other), None);
        }
    }

    #[test]
    fn a_gateway_is_silent_where_nobody_answers_for_its_address() {
        let state = |state: &str| Gateway::read("n2", &format!("6\tfe80::1\teth0\t{state}"));
        let silent = state("FAILED").unwrap();
        assert_eq!((silent.family, silent.link.as_str()), (IpFamily::V6, "eth0"));
        assert!(silent.is_silent());
        // Not known, or not to be asked for.
        for other in ["REACHABLE", "STALE", "DELAY", "PROBE", "NOARP", ""] {
            assert!(!state(other).unwrap().is_silent(), "{other}");
        }
        assert_eq!(Gateway::read("n2", "end"), None);
        assert_eq!(Gateway::read("n2", "6\tno address\teth0\tFAILED"), None);
    }
}
