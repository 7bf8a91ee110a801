//! The API server's Service, dropped on a node.

use serde::{Deserialize, Serialize};

use super::{
    about::About,
    filter::Filter,
    ruleset::{Table, chain, service_range},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{By, Hop, Outcome, Port},
    spec::Family,
};

/// Drops what a node's pods and processes send to the ClusterIP of the Service `kubernetes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct KubernetesServiceDropped {
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for KubernetesServiceDropped {
    const ABOUT: About = About {
        does: "what pods and processes of a node send to the ClusterIP of the Service `kubernetes` is dropped",
        limits: "",
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the Service kubernetes on {}", self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let asked = hop.asked == Some(By::ClusterIp) && hop.from.is(&self.node);
        Outcome::fails_if(asked && hop.port == Port::Api)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let family = cluster.record().spec.primary();
        // It has the first address of its family's range.
        let range = service_range(cluster, family)?;
        let first = range.hosts().next().unwrap_or_else(|| range.network());
        let rule = format!("{} daddr {first} drop", family.nft());
        let chains = ["prerouting", "output"].map(|hook| chain(hook, "raw", &rule)).join("\n");
        Ok(vec![Table::on(cluster, &self.node, family, "kubernetes-service-dropped", chains)?])
    }
}
