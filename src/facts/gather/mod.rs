//! Gathering the facts: every request once, all at the same time, and what came of them put into
//! words. Each file reads one part of what was fetched and is pure.

mod cni;
mod config;
mod dns;
mod fetch;
mod flags;
mod kube_proxy;
mod nodes;
mod ranges;

use k8s_openapi::api::{
    apps::v1::DaemonSet,
    core::v1::{ConfigMap, Pod, Service},
    discovery::v1::EndpointSlice,
};

use self::fetch::{Fetch, Fetched};
use super::{Fact, Facts};
use crate::cluster::{Cluster, ClusterError, Right};

/// Where Kubernetes keeps its own.
const KUBE_SYSTEM: &str = "kube-system";

/// The rights that gathering takes. Only the nodes are indispensable.
pub fn rights() -> Vec<Right> {
    let mut rights = vec![Right::required("list", "nodes", None)];
    rights.extend(
        ["daemonsets.apps", "servicecidrs.networking.k8s.io"]
            .map(|resource| Right::optional("list", resource, None)),
    );
    rights.push(Right::optional("get", "configmaps", Some(KUBE_SYSTEM)));
    rights.extend(
        ["endpointslices.discovery.k8s.io", "pods", "services"]
            .map(|resource| Right::optional("list", resource, Some(KUBE_SYSTEM))),
    );
    rights
}

/// What was fetched, or why not.
struct Raw {
    service_cidrs: Fetched<Vec<ranges::ServiceCidr>>,
    kubeadm: Fetched<ConfigMap>,
    kube_proxy: Fetched<ConfigMap>,
    /// Amazon's name for it.
    kube_proxy_eks: Fetched<ConfigMap>,
    kubelet: Fetched<ConfigMap>,
    coredns: Fetched<ConfigMap>,
    /// The static pods of the control plane, and kube-proxy where it is one.
    components: Fetched<Vec<Pod>>,
    daemon_sets: Fetched<Vec<DaemonSet>>,
    dns_services: Fetched<Vec<Service>>,
    dns_slices: Fetched<Vec<EndpointSlice>>,
}

/// Gathers the facts, reading only.
///
/// # Errors
///
/// The nodes can't be listed, the credentials are no longer accepted, or the API server can't be
/// reached. Anything else that can't be read is an absent or forbidden [`Fact`].
pub async fn gather(cluster: &Cluster) -> Result<Facts, ClusterError> {
    let fetch = Fetch::new(cluster);
    let (
        nodes,
        service_cidrs,
        kubeadm,
        kube_proxy,
        kube_proxy_eks,
        kubelet,
        coredns,
        components,
        daemon_sets,
        dns_services,
        dns_slices,
    ) = tokio::try_join!(
        fetch.nodes(),
        fetch.service_cidrs(),
        fetch.config_map(KUBE_SYSTEM, "kubeadm-config"),
        fetch.config_map(KUBE_SYSTEM, "kube-proxy"),
        fetch.config_map(KUBE_SYSTEM, "kube-proxy-config"),
        fetch.config_map(KUBE_SYSTEM, "kubelet-config"),
        fetch.config_map(KUBE_SYSTEM, "coredns"),
        fetch.pods(KUBE_SYSTEM, flags::COMPONENTS),
        fetch.daemon_sets(),
        fetch.services(KUBE_SYSTEM, dns::LABEL),
        fetch.endpoint_slices(KUBE_SYSTEM, dns::SERVICE),
    )?;
    let raw = Raw {
        service_cidrs,
        kubeadm,
        kube_proxy,
        kube_proxy_eks,
        kubelet,
        coredns,
        components,
        daemon_sets,
        dns_services,
        dns_slices,
    };
    let nodes: Vec<_> = nodes.into_iter().map(nodes::node).collect();
    let cni = cni::cni(&raw.daemon_sets, &nodes);

    // A pod network that keeps its ranges to itself, and DNS pods that no EndpointSlice shows, are
    // asked for only where there are such.
    let ((pods_of_cni, cni_config), dns_pods) =
        tokio::try_join!(cni::pod_ranges(&fetch, &cni), dns::pods(&fetch, &raw))?;

    let mut pod_ranges = ranges::pod_ranges(&raw, &nodes);
    pod_ranges.extend(pods_of_cni);
    Ok(Facts {
        server: cluster.server.clone(),
        pod_ranges,
        service_ranges: ranges::service_ranges(&raw),
        kube_proxy: kube_proxy::kube_proxy(&raw, cni_config.as_ref()),
        cni,
        cluster_dns: dns::cluster_dns(&raw, dns_pods),
        nodes: Fact::Known { value: nodes, source: "nodes".to_owned() },
    })
}

#[cfg(test)]
impl Raw {
    /// A cluster that shows nothing.
    fn nothing() -> Self {
        fn nothing<T>() -> Fetched<T> {
            Err(fetch::Missing::Absent("nothing there".to_owned()))
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
            dns_slices: nothing(),
        }
    }
}

#[cfg(test)]
mod example {
    //! Objects as the API server shows them, as small as the tests need them.

    use k8s_openapi::api::{
        apps::v1::DaemonSet,
        core::v1::{ConfigMap, Pod},
    };
    use serde_json::{from_value, json};

    pub(super) fn config_map(name: &str, data: &[(&str, &str)]) -> ConfigMap {
        let data: serde_json::Map<_, _> =
            data.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        from_value(json!({"metadata": {"namespace": "kube-system", "name": name}, "data": data}))
            .unwrap()
    }

    pub(super) fn daemon_set(name: &str, image: &str, pods: i32, args: &[&str]) -> DaemonSet {
        from_value(json!({
            "metadata": {"namespace": "kube-system", "name": name},
            "spec": {"selector": {}, "template": {"spec": {
                "containers": [{"name": "c", "image": image, "args": args}],
            }}},
            "status": {"currentNumberScheduled": pods, "desiredNumberScheduled": pods,
                       "numberMisscheduled": 0, "numberReady": pods},
        }))
        .unwrap()
    }

    pub(super) fn component(component: &str, node: &str, flags: &[&str]) -> Pod {
        from_value(json!({
            "metadata": {
                "namespace": "kube-system", "name": format!("{component}-{node}"),
                "labels": {"component": component},
            },
            "spec": {"containers": [{"name": "c", "command": flags}]},
        }))
        .unwrap()
    }
}
