//! Web servers that listen on one family alone.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_BOTH},
    kind::FaultKind,
    kind::require_both,
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Made, Net, Outcome, Path, Port},
    run::Run,
    spec::Family,
};

/// Where an image's own files lie, inside a node, once it is unpacked.
const UNPACKED: &str = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";

/// Any of the references of the testbed's nginx: they share their layers.
const IMAGE: &str = "docker.io/library/nginx:1.27";

/// What stands in for nginx.
const WRAPPER: &str = include_str!("nginx_not_listening.sh");

/// Replaces nginx in a node's copy of its image by one that overlooks the `listen` directives of a
/// family: what people meet whose configuration says `listen 80;` and no more. It acts on
/// containers that are made from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct NginxNotListening {
    /// The family that nginx doesn't listen on.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl FaultKind for NginxNotListening {
    const ABOUT: About = About {
        does: "nginx on a node ignores the `listen` directives of the family, whatever its configuration says: containers made from then on",
        limits: NEEDS_BOTH,
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the nginx image of {}", self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let flow = path.flow().filter(|flow| flow.family == self.family)?;
        let asks = flow.target.pod() == Some(&self.node) && flow.port == Port::Web;
        (asks && flow.made == Made::After).then_some(Outcome::Refused)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        require_both(cluster)?;
        cluster.node(&self.node).map(drop)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        let node = cluster.node(&self.node)?;
        // A node that has it already has nothing to do.
        node.command("ctr")
            .args(["--namespace", "k8s.io", "images", "pull"])
            .args(["--hosts-dir", "/etc/containerd/certs.d", IMAGE])
            .read(&format!("pull {IMAGE} on {}", node.name))?;
        // At every moment there is a file of this name. The wrapper comes on the standard input.
        let script = format!(
            "set -e\nwrapper=$(cat)\nfor nginx in {UNPACKED}/*/fs/usr/sbin/nginx; do\n\
             [ -e \"$nginx\" ] || continue\n\
             [ -e \"$nginx.real\" ] || ln \"$nginx\" \"$nginx.real\"\n\
             printf '%s\\n' \"$wrapper\" >\"$nginx.new\"\n\
             chmod 755 \"$nginx.new\"\nmv \"$nginx.new\" \"$nginx\"\ndone"
        );
        node.command("sh")
            .args(["-c", &script])
            .feed(
                &format!("replace nginx on {}", node.name),
                &WRAPPER.replace("FAMILY", self.family.nft()),
            )
            .map(drop)
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        let node = cluster.node(&self.node)?;
        let script = format!(
            "set -e\nfor real in {UNPACKED}/*/fs/usr/sbin/nginx.real; do\n[ -e \"$real\" ] || continue\n\
             rm -f \"${{real%.real}}.new\"\nmv \"$real\" \"${{real%.real}}\"\ndone"
        );
        node.command("sh")
            .args(["-c", &script])
            .read(&format!("put nginx back on {}", node.name))
            .map(drop)
    }
}
