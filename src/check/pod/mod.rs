//! What pods are given, and whether they reach each other.

mod family_order;
mod host_ips;
mod loss;
mod payload;
mod pod_ips;
mod reachable;

pub(super) use family_order::FamilyOrder;
pub(super) use host_ips::HostIps;
pub(super) use loss::{Loss, tcp};
pub(super) use payload::Payload;
pub(crate) use payload::message_size;
pub(super) use pod_ips::PodIps;
pub(super) use reachable::Reachable;
