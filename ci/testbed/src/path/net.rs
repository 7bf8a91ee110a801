//! The cluster that paths lead through.

use crate::spec::{Family, Spec};

/// The cluster that paths lead through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Net {
    /// The nodes, the first of which holds the control plane.
    pub nodes: Vec<String>,
    /// The family by which the API server and kubelets reach each other.
    pub primary: Family,
    /// The families of the pods.
    pub families: Vec<Family>,
    /// The families of the DNS Service.
    pub dns: Vec<Family>,
    /// The nodes that DNS servers are on.
    pub dns_nodes: Vec<String>,
}

impl Net {
    /// The cluster of a request, with DNS servers on these nodes.
    pub fn new(spec: &Spec, dns_nodes: Vec<String>) -> Self {
        Self {
            nodes: spec.node_names().collect(),
            primary: spec.primary(),
            families: spec.pod_families(),
            dns: spec.dns_addresses().into_iter().map(Family::of).collect(),
            dns_nodes,
        }
    }

    /// The node of the control plane.
    pub(crate) fn control_plane(&self) -> &str {
        self.nodes.first().map_or("n1", String::as_str)
    }
}
