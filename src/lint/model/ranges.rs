//! Lists of ranges as documents write them.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::IpAddr;

use crate::{lint::source::Spanned, net::IpFamily};

use super::Tool;

/// What a range is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Addresses of Pods.
    Pods,
    /// Cluster IPs of Services.
    Services,
}

impl Role {
    /// How a sentence names the range: `pod range`, `Service range`.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Pods => "pod range",
            Self::Services => "Service range",
        }
    }
}

/// Whose setting a list of ranges is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// kubeadm's `ClusterConfiguration`.
    Kubeadm,
    /// kind's `Cluster`.
    Kind,
    /// A flag of kube-apiserver.
    ApiServer,
    /// A flag of kube-controller-manager.
    ControllerManager,
    /// kube-proxy's configuration or flag.
    Proxy,
    /// A `ServiceCIDR` object.
    ServiceCidr,
    /// Another tool's configuration.
    Tool(Tool),
}

/// One or two ranges, as one setting gives them.
#[derive(Clone, Debug)]
pub struct RangeList {
    /// What they are for.
    pub role: Role,
    /// Whose setting it is.
    pub owner: Owner,
    /// The setting's name, such as `networking.podSubnet` or `--cluster-cidr`.
    pub field: &'static str,
    /// The whole value.
    pub text: Spanned<String>,
    /// Its entries.
    pub entries: Vec<RangeEntry>,
    /// Whether it is a default that the tool takes, and no document gives it.
    pub assumed: bool,
}

/// One range as it was written, and what it means.
#[derive(Clone, Debug)]
pub struct RangeEntry {
    /// The text.
    pub text: Spanned<String>,
    /// The range with its host bits as written, or nothing where the text is none.
    pub range: Option<IpNet>,
}

impl RangeEntry {
    /// Reads a range as Kubernetes' components do: white space around it makes it invalid.
    pub fn new(text: Spanned<String>) -> Self {
        let range = parse_range(&text.value);
        Self { text, range }
    }

    /// Its family, where it is a range.
    pub fn family(&self) -> Option<IpFamily> {
        self.range.as_ref().map(IpFamily::of_range)
    }
}

impl RangeList {
    /// The ranges that could be read, with their entries.
    pub fn ranges(&self) -> impl Iterator<Item = (&RangeEntry, IpNet)> {
        self.entries.iter().filter_map(|entry| Some((entry, entry.range?)))
    }

    /// Whether a template is still to fill in some of it.
    pub fn is_template(&self) -> bool {
        is_template(&self.text.value)
    }

    /// The families of the ranges in order; entries that can't be read are left out.
    pub fn families(&self) -> Vec<IpFamily> {
        self.entries.iter().filter_map(RangeEntry::family).collect()
    }

    /// Whether it holds exactly one range of each family.
    pub fn is_dual(&self) -> bool {
        matches!(self.families()[..], [first, second] if first != second) && self.entries.len() == 2
    }

    /// Whether every entry is a range, and the families are as every component wants them: one
    /// range, or one of each family.
    pub fn is_sound(&self) -> bool {
        self.entries.iter().all(|entry| entry.range.is_some())
            && (self.entries.len() == 1 || self.is_dual())
    }
}

/// Whether a value holds a placeholder that a template engine or a shell replaces: `${VAR}`,
/// `$(VAR)`, `@@VAR@@`, `{{ … }}`, `{% … %}`, `<% … %>`; in a single word also `$VAR` and `__VAR__`.
pub fn is_template(text: &str) -> bool {
    let marks = [("${", "}"), ("$(", ")"), ("@@", "@@"), ("{{", "}}"), ("{%", "%}"), ("<%", "%>")];
    let word = !text.contains(char::is_whitespace);
    word && (has_variable(text) || is_marked(text))
        || marks.iter().any(|(open, close)| {
            text.split_once(open).is_some_and(|(_, rest)| rest.contains(close))
        })
}

/// Whether a text holds a variable of a shell's without braces, `$NAME`.
pub fn has_variable(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('$') {
        if after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return true;
        }
        rest = after;
    }
    false
}

/// Whether a word is a placeholder such as `__POD_CIDR__`.
fn is_marked(word: &str) -> bool {
    let name = word.trim_matches(['"', '\'']);
    let name = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    name.is_some_and(|name| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    })
}

/// Reads `address/length`, with Kubernetes' tolerance for leading zeros in IPv4 addresses.
pub fn parse_range(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let length = length.parse().ok()?;
    match super::address::parse_address(address)? {
        IpAddr::V4(address) => Ipv4Net::new(address, length).ok().map(IpNet::V4),
        IpAddr::V6(address) => Ipv6Net::new(address, length).ok().map(IpNet::V6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_needs_an_address_and_a_fitting_length() {
        assert!(parse_range("10.0.0.0/8").is_some());
        assert!(parse_range("fd00::/48").is_some());
        for text in ["10.0.0.0", "10.0.0.0/33", "fd00::/129", " fd00::/48", "fd00::/", "fd00::/+8"]
        {
            assert!(parse_range(text).is_none(), "{text}");
        }
    }
}
