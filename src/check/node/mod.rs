//! What each Node object says of its families.

mod cases;
mod internal_ips;
mod pod_cidrs;

pub(super) use internal_ips::InternalIps;
pub(super) use pod_cidrs::PodCidrs;
