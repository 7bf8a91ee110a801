//! Missing routes between two nodes, in both directions.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    kind::FaultKind,
    route_missing::RouteMissing,
    routes::Route,
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Hop, Outcome},
    spec::Family,
};

/// Takes away the routes of each of two nodes to the other's pods: [`RouteMissing`] twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct RoutesMissing {
    /// The family whose routes are missing.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The one node.
    #[arg(long)]
    pub node: String,
    /// The other one.
    #[arg(long)]
    pub to: String,
}

impl RoutesMissing {
    fn ways(&self) -> [RouteMissing; 2] {
        let way = |node: &str, to: &str| RouteMissing {
            family: self.family,
            node: node.to_owned(),
            to: to.to_owned(),
        };
        [way(&self.node, &self.to), way(&self.to, &self.node)]
    }
}

impl FaultKind for RoutesMissing {
    const ABOUT: About = About {
        does: "neither of two nodes has a route of the family to the other's pods",
        limits: NEEDS_FAMILY,
    };

    /// The routes of the one and of the other.
    type Before = [Vec<Route>; 2];

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned(), to: "n3".to_owned() })
    }

    fn touches(&self) -> String {
        let [there, _] = self.ways();
        there.touches()
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        Outcome::all(self.ways().iter().map(|way| way.hop(hop)))
    }

    fn read_state(&self, cluster: &Cluster) -> Result<Self::Before> {
        let [there, back] = self.ways();
        Ok([there.read_state(cluster)?, back.read_state(cluster)?])
    }

    fn inject(&self, cluster: &Cluster, before: &Self::Before) -> Result<()> {
        self.ways().iter().zip(before).try_for_each(|(way, routes)| way.inject(cluster, routes))
    }

    fn revert(&self, cluster: &Cluster, before: &Self::Before) -> Result<()> {
        self.ways().iter().zip(before).try_for_each(|(way, routes)| way.revert(cluster, routes))
    }
}
