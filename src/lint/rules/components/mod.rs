//! Flags and configuration files of the control plane, of kube-proxy and of kind.

mod kind;
mod node_masks;
mod node_ports;
mod proxy;

pub(super) use kind::FAMILY as KIND_FAMILY;
pub(super) use node_masks::{ONE_MASK_FOR_TWO, OTHER_FAMILYS_MASK};
pub(super) use node_ports::{NODE_PORTS_INVALID, NODE_PORTS_LOST, NODE_PORTS_ONE_FAMILY};
pub(super) use proxy::{BIND_ADDRESS, BIND_FAMILY, CLUSTER_CIDR, CLUSTER_CIDR_PAIR, CLUSTER_DNS};
