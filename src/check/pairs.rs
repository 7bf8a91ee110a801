//! Which nodes the checks of paths try from where, as the fixture's mesh says.

use std::collections::{BTreeMap, HashMap};

use super::World;
use crate::fixture::{Mesh, Workload};

/// Which nodes are tried from where. Where the mesh is full these are all, in the fixture's order.
#[derive(Debug)]
pub(super) struct Pairs<'a> {
    mesh: &'a Mesh,
    backends: &'a [Workload],
    nodes: Vec<&'a str>,
    by_node: HashMap<&'a str, &'a Workload>,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(world: World<'a>) -> Self {
        let fixture = world.fixture;
        let backends = fixture.backends.as_slice();
        Self {
            mesh: &fixture.mesh,
            backends,
            nodes: fixture.selected().collect(),
            by_node: backends.iter().map(|backend| (backend.node.as_str(), backend)).collect(),
        }
    }

    /// The backends whose pods are connected to from a node.
    pub(super) fn pods(&self, from: &str) -> Vec<&'a Workload> {
        self.backends(from, &self.mesh.pods)
    }

    /// The backends whose own Services are connected to from a node.
    pub(super) fn services(&self, from: &str) -> Vec<&'a Workload> {
        let mut backends = self.backends(from, &self.mesh.services);
        backends.retain(|backend| self.mesh.serves(&backend.node));
        backends
    }

    /// The nodes at whose NodePorts a node connects.
    pub(super) fn entries(&self, from: &str) -> Vec<&'a str> {
        if self.mesh.is_full() {
            return self.nodes.clone();
        }
        let others = self.others(from, &self.mesh.entries);
        // A name of the fixture's own lives as long as it.
        let own = self.by_node.get(from).map(|own| own.node.as_str());
        own.into_iter().chain(others).collect()
    }

    /// The backends whose NodePorts are tried at a node: its own, where it has Services, and two
    /// more.
    pub(super) fn behind(&self, entry: &str) -> Vec<&'a Workload> {
        if self.mesh.is_full() {
            return self.backends.iter().collect();
        }
        let own = self.by_node.get(entry).filter(|own| self.mesh.serves(&own.node));
        let via = self.mesh.services.get(entry).into_iter().flatten();
        let others = via.filter_map(|node| self.by_node.get(node.as_str()));
        own.into_iter().chain(others.take(2)).copied().collect()
    }

    /// Some nodes that stand for all: every one where the mesh is full, else a few.
    pub(super) fn sample(&self) -> Vec<&'a str> {
        if self.mesh.is_full() {
            return self.nodes.clone();
        }
        let step = (self.nodes.len() / crate::fixture::FULL_UP_TO).max(1);
        self.nodes.iter().step_by(step).copied().collect()
    }

    fn backends(&self, from: &str, of: &'a BTreeMap<String, Vec<String>>) -> Vec<&'a Workload> {
        if self.mesh.is_full() {
            return self.backends.iter().collect();
        }
        let own = self.by_node.get(from).copied();
        let others = self.others(from, of);
        own.into_iter().chain(others.filter_map(|node| self.by_node.get(node).copied())).collect()
    }

    /// The other nodes that a node tries, those of the second round last.
    fn others(
        &self,
        from: &str,
        of: &'a BTreeMap<String, Vec<String>>,
    ) -> impl Iterator<Item = &'a str> {
        let first = of.get(from).map(Vec::as_slice).unwrap_or_default();
        let again = self.mesh.again.get(from).into_iter().flatten();
        let more = again.filter(move |node| !first.contains(node));
        first.iter().chain(more).map(String::as_str)
    }
}

/// The node on which a backend is tried in place of a node's own, where that has no Services.
pub(super) fn nearest<'a>(world: World<'a>, node: &'a str) -> &'a str {
    let mesh = &world.fixture.mesh;
    if mesh.serves(node) {
        return node;
    }
    mesh.services.get(node).and_then(|via| via.first()).map_or(node, String::as_str)
}
