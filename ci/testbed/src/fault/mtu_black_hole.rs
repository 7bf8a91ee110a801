//! A way between two nodes on which large packets vanish.

use serde::{Deserialize, Serialize};

use super::{
    About, Sabotage,
    ruleset::{Place, Table},
};
use crate::{cluster::Cluster, error::Result, spec::Family};

/// Drops packets over 1,280 bytes, IPv6's least MTU, on the bridge between two nodes. Nobody is
/// told, as behind a firewall that blocks ICMP's "too big".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct MtuBlackHole {
    /// The family whose packets are dropped.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The one node.
    #[arg(long)]
    pub node: String,
    /// The other one.
    #[arg(long)]
    pub to: String,
}

impl MtuBlackHole {
    fn table(&self) -> Table<'_> {
        let (one, other, family) = (&self.node, &self.to, self.family.nft());
        let rule = |from: &str, to: &str| {
            format!(
                "iifname \"{from}\" oifname \"{to}\" ether type {family} meta length > 1280 drop"
            )
        };
        Table {
            place: Place::Underlay,
            family: "bridge",
            name: format!("mtu-black-hole-{family}-{one}-{other}"),
            content: format!(
                "chain forward {{\ntype filter hook forward priority filter;\n{}\n{}\n}}",
                rule(one, other),
                rule(other, one)
            ),
        }
    }
}

impl Sabotage for MtuBlackHole {
    const ABOUT: About = About {
        breaks: "between two nodes packets of the family over 1280 bytes vanish, and nobody is told",
        report: "between pods of the two nodes small messages arrive in the family and large ones stall, in both directions",
        limits: "clusters without the family; kernels without CONFIG_NF_TABLES_BRIDGE: nft says so",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned(), to: "n3".to_owned() })
    }

    fn touches(&self) -> String {
        let mut nodes = [self.node.as_str(), self.to.as_str()];
        nodes.sort_unstable();
        format!("large {} packets between {}", self.family, nodes.join(" and "))
    }

    fn look(&self, cluster: &Cluster) -> Result<()> {
        cluster.node(&self.node)?;
        cluster.node(&self.to).map(drop)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.table().add(cluster)
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.table().remove(cluster)
    }
}
