//! What a node's own processes are told.

use std::{net::IpAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::cgroup::Hierarchies;

/// The PATH of everything that runs in a node.
pub(crate) const PATH: &str =
    "/opt/testbed/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a node's own processes need to know to boot it: `boot.json` in its directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BootPlan {
    /// The node's name and hostname.
    pub name: String,
    /// The node's directory on the machine.
    pub dir: PathBuf,
    /// The read-only layer below the node's own files.
    pub rootfs: PathBuf,
    /// Kubernetes' and containerd's programs.
    pub bin: PathBuf,
    /// The CNI plugins.
    pub cni_bin: PathBuf,
    /// The sandbox image's reference.
    pub sandbox_image: String,
    /// `host:port` of the registry.
    pub registry: String,
    /// Where name queries for the outside world go.
    pub resolver: IpAddr,
    /// The lines of /etc/hosts.
    pub hosts: Vec<(IpAddr, String)>,
    /// The machine's hierarchies of control groups.
    pub cgroups: Hierarchies,
}
