//! What a node has on `eth0` in one family: its address, and the routes that go with it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    json::from_json,
    neighbours,
    routes::{self, Route},
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    node::Node,
    run::Run,
    spec::Family,
};

/// An address on `eth0` and all routes over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    address: IpAddr,
    prefix: u8,
    routes: Vec<Route>,
}

/// The part of `ip -json address` that matters.
#[derive(Deserialize)]
struct Interface {
    #[serde(default)]
    addr_info: Vec<AddressInfo>,
}

#[derive(Deserialize)]
struct AddressInfo {
    local: IpAddr,
    prefixlen: u8,
}

impl Link {
    /// How it is now.
    pub(super) fn of(node: &Node, family: Family) -> Result<Self> {
        let none = || Error::Invalid(format!("{} has no {family} address to lose", node.name));
        let address = node.address(family).ok_or_else(none)?;
        let what = format!("list the addresses of {}", node.name);
        let text = node
            .net_command("ip")
            .args(["-json", family.ip_flag(), "address", "show", "dev", "eth0"])
            .read(&what)?;
        let found: Vec<Interface> = from_json(&what, &text)?;
        let held = found.iter().flat_map(|i| &i.addr_info).find(|info| info.local == address);
        Ok(Self {
            address,
            prefix: held.ok_or_else(none)?.prefixlen,
            routes: routes::list(node, family, &[])?,
        })
    }

    fn family(&self) -> Family {
        Family::of(self.address)
    }

    /// The address.
    pub(super) const fn address(&self) -> IpAddr {
        self.address
    }

    /// Takes the address off; the kernel takes what it thinks fit of the routes along.
    pub(super) fn take_off(&self, cluster: &Cluster, node: &Node) -> Result<()> {
        if Self::of(node, self.family()).is_ok() {
            self.ip(node, "delete", &[])?;
        }
        neighbours::forget(cluster, self.address)
    }

    /// Puts the address on, with the further words of `ip address`.
    pub(super) fn put_on(&self, node: &Node, words: &[&str]) -> Result<()> {
        self.ip(node, "replace", words)
    }

    /// Puts everything back as it was.
    pub(super) fn restore(&self, cluster: &Cluster, node: &Node) -> Result<()> {
        let nodad: &[&str] = if self.family() == Family::V6 { &["nodad"] } else { &[] };
        self.put_on(node, nodad)?;
        let ours: Vec<Route> =
            self.routes.iter().filter(|route| !route.is_the_kernels()).cloned().collect();
        routes::restore(node, self.family(), &ours)?;
        neighbours::forget_all(node, self.family())?;
        neighbours::forget(cluster, self.address)
    }

    fn ip(&self, node: &Node, verb: &str, words: &[&str]) -> Result<()> {
        node.net_command("ip")
            .args([self.family().ip_flag(), "address", verb])
            .arg(format!("{}/{}", self.address, self.prefix))
            .args(["dev", "eth0"])
            .args(words)
            .read(&format!("{verb} the address {} of {}", self.address, node.name))
            .map(drop)
    }
}
