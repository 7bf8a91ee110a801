//! What each Node object says of its families.

mod cases;
mod internal_ips;
mod pod_cidrs;
mod ranges;

pub(super) use internal_ips::InternalIps;
pub(super) use pod_cidrs::PodCidrs;
pub(super) use ranges::Ranges;
