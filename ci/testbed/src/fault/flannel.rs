//! flannel's part in faults.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{daemon_set::DaemonSet, tunnels};
use crate::{
    cluster::Cluster,
    cni::flannel::{DAEMON_SET, NAMESPACE},
    error::Result,
    run::Run,
};

/// flanneld.
pub(super) const AGENT: DaemonSet =
    DaemonSet { namespace: NAMESPACE, name: DAEMON_SET, label: "app=flannel" };

/// Where flanneld tells the CNI plugin of the node's ranges.
pub(super) const SUBNETS: &str = "/run/flannel/subnet.env";

/// Waits until flannel runs on every node and every node reaches every other's end of its tunnel.
pub(super) fn wait_until_whole(cluster: &Cluster) -> Result<()> {
    tunnels::wait_until_whole(cluster, &AGENT, &ends(cluster)?)
}

/// The addresses of the tunnels' ends, the first of each node's ranges.
fn ends(cluster: &Cluster) -> Result<Vec<IpAddr>> {
    let get = ["get", "nodes", "-o", "jsonpath={.items[*].spec.podCIDRs[*]}"];
    let text = cluster.kubectl()?.args(get).read("read the nodes' pod ranges")?;
    let ranges = text.split_whitespace().filter_map(|range| range.parse::<IpNet>().ok());
    Ok(ranges.map(|range| range.network()).collect())
}
