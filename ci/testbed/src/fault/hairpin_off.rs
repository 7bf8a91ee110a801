//! Pods that can't reach themselves by their own Service.

use serde::{Deserialize, Serialize};

use super::{
    About, Sabotage,
    about::NEEDS_FAMILY,
    ruleset::{Place, Table},
};
use crate::{cluster::Cluster, error::Result, spec::Family};

/// Drops what would leave a node's pods and come back to the same pod, as a bridge does whose ports
/// are not in hairpin mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct HairpinOff {
    /// The family that is dropped.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl HairpinOff {
    /// nftables can't compare two interfaces; so each one that a packet comes from is noted as a pair
    /// with itself, and what is forwarded between such a pair is dropped.
    fn table(&self) -> Table<'_> {
        Table {
            place: Place::Node(&self.node),
            family: self.family.nft(),
            name: "hairpin-off".to_owned(),
            content: "set same {\ntype iface_index . iface_index\nsize 65535\nflags dynamic\n}\n\
                      chain prerouting {\n\
                      type filter hook prerouting priority raw; policy accept;\n\
                      iifname != \"eth0\" add @same { iif . iif }\n}\n\
                      chain forward {\n\
                      type filter hook forward priority filter; policy accept;\n\
                      iif . oif @same drop\n}"
                .to_owned(),
        }
    }
}

impl Sabotage for HairpinOff {
    const ABOUT: About = About {
        breaks: "on a node what a pod sends to a Service and gets back as its endpoint is dropped, as by a bridge without hairpin mode",
        report: "a pod of that node doesn't reach itself by its own Service in the family; all other pods reach it",
        limits: NEEDS_FAMILY,
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} hairpins on {}", self.family, self.node)
    }

    fn look(&self, cluster: &Cluster) -> Result<()> {
        cluster.node(&self.node).map(drop)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.table().add(cluster)
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.table().remove(cluster)
    }
}
