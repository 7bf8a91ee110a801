//! A node without a default route.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    kind::FaultKind,
    routes::{self, Route},
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{By, Client, Net, Outcome, Path},
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

impl FaultKind for DefaultRouteLost {
    const ABOUT: About =
        About { does: "a node has no default route of the family", limits: NEEDS_FAMILY };

    type Before = Vec<Route>;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} default route of {}", self.family, self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        // What the node itself sends to a ClusterIP needs a route before it is translated.
        let flow = path.flow().filter(|flow| flow.family == self.family)?;
        let needs = flow.client == Client::Host(self.node.clone()) && flow.by == By::ClusterIp;
        needs.then_some(Outcome::Fails)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<Self::Before> {
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
