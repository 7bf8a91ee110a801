//! What pods are given, and whether they reach each other.

mod family_order;
mod host_ips;
mod loss;
mod losses;
mod payload;
mod pod_ips;
mod reachable;

pub(super) use loss::tcp;
pub use losses::notices as loss_notices;
pub(crate) use losses::{LossyPlace, PlaceLoss, losing};
pub(crate) use payload::message_size;

use super::DynCheck;

/// The checks of the area, in the order of reports.
pub(super) const CHECKS: &[&dyn DynCheck] = &[
    &pod_ips::PodIps,
    &family_order::FamilyOrder,
    &host_ips::HostIps,
    &reachable::Reachable,
    &loss::Loss,
    &payload::Payload,
];
