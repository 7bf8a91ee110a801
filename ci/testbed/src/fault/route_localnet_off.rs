//! A node that keeps 127.0.0.1 to its own loopback interface.

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Net, Outcome, Path},
    run::Run,
    spec::{Family, ProxyMode},
};

/// Where the kernel has it.
const SETTING: &str = "/proc/sys/net/ipv4/conf/all/route_localnet";

/// Resets what kube-proxy sets when it starts, as a hardening profile does that is applied later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct RouteLocalnetOff {
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl RouteLocalnetOff {
    fn set(&self, cluster: &Cluster, value: &str) -> Result<()> {
        let node = cluster.node(&self.node)?;
        let what = format!("set route_localnet of {}", self.node);
        node.net_command("tee").arg(SETTING).feed(&what, value).map(drop)
    }
}

impl FaultKind for RouteLocalnetOff {
    const ABOUT: About = About {
        does: "a node has `net.ipv4.conf.all.route_localnet=0`, which kube-proxy had set to 1: its \
         NodePorts don't answer at 127.0.0.1",
        limits: "clusters without IPv4; kube-proxy's modes other than iptables",
    };

    /// The setting's value.
    type Before = String;

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("route_localnet of {}", self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let Path::LoopbackNodePort { node } = path else { return None };
        (*node == self.node).then_some(Outcome::Fails)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<String> {
        let spec = &cluster.record().spec;
        if spec.proxy_mode != ProxyMode::Iptables || !spec.pod_families().contains(&Family::V4) {
            return Err(Error::Invalid(
                "kube-proxy opens NodePorts at 127.0.0.1 in mode iptables and over IPv4 alone"
                    .to_owned(),
            ));
        }
        let node = cluster.node(&self.node)?;
        let what = format!("read route_localnet of {}", self.node);
        Ok(node.net_command("cat").arg(SETTING).read(&what)?.trim().to_owned())
    }

    fn inject(&self, cluster: &Cluster, _: &String) -> Result<()> {
        self.set(cluster, "0")
    }

    fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.set(cluster, before)
    }
}
