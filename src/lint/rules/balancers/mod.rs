//! Load balancers: what Services ask for, what pools have.

mod pools;
mod requests;
mod sources;
mod webhooks;

pub(super) use pools::{ADVERTISED, INVALID, POOL_FAMILY};
pub(super) use requests::ONE_ADDRESS;
pub(super) use sources::SOURCE_RANGES;
pub(super) use webhooks::WEBHOOK_FAMILY;
