//! Pods whose interface lacks the address that their status shows.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_BOTH},
    kind::{FaultKind, require_both},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Made, Net, Outcome, Path},
    run::Run,
    spec::Family,
};

/// The plugin that gives pods their interface.
const PLUGIN: &str = "/opt/cni/bin/ptp";

/// The script that is shown in the plugin's place: it does what the plugin does, tells what the
/// plugin told, and takes the addresses of a family off in between.
const WRAPPER: &str = r#"#!/bin/sh
told=$(/run/testbed/ptp.real) || { code=$?; printf '%s' "$told"; exit $code; }
if [ "$CNI_COMMAND" = ADD ]; then
    nsenter --net="$CNI_NETNS" ip FLAG address flush dev "$CNI_IFNAME" scope global
fi
printf '%s' "$told"
"#;

/// Lets pods of a node that are made from then on lose the address of a family from `eth0`, while
/// their status shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct PodInterfaceBare {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl PodInterfaceBare {
    fn run(&self, cluster: &Cluster, script: &str, input: &str) -> Result<()> {
        let node = cluster.node(&self.node)?;
        let what = format!("change the CNI plugin of {}", node.name);
        node.command("sh").args(["-c", script]).feed(&what, input).map(drop)
    }
}

impl FaultKind for PodInterfaceBare {
    const ABOUT: About = About {
        does: "pods of a node that are made from then on lose the address of the family from `eth0`, while their status shows it",
        limits: NEEDS_BOTH,
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        // Without its IPv4 address a pod has no route of that family either, and never gets ready.
        (family == Some(Family::V6)).then(|| Self { family: Family::V6, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the CNI plugin of {}", self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let flow = path.flow().filter(|flow| flow.family == self.family)?;
        let ends = [flow.client.pod(), flow.target.pod()];
        let bare = flow.made == Made::After && ends.contains(&Some(&self.node));
        bare.then_some(Outcome::Fails)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        require_both(cluster)?;
        cluster.node(&self.node).map(drop)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.revert(cluster, &())?;
        let script = format!(
            "set -e; cp {PLUGIN} /run/testbed/ptp.real; cat >/run/testbed/ptp; \
             chmod 755 /run/testbed/ptp; mount --bind /run/testbed/ptp {PLUGIN}"
        );
        self.run(cluster, &script, &WRAPPER.replace("FLAG", self.family.ip_flag()))
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        let script = format!(
            "while umount {PLUGIN} 2>/dev/null; do :; done; rm -f /run/testbed/ptp /run/testbed/ptp.real"
        );
        self.run(cluster, &script, "")
    }
}
