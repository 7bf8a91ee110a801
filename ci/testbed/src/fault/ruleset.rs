//! Packets dropped: an nftables table of the fault's own, on a node or in the underlay.

use crate::{
    cluster::Cluster,
    error::{Error, Result},
    run::Run,
    spec::Family,
};

/// Whose packets a table sees.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A node's.
    Node(String),
    /// Those that the bridge passes on between the nodes.
    Underlay,
}

/// A table that a fault adds.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) place: Place,
    /// nftables' word for what the table sees, such as `ip6`, `arp` or `bridge`.
    pub(super) family: &'static str,
    /// The table's name, which no other fault uses in the same place and family.
    pub(super) name: String,
    /// Its sets and chains.
    pub(super) content: String,
}

impl Table {
    /// A table of one family on a node, which must be there.
    pub(super) fn on(
        cluster: &Cluster,
        node: &str,
        family: Family,
        name: &str,
        content: impl Into<String>,
    ) -> Result<Self> {
        cluster.node(node)?;
        Ok(Self {
            place: Place::Node(node.to_owned()),
            family: family.nft(),
            name: name.to_owned(),
            content: content.into(),
        })
    }

    /// A table on the bridge between nodes, which must be there. Its rules see what is passed on.
    pub(super) fn between(
        cluster: &Cluster,
        nodes: [&str; 2],
        name: String,
        rules: &str,
    ) -> Result<Self> {
        nodes.into_iter().try_for_each(|node| cluster.node(node).map(drop))?;
        Ok(Self {
            place: Place::Underlay,
            family: "bridge",
            name,
            content: format!(
                "chain forward {{\ntype filter hook forward priority filter;\n{rules}\n}}"
            ),
        })
    }

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
        let (mut command, place) = match &self.place {
            Place::Node(name) => (cluster.node(name)?.command("nft"), name.as_str()),
            Place::Underlay => {
                (cluster.underlay().nft(&cluster.node("n1")?.process.root()), "the bridge")
            }
        };
        let what = format!("change the rules of {} on {place}", self.name);
        command.args(["-f", "-"]).feed(&what, text).map(drop)
    }
}

/// A chain that sees packets at a hook, with rules that drop some of them.
pub(super) fn chain(hook: &str, priority: &str, rules: &str) -> String {
    format!(
        "chain {hook} {{\ntype filter hook {hook} priority {priority}; policy accept;\n{rules}\n}}"
    )
}

/// The cluster's range of Services in a family.
pub(super) fn service_range(cluster: &Cluster, family: Family) -> Result<ipnet::IpNet> {
    range(&cluster.record().spec.service_cidrs, family, "Service range")
}

/// The cluster's range of pods in a family.
pub(super) fn pod_range(cluster: &Cluster, family: Family) -> Result<ipnet::IpNet> {
    range(&cluster.record().spec.pod_cidrs, family, "pod range")
}

fn range(ranges: &[ipnet::IpNet], family: Family, what: &str) -> Result<ipnet::IpNet> {
    let found = ranges.iter().find(|range| Family::of_range(range) == family);
    found.copied().ok_or_else(|| Error::Invalid(format!("the cluster has no {family} {what}")))
}

/// The text for `nft -f` that puts a table in another's place; declaring it first makes its
/// deletion work where there is none.
pub(super) fn replacement(table: &str, id: &str) -> String {
    format!("table {id}\ndelete table {id}\n{table}")
}
