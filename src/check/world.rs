//! What a check may look at, and when.

use serde::{Deserialize, Serialize};

use crate::{
    facts::Facts,
    fixture::Fixture,
    net::IpFamily,
    suite::{NodeGroup, Suite},
};

/// What a check may look at.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// What the cluster says of itself.
    pub facts: &'a Facts,
    /// What stands in the cluster. Before it is deployed, and for checks of [`Stage::Facts`], an
    /// empty fixture.
    pub fixture: &'a Fixture,
    /// What is expected.
    pub suite: &'a Suite,
}

impl<'a> World<'a> {
    /// The group of a node, where the suite has groups and the node is in one.
    pub(crate) fn group_of(&self, node: &str) -> Option<&'a NodeGroup> {
        if self.suite.node_groups.is_empty() {
            return None;
        }
        self.suite.group_of(&self.facts.node(node)?.labels)
    }

    /// Whether the order of a node's families can be held against that of others: it is to have both.
    pub(crate) fn orders(&self, node: &str) -> bool {
        self.group_of(node).is_none_or(|group| group.families.len() > 1)
    }

    /// Whether a node and its pods must have a family. Where not, they must be without it.
    pub(crate) fn expects(&self, node: &str, family: IpFamily) -> bool {
        let families = self.group_of(node).map_or(&self.suite.families, |group| &group.families);
        families.contains(&family)
    }

    /// What the suite expects of a node that must be without a family, as the end of a sentence.
    pub(crate) fn without(&self, node: &str, family: IpFamily) -> String {
        let suite = &self.suite.name;
        match self.group_of(node) {
            Some(group) if self.suite.families.contains(&family) => format!(
                "the suite {suite} expects nodes of the group {} to be without {family}",
                group.name
            ),
            _ => format!("the suite {suite} expects a cluster without {family}"),
        }
    }
}

/// How far a run must have come before a check's cases can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The facts are gathered.
    Facts,
    /// The fixture's Services are applied.
    Applied,
    /// The fixture's pods are ready, or known not to become so.
    Ready,
    /// EndpointSlices name the pods, or had their time to.
    Served,
    /// The probes are done.
    Probed,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 5] =
        [Self::Facts, Self::Applied, Self::Ready, Self::Served, Self::Probed];
}
