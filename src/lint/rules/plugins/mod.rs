//! Network plugins other than Calico: flannel, Cilium, kube-router, Kube-OVN, Antrea, and CNI
//! configuration itself.

mod antrea;
mod cilium;
mod cilium_routing;
mod cni;
mod flannel;
mod kube_ovn;
mod kube_router;
mod stock;

pub(super) use antrea::SERVICES as ANTREA_SERVICES;
pub(super) use cilium::{FAMILY_OFF, MASQUERADE, OWN_POOL, POOL_SIZE};
pub(super) use cilium_routing::NATIVE;
pub(super) use cni::{ONE_FAMILY as CNI_ONE_FAMILY, RANGES as CNI_RANGES};
pub(super) use flannel::{BACKEND, IPV4_RANGE, IPV6_OFF, NETWORK, NOT_JSON};
pub(super) use kube_ovn::{STACK, SUBNET};
pub(super) use kube_router::FAMILY;
pub(super) use stock::STOCK;
