//! What a snapshot holds.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::net::IpFamily;

/// The network of a node, as a host-network pod there sees it; or that of another pod on the node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The node.
    pub node: String,
    /// The pod whose own network it is; `None` for the node's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Why it is not complete, where it isn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// The interfaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Their addresses, without those of the loopback interface and link-local ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// The routes of the main table, default routes first; at most some hundreds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// The routing rules beyond those that every kernel has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RoutingRule>,
    /// Which way the kernel sends packets to some addresses, all its tables and rules considered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lookups: Vec<Lookup>,
    /// The neighbours' link addresses (ARP, and RFC 4861 for IPv6).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbours: Vec<Neighbour>,
    /// The kernel's settings, by their names (`net.ipv6.conf.all.forwarding`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The kernel's counters of IPv6 (`/proc/net/snmp6`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, u64>,
    /// `hairpin_mode` of the ports of bridges, each value once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hairpin_modes: Vec<String>,
    /// The DNS servers of a pod, as its `/etc/resolv.conf` names them; not read of a node's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nameservers: Vec<IpAddr>,
    /// What waits for the servers of a pod; not read of a node's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backlogs: Vec<Backlog>,
}

/// Connections that the kernel opened for a server, which has not taken them or reads nothing of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// The family.
    pub family: IpFamily,
    /// The server's port.
    pub port: u16,
    /// How many it has not accepted.
    #[serde(default)]
    pub unaccepted: u32,
    /// How many it has accepted, with bytes that it has not read.
    #[serde(default)]
    pub unread: u32,
}

impl Backlog {
    /// How many wait.
    pub const fn waiting(&self) -> u32 {
        self.unaccepted.saturating_add(self.unread)
    }
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// The largest packet that it carries, in bytes.
    pub mtu: Option<u32>,
    /// Its link address.
    pub address: Option<String>,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// The interface's name.
    pub link: String,
    /// The address.
    pub address: IpAddr,
    /// Whether duplicate address detection has not ended (RFC 4862).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tentative: bool,
    /// Whether another host has the same address (RFC 4862).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

/// A route, or which way an address takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// To where; `None` for the default route, and where it was looked up for one address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<IpNet>,
    /// The family.
    pub family: Option<IpFamily>,
    /// The next hop, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<IpAddr>,
    /// The interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// `blackhole`, `unreachable` or `prohibit`, where packets are thrown away on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejects: Option<String>,
}

/// A rule that says which table of routes is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingRule {
    /// The family.
    pub family: IpFamily,
    /// The rule in the words of `ip rule`, without its priority.
    pub text: String,
}

/// What the kernel said of the way to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// The address.
    pub address: IpAddr,
    /// The way; `None` where there is none.
    pub route: Option<Route>,
    /// The kernel's words.
    pub said: String,
}

/// What is known of a neighbour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its address.
    pub address: IpAddr,
    /// The interface.
    pub link: String,
    /// Its link address; `None` while it is not known.
    pub link_address: Option<String>,
    /// `REACHABLE`, `STALE`, `FAILED`, … (RFC 4861, 7.3.2).
    pub state: String,
}

impl Snapshot {
    /// A kernel setting.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// The default routes of a family.
    pub fn default_routes(&self, family: IpFamily) -> impl Iterator<Item = &Route> {
        let routes = self.routes.iter();
        routes.filter(move |route| route.to.is_none() && route.family == Some(family))
    }

    /// The route of the main table that fits an address best, whatever rules say.
    pub fn main_route(&self, address: IpAddr) -> Option<&Route> {
        let family = IpFamily::of(address);
        let fits = |route: &&Route| {
            route.family == Some(family) && route.to.is_none_or(|to| to.contains(&address))
        };
        // Of equal ones a route that rejects is the better one: it would not be there for nothing.
        let length =
            |route: &&Route| (route.to.map_or(0, |to| to.prefix_len()), route.rejects.is_some());
        self.routes.iter().filter(fits).max_by_key(length)
    }

    /// Which way packets to an address go.
    pub fn lookup(&self, address: IpAddr) -> Option<&Lookup> {
        self.lookups.iter().find(|lookup| lookup.address == address)
    }

    /// An address of one of its interfaces.
    pub fn address(&self, address: IpAddr) -> Option<&Address> {
        self.addresses.iter().find(|own| own.address == address)
    }

    /// What it knows of a neighbour.
    pub fn neighbour(&self, address: IpAddr) -> Option<&Neighbour> {
        self.neighbours.iter().find(|neighbour| neighbour.address == address)
    }

    /// What waits at a port.
    pub fn backlog(&self, family: IpFamily, port: u16) -> Option<&Backlog> {
        self.backlogs.iter().find(|it| it.family == family && it.port == port)
    }

    /// Whether the sections that rules draw conclusions from were read.
    pub const fn is_complete(&self) -> bool {
        self.incomplete.is_none()
    }
}

impl RoutingRule {
    /// The range of sources that it is for; `None` for all of them.
    pub fn from(&self) -> Option<IpNet> {
        self.after("from")
    }

    /// The range of destinations that it is for; `None` for all of them.
    pub fn to(&self) -> Option<IpNet> {
        self.after("to")
    }

    /// Whether it throws away what it is for.
    pub fn rejects(&self) -> bool {
        let words = ["blackhole", "prohibit", "unreachable"];
        self.text.split_whitespace().any(|word| words.contains(&word))
    }

    fn after(&self, word: &str) -> Option<IpNet> {
        let mut words = self.text.split_whitespace().skip_while(|it| *it != word);
        let range = words.nth(1)?;
        range.parse().or_else(|_| range.parse::<IpAddr>().map(IpNet::from)).ok()
    }
}

impl Neighbour {
    /// Whether somebody set it by hand, and the kernel never asks for it again.
    pub fn is_fixed(&self) -> bool {
        self.state == "PERMANENT"
    }
}

impl Lookup {
    /// Whether the node takes the address for one of its own.
    pub fn is_local(&self) -> bool {
        self.said.starts_with("local ")
    }

    /// Whether the address is reached by the same way as a default route, or by none.
    pub fn has_no_own_route(&self, snapshot: &Snapshot) -> bool {
        let Some(route) = &self.route else { return true };
        let family = IpFamily::of(self.address);
        snapshot
            .default_routes(family)
            .any(|default| default.via == route.via && default.link == route.link)
    }
}
