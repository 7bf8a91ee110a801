//! ClusterIPs of one family dropped on a node.

use serde::{Deserialize, Serialize};

use super::{
    About, Sabotage,
    about::NEEDS_FAMILY,
    ruleset::{Place, Table},
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    spec::Family,
};

/// Drops what pods and processes of a node send to a ClusterIP, before kube-proxy's rules see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ClusterIpDropped {
    /// The family that is dropped.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl ClusterIpDropped {
    fn table(&self, cluster: &Cluster) -> Result<Table<'_>> {
        let ranges = &cluster.record().spec.service_cidrs;
        let range =
            ranges.iter().find(|r| Family::of_range(r) == self.family).ok_or_else(|| {
                Error::Invalid(format!("the cluster has no {} Service range to drop", self.family))
            })?;
        let chain = |hook: &str| {
            format!(
                "chain {hook} {{\ntype filter hook {hook} priority raw; policy accept;\n\
                 {} daddr {range} drop\n}}",
                self.family.nft()
            )
        };
        Ok(Table {
            place: Place::Node(&self.node),
            family: self.family.nft(),
            name: "cluster-ip-dropped".to_owned(),
            content: format!("{}\n{}", chain("prerouting"), chain("output")),
        })
    }
}

impl Sabotage for ClusterIpDropped {
    const ABOUT: About = About {
        breaks: "what pods and processes of a node send to ClusterIPs of the family is dropped before kube-proxy's rules",
        report: "ClusterIPs of the family time out from that node; pods answer by their own addresses",
        limits: NEEDS_FAMILY,
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} ClusterIPs on {}", self.family, self.node)
    }

    fn look(&self, cluster: &Cluster) -> Result<()> {
        self.table(cluster)?;
        cluster.node(&self.node).map(drop)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.table(cluster)?.add(cluster)
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.table(cluster)?.remove(cluster)
    }
}
