//! A node that forwards no packets of one family.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    kind::FaultKind,
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome},
    run::Run,
    spec::Family,
};

/// Switches a node's forwarding off, and keeps it off.
///
/// The `ptp` plugin would switch it on again with the next pod, as every plugin of the CNI project
/// does. On a node whose network plugin doesn't, or whose administrator's tools reset it, it stays
/// off; so the plugin is shown a file that says it is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ForwardingOff {
    /// The family that is not forwarded.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl ForwardingOff {
    /// The setting's file. It is that of the network namespace of whoever opens it.
    const fn setting(&self) -> &'static str {
        match self.family {
            Family::V4 => "/proc/sys/net/ipv4/ip_forward",
            Family::V6 => "/proc/sys/net/ipv6/conf/all/forwarding",
        }
    }

    /// Sets it, past whatever hides the file from the node's own programs.
    fn set(&self, cluster: &Cluster, value: &str) -> Result<()> {
        let node = cluster.node(&self.node)?;
        node.net_command("tee")
            .arg(self.setting())
            .feed(&format!("set the {} forwarding of {}", self.family, node.name), value)
            .map(drop)
    }

    /// Hides the file from the node's own programs, or shows it again.
    fn hide(&self, cluster: &Cluster, hidden: bool) -> Result<()> {
        let node = cluster.node(&self.node)?;
        let file = format!("/run/testbed/forwarding-{}", self.family.nft());
        let setting = self.setting();
        let mut script = format!("while umount {setting} 2>/dev/null; do :; done; rm -f {file}");
        if hidden {
            script += &format!("; echo 1 >{file} && mount --bind {file} {setting}");
        }
        node.command("sh")
            .args(["-c", &script])
            .read(&format!("hide {setting} in {}", node.name))
            .map(drop)
    }
}

impl FaultKind for ForwardingOff {
    const ABOUT: About = About {
        does: "a node forwards no packets of the family (`net.ipv6.conf.all.forwarding=0`, or \
         `net.ipv4.ip_forward=0`), and the CNI plugin doesn't switch it on again",
        limits: NEEDS_FAMILY,
    };

    /// The setting's value.
    type Before = String;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} forwarding of {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        Outcome::fails_if(hop.family == self.family && hop.is_forwarded_by(&self.node))
    }

    fn read_state(&self, cluster: &Cluster) -> Result<String> {
        let text = cluster
            .node(&self.node)?
            .net_command("cat")
            .arg(self.setting())
            .read(&format!("read the {} forwarding of {}", self.family, self.node))?;
        Ok(text.trim().to_owned())
    }

    fn inject(&self, cluster: &Cluster, _: &String) -> Result<()> {
        self.set(cluster, "0")?;
        self.hide(cluster, true)
    }

    fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.hide(cluster, false)?;
        self.set(cluster, before)
    }
}
