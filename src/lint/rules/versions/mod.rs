//! What depends on the version of Kubernetes or of kubeadm's API.

mod api;
mod gates;
mod ipvs;

pub(super) use api::{FORMS, REMOVED, TWICE};
pub(super) use gates::{NEEDED, REMOVED as GATE_REMOVED};
pub(super) use ipvs::NODE_PORTS as IPVS_NODE_PORTS;
