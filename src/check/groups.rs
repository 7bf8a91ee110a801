//! Groups of nodes that are without a family: what can't be tried there.

use std::collections::HashMap;

use super::{Planned, Subject, World};
use crate::{net::IpFamily, suite::NodeGroup};

/// The nodes that belong to a group which is without a family.
#[derive(Debug)]
pub(super) struct Groups<'a>(HashMap<&'a str, &'a NodeGroup>);

impl<'a> Groups<'a> {
    pub(super) fn of(world: World<'a>) -> Self {
        if world.suite.node_groups.is_empty() {
            return Self(HashMap::new());
        }
        let nodes = world.facts.nodes.known().into_iter().flatten();
        let grouped = nodes.filter_map(|node| {
            let group = world.suite.group_of(&node.labels)?;
            (group.families != world.suite.families).then_some((node.name.as_str(), group))
        });
        Self(grouped.collect())
    }

    /// Why a case can't be tried, where it is of a family that a node it is about is without.
    pub(super) fn without<S>(&self, planned: &Planned<S>) -> Option<String> {
        let family = planned.family?;
        let (one, other) = nodes(&planned.subject)?;
        [Some(one), other].into_iter().flatten().find_map(|name| self.lacks(name, family))
    }

    fn lacks(&self, name: &str, family: IpFamily) -> Option<String> {
        let group = self.0.get(name).filter(|group| !group.families.contains(&family))?;
        Some(format!("{name} is of the node group {}, which is without {family}", group.name))
    }
}

/// The nodes that a case is about, as far as its subject names any.
fn nodes(subject: &Subject) -> Option<(&str, Option<&str>)> {
    match subject {
        Subject::Node { name } => Some((name, None)),
        Subject::Pod { node, .. } => Some((node, None)),
        Subject::Path { from, to } => {
            let from = from.strip_prefix("host network of ").unwrap_or(from);
            Some((from, Some(to.rsplit(" on ").next().unwrap_or(to))))
        }
        Subject::Service { name } => name.rsplit_once(" on ").map(|(_, node)| (node, None)),
        Subject::Cluster => None,
    }
}
