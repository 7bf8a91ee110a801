//! Calico: its CNI plugin, its agent's environment, its pools.

mod agent;
mod assign;
mod pools;

pub(super) use agent::{ADDRESS, AUTODETECTION, FELIX};
pub(super) use assign::ASSIGN;
pub(super) use pools::{POOL_FAMILY, POOL_OUTSIDE};
