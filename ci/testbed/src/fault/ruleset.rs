//! Packets dropped: an nftables table of the fault's own, on a node or in the underlay.

use crate::{cluster::Cluster, error::Result, run::Run};

/// Whose packets a table sees.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// A node's.
    Node(&'a str),
    /// Those that the bridge passes on between the nodes.
    Underlay,
}

/// A table that a fault adds.
#[derive(Clone, Debug)]
pub(super) struct Table<'a> {
    pub(super) place: Place<'a>,
    /// nftables' word for what the table sees, such as `ip6`, `arp` or `bridge`.
    pub(super) family: &'static str,
    /// The table's name, which no other fault uses in the same place and family.
    pub(super) name: String,
    /// Its sets and chains.
    pub(super) content: String,
}

impl Table<'_> {
    /// Adds the table, or replaces it.
    pub(super) fn add(&self, cluster: &Cluster) -> Result<()> {
        let (id, content) = (format!("{} {}", self.family, self.name), &self.content);
        self.run(cluster, &replacement(&format!("table {id} {{\n{content}\n}}\n"), &id))
    }

    /// Removes the table, if it is there.
    pub(super) fn remove(&self, cluster: &Cluster) -> Result<()> {
        self.run(cluster, &replacement("", &format!("{} {}", self.family, self.name)))
    }

    fn run(&self, cluster: &Cluster, text: &str) -> Result<()> {
        let (mut command, place) = match self.place {
            Place::Node(name) => (cluster.node(name)?.command("nft"), name),
            Place::Underlay => {
                (cluster.underlay().nft(&cluster.node("n1")?.process.root()), "the bridge")
            }
        };
        let what = format!("change the rules of {} on {place}", self.name);
        command.args(["-f", "-"]).feed(&what, text).map(drop)
    }
}

/// The text for `nft -f` that puts a table in another's place; declaring it first makes its
/// deletion work where there is none.
pub(super) fn replacement(table: &str, id: &str) -> String {
    format!("table {id}\ndelete table {id}\n{table}")
}
