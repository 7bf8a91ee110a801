//! A missing route between two nodes.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    kind::FaultKind,
    routes::{self, Route},
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Hop, Outcome},
    spec::Family,
};

/// Takes away a node's routes to the pods of one other node. Answers to what comes from there are
/// lost too, since they need the same route.
///
/// The node says at once that there is no way, as one without a default route does. The testbed's
/// nodes have one, so an unreachable route stands in for the missing one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct RouteMissing {
    /// The family whose routes are missing.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node that loses the routes.
    #[arg(long)]
    pub node: String,
    /// The node whose pods it can't reach.
    #[arg(long)]
    pub to: String,
}

impl FaultKind for RouteMissing {
    const ABOUT: About = About {
        does: "a node has no route of the family to the pods of another node",
        limits: NEEDS_FAMILY,
    };

    type Before = Vec<Route>;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned(), to: "n3".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} routes from {} to {}", self.family, self.node, self.to)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let needs = hop.from.is(&self.node) && hop.destination.is_pod_on(&self.to);
        Outcome::fails_if(hop.family == self.family && needs)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<Self::Before> {
        let (node, to) = (cluster.node(&self.node)?, cluster.node(&self.to)?);
        let hop = to.address(self.family).map(|address| address.to_string());
        let routes = match hop {
            Some(hop) => routes::list(node, self.family, &["via", &hop])?,
            None => Vec::new(),
        };
        if routes.is_empty() {
            return Err(Error::Invalid(format!(
                "{} has no {} route to the pods of {}: there is nothing to take away",
                self.node, self.family, self.to
            )));
        }
        Ok(routes)
    }

    fn inject(&self, cluster: &Cluster, before: &Self::Before) -> Result<()> {
        routes::bar(cluster.node(&self.node)?, self.family, before)
    }

    fn revert(&self, cluster: &Cluster, before: &Self::Before) -> Result<()> {
        routes::restore(cluster.node(&self.node)?, self.family, before)
    }
}
