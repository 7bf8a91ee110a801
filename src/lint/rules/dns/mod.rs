//! CoreDNS' Corefile, and the records that external-dns makes.

mod answers;
mod records;
mod upstreams;

pub(super) use answers::{DNS64, DROPS, REVERSE};
pub(super) use records::RECORDS;
pub(super) use upstreams::UPSTREAM_FAMILY;
