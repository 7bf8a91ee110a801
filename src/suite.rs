//! What is expected of a cluster, as data. Which checks there are is not known here: that is for
//! [`crate::suites`].

mod gap;

pub use gap::FamilyGap;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{facts::TargetName, net::IpFamily};

/// A suite: which checks are run, and what they expect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The name by which `--suite` finds it.
    pub name: String,
    /// One sentence on what it proves.
    pub description: String,
    /// The families that the cluster must have: exactly these, and no other.
    #[serde(deserialize_with = "families")]
    #[schemars(length(min = 1, max = 2), extend("uniqueItems" = true))]
    pub families: Vec<IpFamily>,
    /// The family that must come first wherever Kubernetes orders them (podCIDRs, InternalIPs,
    /// podIPs, a Service's ClusterIPs). Left out: whichever the cluster has, as long as it agrees
    /// with itself.
    #[serde(default)]
    pub primary: Option<IpFamily>,
    /// Nodes that have other families than the cluster, by their labels. A node belongs to the first group
    /// that it has all labels of; to none, and it has all families.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node_groups: Vec<NodeGroup>,
    /// The checks, by id (`node::pod_cidrs`) or area (`node`), in any order: the registry's order
    /// is the order of running.
    pub checks: Vec<String>,
    /// How probes are tried.
    #[serde(default)]
    pub probes: ProbeParameters,
    /// What is asked of the machine that runs `dualstack`; `--outside` overrides it.
    #[serde(default)]
    pub outside: OutsidePolicy,
    /// What is asked of the way from pods to outside the cluster; `--egress` overrides it.
    #[serde(default)]
    pub egress: EgressPolicy,
    /// Services of your own to test, as NAMESPACE/NAME; `--target` adds to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", extend("items" = {
        "type": "string",
        "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?/[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
    }))]
    pub targets: Vec<TargetName>,
    /// How far the times of the two families may lie apart, as a duration (`200ms`) or a factor (`2x`);
    /// `--max-family-gap` overrides it. Without it, times are reported but never fail a case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_family_gap: Option<FamilyGap>,
}

/// Nodes that have other families than the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeGroup {
    /// What reports call it.
    pub name: String,
    /// The labels that a node of the group has, all of them.
    #[schemars(extend("minProperties" = 1))]
    pub labels: BTreeMap<String, String>,
    /// The families that the nodes and their pods have: exactly these, of those of the suite.
    #[serde(deserialize_with = "families")]
    #[schemars(length(min = 1, max = 2), extend("uniqueItems" = true))]
    pub families: Vec<IpFamily>,
}

impl NodeGroup {
    /// Whether a node with these labels belongs to it, where no group before it has the node.
    pub fn has(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}

/// The area of the checks that test the operator's own Services.
pub(crate) const TARGET_AREA: &str = "target";

/// The area of the checks that hold the families' times against the operator's limit.
pub(crate) const PARITY_AREA: &str = "parity";

impl Suite {
    /// The group of a node with these labels.
    pub fn group_of(&self, labels: &BTreeMap<String, String>) -> Option<&NodeGroup> {
        self.node_groups.iter().find(|group| group.has(labels))
    }

    /// Says what is wrong with the groups of nodes, if anything is.
    pub fn wrong_groups(&self) -> Option<String> {
        let mut groups = self.node_groups.iter().enumerate();
        groups.find_map(|(place, group)| {
            let NodeGroup { name, labels, families } = group;
            let others = &self.node_groups[..place];
            if name.is_empty() {
                return Some(format!("node_groups[{place}] has an empty name"));
            }
            if others.iter().any(|other| other.name == *name) {
                return Some(format!("node group {name} is there twice"));
            }
            if labels.is_empty() {
                return Some(format!(
                    "node group {name} has no labels, so that every node belongs to it"
                ));
            }
            if others.iter().any(|other| other.has(labels)) {
                return Some(format!(
                    "no node can belong to node group {name}, for a group before it has all of them"
                ));
            }
            let foreign = families.iter().find(|family| !self.families.contains(family))?;
            Some(format!("node group {name} has {foreign}, which is not one of the families"))
        })
    }

    /// Whether the suite holds a check, by its id or its area.
    pub fn names(&self, id: &str) -> bool {
        self.checks.iter().any(|name| covers(name, id))
    }

    /// The suite with these Services of the operator's to test as well, each once. Where there are any,
    /// it holds the checks that test them.
    #[must_use]
    pub fn with_targets(mut self, more: impl IntoIterator<Item = TargetName>) -> Self {
        for target in std::mem::take(&mut self.targets).into_iter().chain(more) {
            if !self.targets.contains(&target) {
                self.targets.push(target);
            }
        }
        let held = self.checks.iter().any(|name| is_of_targets(name));
        if !self.targets.is_empty() && !held {
            self.checks.push(TARGET_AREA.to_owned());
        }
        self
    }

    /// The suite with this limit to how far the families' times may lie apart, if one is given. Where it
    /// has any, it holds the checks that compare them.
    #[must_use]
    pub fn with_family_gap(mut self, gap: Option<FamilyGap>) -> Self {
        self.max_family_gap = gap.or(self.max_family_gap);
        let held = self.checks.iter().any(|name| is_of_parity(name));
        if self.max_family_gap.is_some() && !held {
            self.checks.push(PARITY_AREA.to_owned());
        }
        self
    }
}

/// Whether a name, a check's id or an area, is of the checks that compare the families' times.
pub(crate) fn is_of_parity(name: &str) -> bool {
    name.split("::").next() == Some(PARITY_AREA)
}

/// Whether a name, a check's id or an area, is of the checks that test the operator's own Services.
pub(crate) fn is_of_targets(name: &str) -> bool {
    name.split("::").next() == Some(TARGET_AREA)
}

/// Whether a name, a check's id or an area, means the check of an id.
pub(crate) fn covers(name: &str, id: &str) -> bool {
    name == id || id.split_once("::").is_some_and(|(area, _)| area == name)
}

/// What is asked of the machine that runs `dualstack` as a client outside the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutsidePolicy {
    /// Where this machine has no way to any node in a family, the cases are inconclusive.
    #[default]
    Auto,
    /// This machine must reach the nodes; where it can't, the cases fail.
    Required,
    /// Nothing is tried from this machine; the cases are skipped.
    Off,
}

/// What is asked of the way from pods to the machine that runs `dualstack`, or to another server
/// outside the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EgressPolicy {
    /// Where no pod's packets come through in any family, the cases are inconclusive.
    #[default]
    Auto,
    /// Pods must get through; where they can't, the cases fail.
    Required,
    /// Nothing is tried; the cases are skipped.
    Off,
}

/// How probes are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProbeParameters {
    /// How long one attempt may take, in milliseconds.
    #[schemars(range(min = 100, max = 60_000))]
    pub timeout_ms: u32,
    /// How long the first attempt may take while a path may still be settling, in milliseconds; each
    /// further one may take twice as long as the one before, up to `timeout_ms`. No failure is
    /// concluded from an attempt that was given up so early.
    #[schemars(range(min = 100, max = 60_000))]
    pub patience_ms: u32,
    /// For how long after the pods are ready a path may still be settling, in milliseconds.
    #[schemars(range(max = 300_000))]
    pub settle_ms: u32,
    /// How many more connections must succeed after the first one.
    #[schemars(range(max = 100))]
    pub confirmations: u16,
    /// The most connections made to a shared Service to see every backend answer. Where it is too
    /// low for the number of backends to rule out bad luck, so many backends must answer as it
    /// allows for.
    #[schemars(range(min = 1, max = 10_000))]
    pub sample_bound: u16,
    /// How many bytes `pod::reachable` asks for beside a small answer, to see packets of full size
    /// pass; 0 for small answers only.
    #[schemars(range(max = 99_999))]
    pub payload: u32,
}

impl ProbeParameters {
    /// Says which parameter is out of range, where one is.
    pub fn out_of_range(&self) -> Option<String> {
        let mut limits = self.limits().into_iter();
        limits.find(|(_, value, least, most)| !(least..=most).contains(&value)).map(
            |(name, value, least, most)| {
                format!("probes.{name} is {value}, expected {least} to {most}")
            },
        )
    }

    /// The limits of each parameter, which the schema shows too: name, value, least, most.
    fn limits(&self) -> [(&'static str, u32, u32, u32); 6] {
        [
            ("timeout_ms", self.timeout_ms, 100, 60_000),
            ("patience_ms", self.patience_ms, 100, 60_000),
            ("settle_ms", self.settle_ms, 0, 300_000),
            ("confirmations", self.confirmations.into(), 0, 100),
            ("sample_bound", self.sample_bound.into(), 1, 10_000),
            ("payload", self.payload, 0, 99_999),
        ]
    }
}

impl Default for ProbeParameters {
    fn default() -> Self {
        // 500 connections show every one of 25 backends, but for one run in ten million.
        // 16 KiB are more than one packet, even with jumbo frames.
        Self {
            timeout_ms: 3_000,
            patience_ms: 500,
            settle_ms: 6_000,
            confirmations: 1,
            sample_bound: 500,
            payload: 16_384,
        }
    }
}

/// Reads the list of families: one or both, each once.
fn families<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<IpFamily>, D::Error> {
    let families = Vec::<IpFamily>::deserialize(input)?;
    match families.as_slice() {
        [] => Err(de::Error::custom("families is empty, expected IPv4, IPv6 or both")),
        [_] => Ok(families),
        [a, b] if a != b => Ok(families),
        _ => Err(de::Error::custom("families lists a family more than once")),
    }
}
