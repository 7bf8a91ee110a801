//! Load balancers: what Services ask for, what pools have, what is announced.

mod bgp;
mod clouds;
mod gateways;
mod ingress;
mod l2;
mod metallb;
mod pools;
mod requests;
mod sources;
mod virtual_address;
mod webhooks;

pub(super) use bgp::FAMILIES as BGP_FAMILIES;
pub(super) use clouds::ANNOTATIONS;
pub(super) use gateways::ENVOY;
pub(super) use ingress::LISTENERS;
pub(super) use l2::{IPV4_ONLY as L2_IPV4_ONLY, NOTHING as L2_NOTHING};
pub(super) use metallb::REQUEST as METALLB_REQUEST;
pub(super) use pools::{ADVERTISED, INVALID, POOL_FAMILY};
pub(super) use requests::ONE_ADDRESS;
pub(super) use sources::SOURCE_RANGES;
pub(super) use virtual_address::LENGTH as VIRTUAL_ADDRESS_LENGTH;
pub(super) use webhooks::WEBHOOK_FAMILY;
