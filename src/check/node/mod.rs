//! What each Node object says of its families.

mod cases;
mod internal_ips;
mod notices;
mod pod_cidrs;
mod proxy_health;
mod ranges;

pub use notices::notices as address_notices;
pub(crate) use proxy_health::{fixes as proxy_fixes, logs as proxy_logs};

pub(crate) use ranges::gives_own_addresses;

use super::DynCheck;

/// The checks of the area, in the order of reports.
pub(super) const CHECKS: &[&dyn DynCheck] = &[
    &pod_cidrs::PodCidrs,
    &internal_ips::InternalIps,
    &ranges::Ranges,
    &proxy_health::ProxyHealth,
];
