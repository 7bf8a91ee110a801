//! Pod and Service ranges: their form, size, kind, and how they lie to each other.

mod families;
mod form;
mod kinds;
mod masks;
mod overlap;
mod shares;
mod size;

pub(super) use families::{ORDER, PODS_AND_SERVICES};
pub(super) use form::{DNS_DOMAIN, HOST_BITS, INVALID, PAIR};
pub(super) use kinds::{DOCUMENTATION, RESERVED, SITE_LOCAL};
pub(super) use masks::{NODE_MASK_TOO_FAR, NODE_MASK_TOO_SHORT};
pub(super) use overlap::{PODS_AND_NODES, PODS_OVER_SERVICES, SERVICES_AND_NODES};
pub(super) use shares::NONE_LEFT;
pub(super) use size::{PODS_TOO_SMALL, SERVICES_TOO_LARGE, SERVICES_TOO_SMALL};
