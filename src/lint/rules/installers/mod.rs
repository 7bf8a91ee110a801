//! What tools that install clusters want, beyond what the components want.

mod eksctl;
mod gardener;
mod k0s;
mod k3s;
mod kops;
mod kubeone;
mod managed;

pub(super) use eksctl::IPV6 as EKSCTL_IPV6;
pub(super) use gardener::NETWORKING as GARDENER_NETWORKING;
pub(super) use k0s::{CALICO_MODE, DUAL_STACK};
pub(super) use k3s::{MASQUERADE as K3S_MASQUERADE, NODE_FAMILIES};
pub(super) use kops::{ENCAPSULATION as KOPS_ENCAPSULATION, FAMILIES as KOPS_FAMILIES};
pub(super) use kubeone::FAMILY as KUBEONE_FAMILY;
pub(super) use managed::FAMILIES as MANAGED_FAMILIES;
