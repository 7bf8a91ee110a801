//! Calico's part in faults.

use std::net::IpAddr;

use super::{daemon_set::DaemonSet, tunnels};
use crate::{
    cluster::Cluster,
    cni::calico::{DAEMON_SET, NAMESPACE},
    error::Result,
    run::Run,
};

/// calico-node.
pub(super) const AGENT: DaemonSet =
    DaemonSet { namespace: NAMESPACE, name: DAEMON_SET, label: "k8s-app=calico-node" };

/// The port of its VXLAN.
pub(super) const VXLAN_PORT: u16 = 4789;

/// Waits until calico-node runs on every node and every node reaches every other's end of its tunnels.
pub(super) fn wait_until_whole(cluster: &Cluster) -> Result<()> {
    tunnels::wait_until_whole(cluster, &AGENT, &ends(cluster)?)
}

/// The addresses of the tunnels' ends, which calico-node notes on the Nodes.
fn ends(cluster: &Cluster) -> Result<Vec<IpAddr>> {
    let note = |family| {
        format!("{{.items[*].metadata.annotations.projectcalico\\.org/{family}VXLANTunnelAddr}}")
    };
    let path = format!("jsonpath={} {}", note("IPv4"), note("IPv6"));
    let text =
        cluster.kubectl()?.args(["get", "nodes", "-o", &path]).read("read the tunnels' ends")?;
    Ok(text.split_whitespace().filter_map(|end| end.parse().ok()).collect())
}
