//! Web servers whose processes stand still.

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind, nginx};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Made, Net, Outcome, Path, Port},
    spec::Family,
};

/// What stands in for nginx.
const WRAPPER: &str = include_str!("nginx_hung.sh");

/// Replaces nginx in a node's copy of its image by one whose processes are stopped (SIGSTOP) as soon as they listen:
/// the kernel opens connections for it, and nobody answers. It acts on containers that are made from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct NginxHung {
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl FaultKind for NginxHung {
    const ABOUT: About = About {
        does: "nginx on a node listens and is stopped (SIGSTOP): connections are opened, and nobody \
         answers: containers made from then on",
        limits: "",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the nginx image of {}", self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let flow = path.flow()?;
        let asks = flow.target.pod() == Some(&self.node) && flow.port == Port::Web;
        (asks && flow.made == Made::After).then_some(Outcome::Fails)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        cluster.node(&self.node).map(drop)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        nginx::replace(cluster.node(&self.node)?, WRAPPER)
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        nginx::restore(cluster.node(&self.node)?)
    }
}
