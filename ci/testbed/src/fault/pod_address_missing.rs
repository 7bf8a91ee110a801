//! Pods without an address of one family.

use std::fs;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    about::{About, NEEDS_BOTH},
    kind::FaultKind,
    truth::without_pod_address,
};
use crate::{
    cluster::Cluster,
    cni::{CONFLIST, pretty},
    error::{Context, Error, Result},
    path::{Net, Outcome, Path},
    spec::Family,
    state::write_whole,
};

/// Takes one family's range and route out of a node's CNI configuration. It acts on pods that are
/// made from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct PodAddressMissing {
    /// The family that pods don't get.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl FaultKind for PodAddressMissing {
    const ABOUT: About = About {
        does: "the CNI configuration of a node loses the family's range: pods made from then on get no address of it",
        limits: NEEDS_BOTH,
    };

    /// The text of the configuration.
    type Before = String;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the CNI configuration of {}", self.node)
    }

    fn path(&self, path: &Path, net: &Net) -> Option<Outcome> {
        without_pod_address(&self.node, self.family, path, net)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<String> {
        let node = cluster.node(&self.node)?;
        fs::read_to_string(node.path(CONFLIST))
            .context(|| format!("read the CNI configuration of {}", self.node))
    }

    fn inject(&self, cluster: &Cluster, before: &String) -> Result<()> {
        let conflist = without(before, self.family)?;
        write_whole(&cluster.node(&self.node)?.path(CONFLIST), conflist.as_bytes())
    }

    fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
        write_whole(&cluster.node(&self.node)?.path(CONFLIST), before.as_bytes())
    }
}

/// The configuration list without a family.
fn without(conflist: &str, family: Family) -> Result<String> {
    let mut value: Value = serde_json::from_str(conflist).map_err(|e| Error::Format {
        what: "parse the CNI configuration".to_owned(),
        reason: e.to_string(),
    })?;
    let of_family = |range: Option<&Value>| {
        let range = range.and_then(Value::as_str).and_then(|text| text.parse().ok());
        range.is_some_and(|range| Family::of_range(&range) == family)
    };
    if let Some(ranges) = value.pointer_mut("/plugins/0/ipam/ranges").and_then(Value::as_array_mut)
    {
        ranges.retain(|set| !of_family(set.pointer("/0/subnet")));
        if ranges.is_empty() {
            return Err(Error::Invalid(format!(
                "pods have no other family than {family}: without it they could not start"
            )));
        }
    }
    if let Some(routes) = value.pointer_mut("/plugins/0/ipam/routes").and_then(Value::as_array_mut)
    {
        routes.retain(|route| !of_family(route.pointer("/dst")));
    }
    pretty(&value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cni::conflist;

    #[test]
    fn only_the_other_family_stays() {
        let ranges = ["10.244.1.0/24", "fd00:10:244:1::/64"].map(|r| r.parse().unwrap());
        let both = pretty(&conflist(&ranges)).unwrap();
        let one = pretty(&conflist(&ranges[..1])).unwrap();
        assert_eq!(without(&both, Family::V6).unwrap(), one);
    }

    #[test]
    fn the_last_family_is_not_taken() {
        let one = pretty(&conflist(&["10.244.1.0/24".parse().unwrap()])).unwrap();
        assert!(without(&one, Family::V4).is_err());
    }
}
