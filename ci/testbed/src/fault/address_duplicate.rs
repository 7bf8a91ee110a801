//! A node's IPv6 address that somebody else holds.

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind, link::Link, neighbours};
use crate::{
    cluster::Cluster,
    error::Result,
    node::Node,
    path::{Hop, Net, Outcome},
    run::{Run, wait_for},
    spec::Family,
};

/// Where the other holder sits: the bridge between the nodes.
const HOLDER: &str = "br0";

/// Gives a node's IPv6 address to another host of the underlay, and lets the node configure it
/// again with duplicate address detection, which fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct AddressDuplicate {
    /// The node.
    #[arg(long)]
    pub node: String,
}

/// What was there before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Before {
    link: Link,
    /// `accept_dad` of the node's `eth0`.
    accept_dad: String,
}

impl AddressDuplicate {
    const ACCEPT_DAD: &'static str = "/proc/sys/net/ipv6/conf/eth0/accept_dad";

    fn set_accept_dad(node: &Node, value: &str) -> Result<()> {
        node.net_command("tee")
            .arg(Self::ACCEPT_DAD)
            .feed(&format!("set accept_dad of {}", node.name), value)
            .map(drop)
    }

    fn hold(cluster: &Cluster, verb: &str, link: &Link) -> Result<()> {
        cluster
            .underlay()
            .command("ip")
            .args(["-6", "address", verb, &format!("{}/128", link.address())])
            .args(["dev", HOLDER, "nodad"])
            .read(&format!("{verb} {} on the bridge", link.address()))
            .map(drop)
    }

    /// Whether the bridge holds the address.
    fn is_held(cluster: &Cluster, link: &Link) -> Result<bool> {
        let address = link.address().to_string();
        cluster
            .underlay()
            .command("ip")
            .args(["-6", "address", "show", "dev", HOLDER, "to", &address])
            .read("list the addresses of the bridge")
            .map(|text| text.contains(&address))
    }
}

impl FaultKind for AddressDuplicate {
    const ABOUT: About = About {
        does: "a node's IPv6 address is held by another host of its network, and the node's own one \
         has failed duplicate address detection (`dadfailed`)",
        limits: "IPv4, whose addresses the kernel doesn't check; clusters without IPv6",
    };

    type Before = Before;

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} address of {}", Family::V6, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        Outcome::fails_if(hop.family == Family::V6 && hop.needs_address_of(&self.node))
    }

    fn cut_off(&self, net: &Net) -> Option<&str> {
        (net.primary == Family::V6).then_some(&self.node)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<Before> {
        let node = cluster.node(&self.node)?;
        let text = node
            .net_command("cat")
            .arg(Self::ACCEPT_DAD)
            .read(&format!("read accept_dad of {}", node.name))?;
        Ok(Before { link: Link::of(node, Family::V6)?, accept_dad: text.trim().to_owned() })
    }

    fn inject(&self, cluster: &Cluster, before: &Before) -> Result<()> {
        let node = cluster.node(&self.node)?;
        before.link.take_off(cluster, node)?;
        Self::hold(cluster, "replace", &before.link)?;
        Self::set_accept_dad(node, "1")?;
        before.link.put_on(node, &[])?;
        wait_for(
            &format!("failed duplicate address detection on {}", node.name),
            std::time::Duration::from_secs(10),
            String::new,
            || {
                let text = node
                    .net_command("ip")
                    .args(["-6", "address", "show", "dev", "eth0", "dadfailed"])
                    .read(&format!("list the failed addresses of {}", node.name))?;
                Ok(text.contains(&before.link.address().to_string()).then_some(()))
            },
        )?;
        neighbours::forget(cluster, before.link.address())
    }

    fn revert(&self, cluster: &Cluster, before: &Before) -> Result<()> {
        let node = cluster.node(&self.node)?;
        if Self::is_held(cluster, &before.link)? {
            Self::hold(cluster, "delete", &before.link)?;
        }
        Self::set_accept_dad(node, &before.accept_dad)?;
        // A failed address stays failed: it has to go first.
        before.link.take_off(cluster, node)?;
        before.link.restore(cluster, node)
    }
}
