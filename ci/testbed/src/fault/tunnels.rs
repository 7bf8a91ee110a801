//! Whether a pod network of others is whole: its agent runs everywhere, and nodes reach each other's end
//! of its tunnels.

use std::{net::IpAddr, time::Duration};

use super::daemon_set::DaemonSet;
use crate::{
    cluster::Cluster,
    error::Result,
    node::Node,
    run::{Run, wait_for},
    spec::Family,
};

/// How long an agent may take to tell the others.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until an agent runs on every node and every node reaches each of these ends of tunnels.
pub(super) fn wait_until_whole(
    cluster: &Cluster,
    agent: &DaemonSet,
    ends: &[IpAddr],
) -> Result<()> {
    agent.wait_until_ready(cluster)?;
    wait_for("tunnels carrying", PATIENCE, String::new, || {
        let nodes = cluster.nodes().iter();
        let reached = nodes.into_iter().all(|node| ends.iter().all(|end| reaches(node, *end)));
        Ok(reached.then_some(()))
    })
}

fn reaches(node: &Node, end: IpAddr) -> bool {
    let flag = Family::of(end).ip_flag();
    let mut ping = node.command("ping");
    ping.args([flag, "-c1", "-W1", "-q", &end.to_string()]);
    ping.read(&format!("reach {end} from {}", node.name)).is_ok()
}
