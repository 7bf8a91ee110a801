//! Packets dropped on a node: an nftables table of the fault's own.

use crate::{cluster::Cluster, error::Result, run::Run, spec::Family};

/// A table that a fault adds to a node.
#[derive(Clone, Debug)]
pub(super) struct Table<'a> {
    pub(super) node: &'a str,
    pub(super) family: Family,
    /// The table's name, which no other fault uses on the same node in the same family.
    pub(super) name: &'static str,
    /// Its chains.
    pub(super) chains: String,
}

impl Table<'_> {
    fn id(&self) -> String {
        format!("{} {}", self.family.nft(), self.name)
    }

    /// Adds the table, or replaces it.
    pub(super) fn add(&self, cluster: &Cluster) -> Result<()> {
        let (id, chains) = (self.id(), &self.chains);
        // Declaring the table first makes its deletion work where there is none.
        let text = format!("table {id}\ndelete table {id}\ntable {id} {{\n{chains}\n}}\n");
        let what = format!("add the rules of {} on {}", self.name, self.node);
        cluster.node(self.node)?.command("nft").args(["-f", "-"]).feed(&what, &text).map(drop)
    }

    /// Removes the table, if it is there.
    pub(super) fn remove(&self, cluster: &Cluster) -> Result<()> {
        let id = self.id();
        let text = format!("table {id}\ndelete table {id}\n");
        let what = format!("remove the rules of {} on {}", self.name, self.node);
        cluster.node(self.node)?.command("nft").args(["-f", "-"]).feed(&what, &text).map(drop)
    }
}
