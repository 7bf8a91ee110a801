//! The pod network: what each node has to hold so that pods reach each other and the outside.
//!
//! A network turns what is known of the nodes into a [`Desired`] state per node. The agent brings
//! a node from one desired state to the next by their difference alone, never by what it finds on
//! the node: so a fault that somebody injected stays until it is reverted.

mod apply;
pub mod calico;
pub mod flannel;
mod network;
mod ptp;

pub use self::{
    apply::{CONFLIST, apply, pretty},
    network::{Desired, Member, PodNetwork},
    ptp::{Ptp, TABLE, conflist},
};
