//! Neighbour caches, where they would hide a fault, or its end, for half a minute.

use std::{net::IpAddr, process::Command};

use crate::{cluster::Cluster, error::Result, node::Node, run::Run, spec::Family};

/// Makes everyone forget who holds an address of the underlay: every node, the bridge and the
/// machine outside.
pub(super) fn forget(cluster: &Cluster, address: IpAddr) -> Result<()> {
    let nodes = cluster.nodes().iter().map(|node| node.net_command("ip"));
    let others = [cluster.underlay().command("ip"), Command::new("ip")];
    for mut ip in nodes.chain(others) {
        ip.args([Family::of(address).ip_flag(), "neigh", "flush", "to", &address.to_string()])
            .read(&format!("forget the neighbour {address}"))?;
    }
    Ok(())
}

/// Makes a node forget all its neighbours of one family on the underlay.
pub(super) fn forget_all(node: &Node, family: Family) -> Result<()> {
    node.net_command("ip")
        .args([family.ip_flag(), "neigh", "flush", "dev", "eth0"])
        .read(&format!("forget the {family} neighbours of {}", node.name))
        .map(drop)
}
