//! What depends on the version of Kubernetes or of kubeadm's API.

mod api;
mod deprecated;
mod gates;
mod iptables;
mod ipvs;
mod recent;
mod strict;

pub(super) use api::{FORMS, REMOVED, TWICE};
pub(super) use deprecated::{EXTERNAL_IPS, IPVS as IPVS_DEPRECATED, MODE_UNSET};
pub(super) use gates::{NEEDED, REMOVED as GATE_REMOVED};
pub(super) use iptables::DUAL_STACK as IPTABLES_DUAL_STACK;
pub(super) use ipvs::NODE_PORTS as IPVS_NODE_PORTS;
pub(super) use recent::{FIELD as RECENT_FIELD, NFTABLES as NFTABLES_TOO_NEW};
pub(super) use strict::ADDRESSES as STRICT_ADDRESSES;
