//! A node's address that is no longer to be sent from.

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Net, Outcome, Path, Target},
    run::Run,
    spec::Family,
};

/// Ends the preferred lifetime of a node's IPv6 address (RFC 4862), as a router does that no longer
/// advertises its prefix.
/// The node still answers there. It sends from another address where it has one: its pods' gateway, to which
/// nobody outside has a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct AddressDeprecated {
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl AddressDeprecated {
    /// The address with its prefix length, as `ip` writes it.
    fn held(&self, cluster: &Cluster) -> Result<String> {
        let node = cluster.node(&self.node)?;
        let none = || Error::Invalid(format!("{} has no IPv6 address", self.node));
        let address = node.address(Family::V6).ok_or_else(none)?.to_string();
        let listed = node
            .net_command("ip")
            .args(["-o", "-6", "address", "show", "dev", "eth0", "scope", "global"])
            .read(&format!("list the addresses of {}", self.node))?;
        let mut words = listed.split_whitespace();
        let held =
            words.find(|word| word.split('/').next() == Some(&address) && word.contains('/'));
        held.map(str::to_owned).ok_or_else(none)
    }

    fn prefer(&self, cluster: &Cluster, address: &str, lifetime: &str) -> Result<()> {
        cluster
            .node(&self.node)?
            .net_command("ip")
            .args(["-6", "address", "change", address, "dev", "eth0", "nodad"])
            .args(["valid_lft", "forever", "preferred_lft", lifetime])
            .read(&format!("set the preferred lifetime of {address}"))
            .map(drop)
    }
}

impl FaultKind for AddressDeprecated {
    const ABOUT: About = About {
        does: "a node's IPv6 address is deprecated (`preferred_lft 0`): it answers there, and sends \
         to the outside from its pods' gateway's address, to which nobody has a route",
        limits: "IPv4, where the kernel does not look at preferred lifetimes; clusters without IPv6",
    };

    /// The address with its prefix length.
    type Before = String;

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the ipv6 address of {}", self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let flow = path.flow().filter(|flow| flow.family == Family::V6)?;
        let leaves = flow.target == Target::Outside && flow.client.node() == Some(&self.node);
        leaves.then_some(Outcome::Fails)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<String> {
        self.held(cluster)
    }

    fn inject(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.prefer(cluster, before, "0")
    }

    fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.prefer(cluster, before, "forever")
    }
}
