//! Whether Services are reached at the nodes' own addresses.

mod from_node;
mod from_outside;
mod from_pod;
mod loopback;
mod ports;
mod udp;

pub(super) use from_node::without_hosts;
pub(super) use from_outside::addresses;
pub(super) use ports::{internal_ip, node};

use super::DynCheck;

/// The checks of the area, in the order of reports.
pub(super) const CHECKS: &[&dyn DynCheck] = &[
    &from_pod::FromPod,
    &udp::Udp,
    &from_node::FromNode,
    &loopback::Loopback,
    &from_outside::FromOutside,
];
