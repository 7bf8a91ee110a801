//! The root file system of nodes, from which images take their programs too: Debian's own packages,
//! as few as do.

use std::path::PathBuf;

use super::debian::Debian;
use crate::{cache::Cache, error::Result, progress::Progress};

/// What is installed beside Debian's essential packages. The network's tools are those that
/// kubelet, kube-proxy and the CNI plugins call; nginx, envsubst (gettext-base) and curl go into
/// images.
const PACKAGES: &[&str] = &[
    "ca-certificates",
    "conntrack",
    "curl",
    "ebtables",
    "ethtool",
    "gettext-base",
    "ipset",
    "iproute2",
    "iptables",
    "iputils-ping",
    "kmod",
    "libnginx-mod-stream",
    "mount",
    "nftables",
    "nginx",
    "procps",
    "socat",
    "tcpdump",
    "tini",
    // An empty package: without it its alternative is taken, which brings the whole of Perl.
    "usr-is-merged",
];

/// The artefact with the file system at `root` and the list of its packages at `packages.txt`.
pub(super) fn build(debian: &Debian, cache: &Cache, progress: &dyn Progress) -> Result<PathBuf> {
    let key = debian.key("rootfs", include_str!("rootfs.rs"));
    let step = format!("root file system of {}", debian.codename());
    cache.artefact("rootfs", &key, &step, progress, |build| debian.root(build, PACKAGES).map(drop))
}
