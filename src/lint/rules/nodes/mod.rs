//! Nodes' addresses and names.

mod advertise;
mod cloud;
mod duplicates;
mod endpoint;
mod node_ip;
mod node_ip_families;

pub(super) use advertise::ADVERTISE_FAMILY;
pub(super) use cloud::PAIR as PAIR_AND_CLOUD;
pub(super) use duplicates::{SAME_NAME, SAME_NODE_IP};
pub(super) use endpoint::{BRACKETS as ENDPOINT_BRACKETS, PORT_IN_ADDRESS, URL as SERVER_URL};
pub(super) use node_ip::{IGNORED, PAIR, UNSPECIFIED, UNUSABLE};
pub(super) use node_ip_families::{ONE_FAMILY, UNSET};
