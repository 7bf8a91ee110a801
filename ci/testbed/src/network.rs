//! Which pod networks there are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The pod network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Cni {
    /// The testbed's own: a routed veth per pod, static routes between the nodes.
    #[default]
    Ptp,
    /// flannel, with its backend vxlan in both families.
    Flannel,
    /// Calico, with VXLAN in both families and its own IPAM.
    Calico,
}

impl fmt::Display for Cni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ptp => "ptp",
            Self::Flannel => "flannel",
            Self::Calico => "calico",
        })
    }
}
