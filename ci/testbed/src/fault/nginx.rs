//! The nginx in a node's copy of its image, and what stands in for it. It acts on containers that are made from
//! then on.

use crate::{error::Result, node::Node, run::Run};

/// Where an image's own files lie, inside a node, once it is unpacked.
const UNPACKED: &str = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";

/// Any of the references of the testbed's nginx: they share their layers.
const IMAGE: &str = "docker.io/library/nginx:1.27";

/// Replaces it by a script, which finds the real one at `/usr/sbin/nginx.real`.
pub(super) fn replace(node: &Node, wrapper: &str) -> Result<()> {
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
        .feed(&format!("replace nginx on {}", node.name), wrapper)
        .map(drop)
}

/// Puts it back.
pub(super) fn restore(node: &Node) -> Result<()> {
    let script = format!(
        "set -e\nfor real in {UNPACKED}/*/fs/usr/sbin/nginx.real; do\n[ -e \"$real\" ] || continue\n\
         rm -f \"${{real%.real}}.new\"\nmv \"$real\" \"${{real%.real}}\"\ndone"
    );
    node.command("sh")
        .args(["-c", &script])
        .read(&format!("put nginx back on {}", node.name))
        .map(drop)
}
