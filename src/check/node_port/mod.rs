//! Whether Services are reached at the nodes' own addresses.

mod from_node;
mod from_outside;
mod from_pod;
mod ports;
mod udp;

pub(super) use from_node::FromNode;
pub(super) use from_outside::{FromOutside, addresses};
pub(super) use from_pod::FromPod;
pub(super) use ports::node;
pub(super) use udp::Udp;
