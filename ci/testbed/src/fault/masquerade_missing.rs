//! Pods that meet the outside under their own addresses.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    kind::FaultKind,
    ruleset::replacement,
};
use crate::{
    cluster::Cluster,
    cni::TABLE,
    error::{Error, Result},
    path::{Net, Outcome, Path, Target},
    run::Run,
    spec::Family,
};

/// Takes the rule of one family out of a node's egress rules, which are the pod network's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct MasqueradeMissing {
    /// The family that is not masqueraded.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl MasqueradeMissing {
    fn put(&self, cluster: &Cluster, table: &str) -> Result<()> {
        cluster
            .node(&self.node)?
            .command("nft")
            .args(["-f", "-"])
            .feed(
                &format!("change the masquerade rules of {}", self.node),
                &replacement(table, &format!("inet {TABLE}")),
            )
            .map(drop)
    }
}

impl FaultKind for MasqueradeMissing {
    const ABOUT: About = About {
        does: "a node doesn't masquerade what its pods send out of the cluster in the family, so no answer finds back",
        limits: NEEDS_FAMILY,
    };

    /// The text of the table.
    type Before = String;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the masquerade rules of {}", self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let flow = path.flow().filter(|flow| flow.family == self.family)?;
        let leaves = flow.client.pod() == Some(&self.node) && flow.target == Target::Outside;
        leaves.then_some(Outcome::Fails)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<String> {
        let table = cluster
            .node(&self.node)?
            .command("nft")
            .args(["list", "table", "inet", TABLE])
            .read(&format!("read the masquerade rules of {}", self.node))?;
        without(&table, self.family)?;
        Ok(table)
    }

    fn inject(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.put(cluster, &without(before, self.family)?)
    }

    fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.put(cluster, before)
    }
}

/// The table without the rules of a family.
fn without(table: &str, family: Family) -> Result<String> {
    let start = format!("{} saddr ", family.nft());
    let (lost, kept): (Vec<&str>, Vec<&str>) =
        table.lines().partition(|line| line.trim_start().starts_with(&start));
    if lost.is_empty() {
        return Err(Error::Invalid(format!("{family} is not masqueraded anyway")));
    }
    Ok(kept.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_the_other_family_stays() {
        let table = "table inet testbed {\n\tchain egress {\n\
            \t\tip saddr 10.244.0.0/16 oifname \"eth0\" masquerade\n\
            \t\tip6 saddr fd00::/56 oifname \"eth0\" masquerade\n\t}\n}\n";
        let v6 = without(table, Family::V4).unwrap();
        assert!(!v6.contains("10.244.0.0") && v6.contains("ip6 saddr"), "{v6}");
        assert!(without(&v6, Family::V4).is_err());
    }
}
