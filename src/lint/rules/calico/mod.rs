//! Calico: its CNI plugin, its agent's environment, its pools.

mod agent;
mod assign;
mod bgp;
mod encapsulation;
mod pools;

pub(super) use agent::{ADDRESS, AUTODETECTION, FELIX};
pub(super) use assign::ASSIGN;
pub(super) use bgp::ONE_FAMILY as BGP_FAMILIES;
pub(super) use encapsulation::{BLOCK_SIZE, IPIP, NO_MASQUERADE, WRONG_POOL};
pub(super) use pools::{POOL_FAMILY, POOL_OUTSIDE};
