//! A node without a default route.

use serde::{Deserialize, Serialize};

use super::{
    About, Sabotage,
    about::NEEDS_FAMILY,
    routes::{self, Route},
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    spec::Family,
};

/// Deletes a node's default routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct DefaultRouteLost {
    /// The family whose default route is lost.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Sabotage for DefaultRouteLost {
    const ABOUT: About = About {
        breaks: "a node has no default route of the family",
        report: "ClusterIPs of the family are unreachable from the node itself (host network), since nothing is sent that could be translated; pods reach them, and reach each other",
        limits: NEEDS_FAMILY,
    };

    type Before = Vec<Route>;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} default route of {}", self.family, self.node)
    }

    fn look(&self, cluster: &Cluster) -> Result<Self::Before> {
        let routes = routes::list(cluster.node(&self.node)?, self.family, &["default"])?;
        if routes.is_empty() {
            return Err(Error::Invalid(format!(
                "{} has no {} default route to lose",
                self.node, self.family
            )));
        }
        Ok(routes)
    }

    fn inject(&self, cluster: &Cluster, before: &Self::Before) -> Result<()> {
        routes::remove(cluster.node(&self.node)?, self.family, before)
    }

    fn revert(&self, cluster: &Cluster, before: &Self::Before) -> Result<()> {
        routes::restore(cluster.node(&self.node)?, self.family, before)
    }
}
