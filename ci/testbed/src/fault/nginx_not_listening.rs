//! Web servers that listen on one family alone.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_BOTH},
    kind::FaultKind,
    kind::require_both,
    nginx,
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Made, Net, Outcome, Path, Port},
    spec::Family,
};

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
        does: "nginx on a node ignores the `listen` directives of the family, whatever its \
         configuration says: containers made from then on",
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
        nginx::replace(cluster.node(&self.node)?, &WRAPPER.replace("FAMILY", self.family.nft()))
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        nginx::restore(cluster.node(&self.node)?)
    }
}
