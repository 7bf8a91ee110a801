//! Configuration files that lie in ConfigMaps, as far as the facts need them.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use serde::{Deserialize, de::DeserializeOwned};

use super::fetch::{Fetched, Missing};

/// kubeadm's ClusterConfiguration.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClusterConfiguration {
    pub(super) networking: Networking,
}

/// Its field `networking`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Networking {
    pub(super) pod_subnet: String,
    pub(super) service_subnet: String,
    pub(super) dns_domain: String,
}

/// KubeProxyConfiguration.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct KubeProxyConfiguration {
    pub(super) mode: String,
    #[serde(rename = "clusterCIDR")]
    pub(super) cluster_cidr: String,
    /// `null` where unset.
    pub(super) node_port_addresses: Option<Vec<String>>,
    pub(super) detect_local_mode: String,
    pub(super) healthz_bind_address: String,
    pub(super) iptables: Option<Mode>,
    pub(super) nftables: Option<Mode>,
}

/// What KubeProxyConfiguration says of one mode.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Mode {
    pub(super) masquerade_all: bool,
    /// `null` where unset.
    pub(super) localhost_node_ports: Option<bool>,
}

/// KubeletConfiguration.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct KubeletConfiguration {
    pub(super) cluster_domain: String,
}

/// `ConfigMap namespace/name`, as a person would look it up.
pub(super) fn source(map: &ConfigMap) -> String {
    format!("ConfigMap {}/{}", map.namespace().unwrap_or_default(), map.name_any())
}

/// One value of a ConfigMap.
pub(super) fn value<'a>(map: &'a ConfigMap, key: &str) -> Fetched<&'a str> {
    let found = map.data.as_ref().and_then(|data| data.get(key)).map(String::as_str);
    found.ok_or_else(|| Missing::Absent(format!("{} has no key {key}", source(map))))
}

/// One value of a ConfigMap, read as YAML.
pub(super) fn parsed<T: DeserializeOwned>(map: &ConfigMap, key: &str) -> Fetched<T> {
    serde_saphyr::from_str(value(map, key)?).map_err(|error| {
        let first = error.to_string().lines().next().unwrap_or_default().to_owned();
        Missing::Absent(format!("cannot parse {key} of {}: {first}", source(map)))
    })
}
