//! The configuration files of kubeadm, kubelet and kube-proxy, as far as the testbed sets them.
//!
//! Field names and meanings are those of `kubeadm.k8s.io/v1beta4`, `kubelet.config.k8s.io/v1beta1`
//! and `kubeproxy.config.k8s.io/v1alpha1`.

use std::net::IpAddr;

use serde::Serialize;

use crate::{
    error::{Error, Result},
    spec::ProxyMode,
};

/// Any of the documents.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Document {
    Init(Typed<InitConfiguration>),
    Cluster(Typed<ClusterConfiguration>),
    Join(Typed<JoinConfiguration>),
    Kubelet(Typed<KubeletConfiguration>),
    KubeProxy(Typed<KubeProxyConfiguration>),
}

/// A document's body under its type.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Typed<T> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    body: T,
}

macro_rules! document {
    ($variant:ident, $body:ident, $group:literal) => {
        impl From<$body> for Document {
            fn from(body: $body) -> Self {
                Self::$variant(Typed { api_version: $group, kind: stringify!($body), body })
            }
        }
    };
}

document!(Init, InitConfiguration, "kubeadm.k8s.io/v1beta4");
document!(Cluster, ClusterConfiguration, "kubeadm.k8s.io/v1beta4");
document!(Join, JoinConfiguration, "kubeadm.k8s.io/v1beta4");
document!(Kubelet, KubeletConfiguration, "kubelet.config.k8s.io/v1beta1");
document!(KubeProxy, KubeProxyConfiguration, "kubeproxy.config.k8s.io/v1alpha1");

/// The documents as one YAML file.
pub(super) fn to_yaml(documents: &[Document]) -> Result<String> {
    serde_saphyr::to_string_multiple(documents).map_err(|e| Error::Format {
        what: "write kubeadm's configuration".to_owned(),
        reason: e.to_string(),
    })
}

/// A flag of a component, without its dashes.
#[derive(Debug, Serialize)]
pub(super) struct Arg {
    name: &'static str,
    value: String,
}

impl Arg {
    pub(super) fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into() }
    }
}

/// What `kubeadm init` does on the first node.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InitConfiguration {
    pub(super) bootstrap_tokens: Vec<BootstrapToken>,
    #[serde(rename = "localAPIEndpoint")]
    pub(super) local_api_endpoint: ApiEndpoint,
    pub(super) node_registration: NodeRegistration,
    /// What the certificates are encrypted with that other control planes fetch from the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) certificate_key: Option<String>,
    pub(super) skip_phases: Vec<&'static str>,
}

/// A token with which nodes may join.
#[derive(Debug, Serialize)]
pub(super) struct BootstrapToken {
    pub(super) token: String,
    pub(super) ttl: &'static str,
}

/// Where a node's API server listens.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiEndpoint {
    pub(super) advertise_address: String,
    pub(super) bind_port: u16,
}

/// How a node introduces itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeRegistration {
    pub(super) name: String,
    pub(super) cri_socket: String,
    /// `None` keeps kubeadm's default taints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) taints: Option<Vec<String>>,
    pub(super) image_pull_serial: bool,
    pub(super) kubelet_extra_args: Vec<Arg>,
}

/// The cluster as a whole.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClusterConfiguration {
    pub(super) kubernetes_version: String,
    pub(super) cluster_name: String,
    /// `host:port` by which all control planes are reached; `None` where there is one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) control_plane_endpoint: Option<String>,
    pub(super) encryption_algorithm: &'static str,
    pub(super) networking: Networking,
    pub(super) api_server: ApiServer,
    pub(super) controller_manager: Component,
    pub(super) scheduler: Component,
    pub(super) etcd: Etcd,
    pub(super) dns: ImageMeta,
}

/// The cluster's ranges.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Networking {
    pub(super) pod_subnet: String,
    pub(super) service_subnet: String,
    pub(super) dns_domain: &'static str,
}

/// kube-apiserver.
#[derive(Debug, Serialize)]
pub(super) struct ApiServer {
    #[serde(rename = "certSANs")]
    pub(super) cert_sans: Vec<String>,
}

/// kube-controller-manager or kube-scheduler.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Component {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) extra_args: Vec<Arg>,
}

/// etcd.
#[derive(Debug, Serialize)]
pub(super) struct Etcd {
    pub(super) local: LocalEtcd,
}

/// etcd as a static pod beside the API server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LocalEtcd {
    pub(super) data_dir: &'static str,
    pub(super) extra_args: Vec<Arg>,
    pub(super) image_tag: String,
}

/// Which build of an image is used.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageMeta {
    pub(super) image_tag: String,
}

/// What `kubeadm join` does on the other nodes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JoinConfiguration {
    pub(super) discovery: Discovery,
    /// `None` for a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) control_plane: Option<JoinControlPlane>,
    pub(super) node_registration: NodeRegistration,
    pub(super) skip_phases: Vec<&'static str>,
}

/// A further control plane.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JoinControlPlane {
    #[serde(rename = "localAPIEndpoint")]
    pub(super) local_api_endpoint: ApiEndpoint,
    pub(super) certificate_key: String,
}

/// How a node comes to trust the cluster.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Discovery {
    pub(super) file: FileDiscovery,
    pub(super) tls_bootstrap_token: String,
}

/// Trust by a file that holds the cluster's certificate authority.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileDiscovery {
    pub(super) kube_config_path: &'static str,
}

/// kubelet's settings, the same on all nodes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KubeletConfiguration {
    /// The name servers that pods are told; empty to let kubeadm name the first one.
    #[serde(rename = "clusterDNS", skip_serializing_if = "Vec::is_empty")]
    pub(super) cluster_dns: Vec<IpAddr>,
    pub(super) cgroup_driver: &'static str,
    pub(super) fail_cgroup_v1: bool,
    pub(super) fail_swap_on: bool,
    #[serde(rename = "imageGCHighThresholdPercent")]
    pub(super) image_gc_high_threshold_percent: u8,
    pub(super) eviction_hard: EvictionHard,
}

/// The thresholds below which kubelet evicts pods.
#[derive(Debug, Serialize)]
pub(super) struct EvictionHard {
    #[serde(rename = "nodefs.available")]
    pub(super) nodefs_available: &'static str,
    #[serde(rename = "nodefs.inodesFree")]
    pub(super) nodefs_inodes_free: &'static str,
    #[serde(rename = "imagefs.available")]
    pub(super) imagefs_available: &'static str,
}

/// kube-proxy's settings.
#[derive(Debug, Serialize)]
pub(super) struct KubeProxyConfiguration {
    pub(super) mode: ProxyMode,
    pub(super) conntrack: Conntrack,
}

/// The size of the connection table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Conntrack {
    pub(super) max_per_core: u32,
    pub(super) min: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_carry_their_type_and_are_kept_apart() {
        let proxy = || KubeProxyConfiguration {
            mode: ProxyMode::Nftables,
            conntrack: Conntrack { max_per_core: 0, min: 0 },
        };
        let yaml = to_yaml(&[proxy().into(), proxy().into()]).unwrap();
        assert_eq!(yaml.matches("apiVersion: kubeproxy.config.k8s.io/v1alpha1").count(), 2);
        assert_eq!(yaml.matches("kind: KubeProxyConfiguration").count(), 2);
        assert_eq!(yaml.lines().filter(|l| *l == "---").count(), 1, "{yaml}");
        assert!(yaml.contains("maxPerCore: 0"), "{yaml}");
    }
}
