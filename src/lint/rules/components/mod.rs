//! Flags and configuration files of the control plane, of kube-proxy and of kind.

mod extra_args;
mod kind;
mod kind_patch;
mod nftables;
mod node_masks;
mod node_ports;
mod proxy;

pub(super) use extra_args::RANGES as EXTRA_ARGS_RANGES;
pub(super) use kind::FAMILY as KIND_FAMILY;
pub(super) use kind_patch::DROPPED as KIND_PATCH_DROPPED;
pub(super) use nftables::NODE_PORTS as NFTABLES_NODE_PORTS;
pub(super) use node_masks::{ONE_MASK_FOR_TWO, OTHER_FAMILYS_MASK};
pub(super) use node_ports::{NODE_PORTS_INVALID, NODE_PORTS_LOST, NODE_PORTS_ONE_FAMILY};
pub(super) use proxy::{BIND_ADDRESS, BIND_FAMILY, CLUSTER_CIDR, CLUSTER_CIDR_PAIR, CLUSTER_DNS};
