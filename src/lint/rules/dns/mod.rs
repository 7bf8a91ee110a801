//! CoreDNS' Corefile.

mod answers;
mod upstreams;

pub(super) use answers::{DNS64, DROPS, REVERSE};
pub(super) use upstreams::UPSTREAM_FAMILY;
