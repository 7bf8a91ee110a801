//! What is fetched in one go.

use k8s_openapi::api::{
    apps::v1::DaemonSet,
    core::v1::{ConfigMap, Pod, Service},
};

use super::fetch::Fetched;
use crate::facts::ServiceCidr;

/// What was fetched, or why not.
pub(super) struct Raw {
    pub(super) service_cidrs: Fetched<Vec<ServiceCidr>>,
    pub(super) kubeadm: Fetched<ConfigMap>,
    pub(super) kube_proxy: Fetched<ConfigMap>,
    /// Amazon's name for it.
    pub(super) kube_proxy_eks: Fetched<ConfigMap>,
    pub(super) kubelet: Fetched<ConfigMap>,
    pub(super) coredns: Fetched<ConfigMap>,
    /// The static pods of the control plane, and kube-proxy where it is one.
    pub(super) components: Fetched<Vec<Pod>>,
    pub(super) daemon_sets: Fetched<Vec<DaemonSet>>,
    pub(super) dns_services: Fetched<Vec<Service>>,
}

#[cfg(test)]
impl Raw {
    /// A cluster that shows nothing.
    pub(super) fn nothing() -> Self {
        fn nothing<T>() -> Fetched<T> {
            Err(super::fetch::Missing::Absent("nothing there".to_owned()))
        }
        Self {
            service_cidrs: nothing(),
            kubeadm: nothing(),
            kube_proxy: nothing(),
            kube_proxy_eks: nothing(),
            kubelet: nothing(),
            coredns: nothing(),
            components: nothing(),
            daemon_sets: nothing(),
            dns_services: nothing(),
        }
    }
}
