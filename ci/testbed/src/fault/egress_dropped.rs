//! Pods that don't get out of the cluster.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, chain, pod_range},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Address, Hop, Outcome},
    spec::Family,
};

/// Drops what pods of a node send out of the cluster in a family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct EgressDropped {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for EgressDropped {
    const ABOUT: About = About {
        does: "what pods of a node send out of the cluster in the family is dropped",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} egress of {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let leaves = hop.is_sent_by_pod_of(&self.node) && hop.destination == Address::Outside;
        Outcome::fails_if(hop.family == self.family && leaves)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let family = self.family.nft();
        let inside = cluster.nodes().iter().filter_map(|node| node.address(self.family));
        let inside: Vec<String> = inside.map(|address| address.to_string()).collect();
        let rule = format!(
            "iifname != \"eth0\" oifname \"eth0\" ct direction original {family} daddr != {} \
             {family} daddr != {{ {} }} drop",
            pod_range(cluster, self.family)?,
            inside.join(", ")
        );
        let chain = chain("forward", "filter", &rule);
        Ok(vec![Table::on(cluster, &self.node, self.family, "egress-dropped", chain)?])
    }
}
