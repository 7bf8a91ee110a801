//! DNS servers that answer over one family alone.

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

/// Refuses what is sent over one family to the DNS port of a pod, on every node: as if CoreDNS
/// listened on the other family alone (`bind 0.0.0.0`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct DnsFamilyRefused {
    /// The family over which no DNS server answers.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl DnsFamilyRefused {
    fn tables<'a>(&self, cluster: &'a Cluster) -> Result<Vec<Table<'a>>> {
        let ranges = &cluster.record().spec.pod_cidrs;
        let range =
            ranges.iter().find(|r| Family::of_range(r) == self.family).ok_or_else(|| {
                Error::Invalid(format!("the cluster has no {} pods to refuse", self.family))
            })?;
        let family = self.family.nft();
        let chain = |hook: &str| {
            format!(
                "chain {hook} {{\ntype filter hook {hook} priority filter; policy accept;\n\
                 {family} daddr {range} tcp dport 53 reject with tcp reset\n\
                 {family} daddr {range} udp dport 53 reject\n}}"
            )
        };
        let content = format!("{}\n{}", chain("forward"), chain("output"));
        let table = |node: &'a crate::node::Node| Table {
            place: Place::Node(&node.name),
            family,
            name: "dns-family-refused".to_owned(),
            content: content.clone(),
        };
        Ok(cluster.nodes().iter().map(table).collect())
    }
}

impl Sabotage for DnsFamilyRefused {
    const ABOUT: About = About {
        breaks: "DNS servers refuse what comes over the family, as if CoreDNS listened on the other one alone",
        report: "names resolve, in both families, only by servers that are asked over the other family; where kube-dns has a ClusterIP of this family alone, no name resolves",
        limits: NEEDS_FAMILY,
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family })
    }

    fn touches(&self) -> String {
        format!("DNS over {}", self.family)
    }

    fn look(&self, cluster: &Cluster) -> Result<()> {
        self.tables(cluster).map(drop)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.tables(cluster)?.iter().try_for_each(|table| table.add(cluster))
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.tables(cluster)?.iter().try_for_each(|table| table.remove(cluster))
    }
}
