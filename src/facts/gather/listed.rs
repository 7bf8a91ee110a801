//! Objects of which a cluster may have very many, with the fields alone that the facts are made of:
//! the API server sends them whole, and what has no place here is skipped as it is read.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{ContainerStatus, NodeAddress, NodeCondition, NodeSystemInfo, Taint},
    apimachinery::pkg::api::resource::Quantity,
};
use serde::{Deserialize, Deserializer};

/// `metadata` of any object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Metadata {
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// A Node.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListedNode {
    pub(super) metadata: NodeMetadata,
    pub(super) spec: NodeSpec,
    pub(super) status: NodeStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeMetadata {
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) annotations: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeSpec {
    #[serde(rename = "podCIDR")]
    pub(super) pod_cidr: Option<String>,
    #[serde(rename = "podCIDRs")]
    pub(super) pod_cidrs: Option<Vec<String>>,
    #[serde(rename = "providerID")]
    pub(super) provider_id: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) taints: Vec<Taint>,
    pub(super) unschedulable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeStatus {
    #[serde(deserialize_with = "or_default")]
    pub(super) addresses: Vec<NodeAddress>,
    pub(super) allocatable: Option<Allocatable>,
    #[serde(deserialize_with = "or_default")]
    pub(super) conditions: Vec<NodeCondition>,
    pub(super) node_info: NodeSystemInfo,
}

#[derive(Debug, Deserialize)]
pub(super) struct Allocatable {
    pub(super) pods: Option<Quantity>,
}

/// A Service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListedService {
    pub(super) metadata: Metadata,
    pub(super) spec: ServiceSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ServiceSpec {
    #[serde(rename = "clusterIPs", deserialize_with = "or_default")]
    pub(super) cluster_ips: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) ip_families: Vec<String>,
    pub(super) ip_family_policy: Option<String>,
}

/// An IPAddress.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListedAddress {
    pub(super) metadata: Metadata,
    pub(super) spec: AddressSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AddressSpec {
    /// What it is reserved for.
    pub(super) parent_ref: Option<Metadata>,
}

/// A Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListedPod {
    pub(super) metadata: Metadata,
    pub(super) spec: PodSpec,
    pub(super) status: PodStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub(super) host_network: bool,
    pub(super) node_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodStatus {
    #[serde(rename = "podIPs", deserialize_with = "or_default")]
    pub(super) pod_ips: Vec<PodIp>,
    #[serde(deserialize_with = "or_default")]
    pub(super) container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PodIp {
    pub(super) ip: String,
}

/// Reads `null`, too, as nothing.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
