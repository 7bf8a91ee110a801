//! A node that does not reach its own address.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::{Table, chain},
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Hop, Net, Outcome, Path},
    spec::Family,
};

/// Drops what a node's own processes send to the node's own address in a family, as firewalls do that
/// trust the loopback interface in the rules of one family alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct OwnAddressDropped {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for OwnAddressDropped {
    const ABOUT: About = About {
        does: "what a node's own processes send to the node's own address in the family is dropped \
         on the loopback interface; everybody else reaches it",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} from the processes of {} to its own address", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let own = hop.is_sent_by_processes_of(&self.node) && hop.is_for_processes_of(&self.node);
        Outcome::fails_if(hop.family == self.family && own)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        // What kube-proxy says of itself is asked for by a pod in the network of its own node.
        let health = Path::ProxyHealth { node: self.node.clone(), family: self.family };
        (*path == health).then_some(Outcome::Unseen)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        let address = cluster.node(&self.node)?.address(self.family).ok_or_else(|| {
            Error::Invalid(format!("{} has no {} address", self.node, self.family))
        })?;
        let rule = format!("iifname \"lo\" {} daddr {address} drop", self.family.nft());
        let chain = chain("input", "filter - 10", &rule);
        Ok(vec![Table::on(cluster, &self.node, self.family, "own-address-dropped", chain)?])
    }
}
