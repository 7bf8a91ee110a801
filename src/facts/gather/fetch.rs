//! The requests, and which of their failures are facts.

use std::{convert::identity, fmt::Debug};

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::DaemonSet,
        coordination::v1::Lease,
        core::v1::{ConfigMap, Container, Node, Pod, PodSpec, Service},
        discovery::v1::EndpointSlice,
        networking::v1,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Resource, ResourceExt, api::ListParams, core::DynamicObject};
use serde::de::DeserializeOwned;

use super::{
    listed::{ListedAddress, ListedPod, ListedService},
    nodes, proxies,
};
use crate::{
    cluster::{Cluster, ClusterError, Objects, Permission, list_all, list_as, list_most},
    facts::{self, Fact, ProxyPod, ServiceCidr},
};

/// Something from the API server, or why it isn't there.
pub(super) type Fetched<T> = Result<T, Missing>;

/// Why something isn't there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// It doesn't exist, or can't be parsed.
    Absent(String),
    /// We may not see it: the permission that is missing.
    Forbidden(String),
}

impl Missing {
    /// What this run does not need.
    pub(super) fn unasked() -> Self {
        Self::Absent("not asked for".to_owned())
    }
}

impl<T> From<Missing> for Fact<T> {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Absent(reason) => Self::Absent { reason },
            Missing::Forbidden(reason) => Self::Forbidden { reason },
        }
    }
}

/// The requests of one gathering.
pub(super) struct Fetch<'a> {
    cluster: &'a Cluster,
}

impl<'a> Fetch<'a> {
    pub(super) const fn new(cluster: &'a Cluster) -> Self {
        Self { cluster }
    }

    /// The nodes, without which there is nothing to say.
    pub(super) async fn nodes(&self) -> Result<Vec<facts::Node>, ClusterError> {
        let all: Api<Node> = Api::all(self.cluster.client.clone());
        let nodes = list_as(&all, &ListParams::default(), nodes::booted).await;
        nodes.map(nodes::by_kernel).map_err(|error| self.cluster.error("list nodes", error))
    }

    pub(super) async fn config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Fetched<ConfigMap>, ClusterError> {
        let api: Api<ConfigMap> = Api::namespaced(self.cluster.client.clone(), namespace);
        let permission = Permission::optional("get", "configmaps", Some(namespace));
        self.settle(&permission, &format!("ConfigMap {namespace}/{name}"), api.get(name).await)
    }

    pub(super) async fn pods(
        &self,
        namespace: &str,
        labels: &str,
    ) -> Result<Fetched<Vec<Pod>>, ClusterError> {
        self.list_in(namespace, labels, "pods").await
    }

    /// The pods of kube-proxy: on each node there may be one.
    pub(super) async fn proxy_pods(
        &self,
        namespace: &str,
        labels: &str,
    ) -> Result<Fetched<Vec<ProxyPod>>, ClusterError> {
        let api: Api<Pod> = Api::namespaced(self.cluster.client.clone(), namespace);
        let permission = Permission::optional("list", "pods", Some(namespace));
        let labelled = ListParams::default().labels(labels);
        let listed = list_as(&api, &labelled, proxies::proxy_pod).await;
        self.settle(&permission, &format!("Pod in {namespace}"), listed)
    }

    /// Pods with nothing but their labels and command lines: on each node there may be one.
    pub(super) async fn commands(
        &self,
        namespace: &str,
        labels: &str,
    ) -> Result<Fetched<Vec<Pod>>, ClusterError> {
        let api: Api<Pod> = Api::namespaced(self.cluster.client.clone(), namespace);
        let permission = Permission::optional("list", "pods", Some(namespace));
        let listed = list_as(&api, &ListParams::default().labels(labels), command_lines).await;
        self.settle(&permission, &format!("Pod in {namespace}"), listed)
    }

    pub(super) async fn services(
        &self,
        namespace: &str,
        labels: &str,
    ) -> Result<Fetched<Vec<Service>>, ClusterError> {
        self.list_in(namespace, labels, "services").await
    }

    pub(super) async fn service(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Fetched<Service>, ClusterError> {
        let api: Api<Service> = Api::namespaced(self.cluster.client.clone(), namespace);
        let permission = Permission::required("get", "services", Some(namespace));
        self.settle(&permission, &format!("Service {namespace}/{name}"), api.get(name).await)
    }

    /// The EndpointSlices of a Service.
    pub(super) async fn endpoint_slices(
        &self,
        namespace: &str,
        service: &str,
    ) -> Result<Fetched<Vec<EndpointSlice>>, ClusterError> {
        let labels = format!("kubernetes.io/service-name={service}");
        self.list_in(namespace, &labels, "endpointslices.discovery.k8s.io").await
    }

    /// The Leases of a namespace.
    pub(super) async fn leases(
        &self,
        namespace: &str,
    ) -> Result<Fetched<Vec<Lease>>, ClusterError> {
        let api: Api<Lease> = Api::namespaced(self.cluster.client.clone(), namespace);
        let permission =
            Permission::optional("list", "leases.coordination.k8s.io", Some(namespace));
        self.settle(&permission, "Lease", list_all(&api, &ListParams::default()).await)
    }

    /// The DaemonSets of all namespaces.
    pub(super) async fn daemon_sets(&self) -> Result<Fetched<Vec<DaemonSet>>, ClusterError> {
        let api: Api<DaemonSet> = Api::all(self.cluster.client.clone());
        let permission = Permission::optional("list", "daemonsets.apps", None);
        self.settle(&permission, "DaemonSet", list_all(&api, &ListParams::default()).await)
    }

    /// The ServiceCIDRs.
    pub(super) async fn service_cidrs(&self) -> Result<Fetched<Vec<ServiceCidr>>, ClusterError> {
        let permission = Permission::optional("list", "servicecidrs.networking.k8s.io", None);
        let what = "ServiceCIDR API (networking.k8s.io, served by default since Kubernetes 1.33)";
        let listed = Objects::SERVICE_CIDRS.list(self.cluster, None, "").await;
        let listed = listed.map(|list| list.iter().map(service_cidr).collect());
        self.settle(&permission, what, listed)
    }

    /// The IPAddress objects, each of which reserves a ClusterIP.
    pub(super) async fn ip_addresses(&self) -> Result<Fetched<Vec<ListedAddress>>, ClusterError> {
        let permission = Permission::optional("list", "ipaddresses.networking.k8s.io", None);
        let all: Api<v1::IPAddress> = Api::all(self.cluster.client.clone());
        let api = "IPAddress API (networking.k8s.io/v1, served since Kubernetes 1.33)";
        self.settle(&permission, api, list_as(&all, &ListParams::default(), identity).await)
    }

    /// The Services of all namespaces.
    pub(super) async fn all_services(&self) -> Result<Fetched<Vec<ListedService>>, ClusterError> {
        let permission = Permission::optional("list", "services", None);
        let all: Api<Service> = Api::all(self.cluster.client.clone());
        self.settle(&permission, "Service", list_as(&all, &ListParams::default(), identity).await)
    }

    /// The running pods of all namespaces, no more than `most`, and whether there are more.
    pub(super) async fn running_pods(
        &self,
        most: usize,
    ) -> Result<Fetched<(Vec<ListedPod>, bool)>, ClusterError> {
        let permission = Permission::optional("list", "pods", None);
        let all: Api<Pod> = Api::all(self.cluster.client.clone());
        let running = ListParams::default().fields("status.phase=Running");
        self.settle(&permission, "Pod", list_most(&all, &running, most, identity).await)
    }

    /// Calico's IPPools, as they are.
    pub(super) async fn ip_pools(&self) -> Result<Fetched<Vec<DynamicObject>>, ClusterError> {
        let permission = Permission::optional("list", "ippools.crd.projectcalico.org", None);
        let listed = Objects::IP_POOLS.list(self.cluster, None, "").await;
        self.settle(&permission, "IPPool (crd.projectcalico.org)", listed)
    }

    async fn list_in<K>(
        &self,
        namespace: &str,
        labels: &str,
        resource: &str,
    ) -> Result<Fetched<Vec<K>>, ClusterError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.cluster.client.clone(), namespace);
        let permission = Permission::optional("list", resource, Some(namespace));
        let listed = list_all(&api, &ListParams::default().labels(labels)).await;
        self.settle(&permission, &format!("{} in {namespace}", K::kind(&())), listed)
    }

    /// Tells failures that are facts from failures of the cluster.
    fn settle<T>(
        &self,
        permission: &Permission,
        what: &str,
        result: kube::Result<T>,
    ) -> Result<Fetched<T>, ClusterError> {
        let missing = match result {
            Ok(found) => {
                tracing::debug!("{permission}: read {what}");
                return Ok(Ok(found));
            }
            Err(kube::Error::Api(status)) if status.code == 404 => {
                Missing::Absent(format!("{what} not found"))
            }
            Err(kube::Error::Api(status)) if status.code == 403 => {
                Missing::Forbidden(permission.to_string())
            }
            Err(kube::Error::Api(status)) if status.code != 401 => {
                Missing::Absent(format!("cannot read {what}: {}", status.message))
            }
            Err(kube::Error::SerdeError(error)) => {
                Missing::Absent(format!("cannot parse {what}: {error}"))
            }
            Err(error) => return Err(self.cluster.error(&permission.to_string(), error)),
        };
        tracing::debug!("{permission}: {missing:?}");
        Ok(Err(missing))
    }
}

/// A pod without everything but its labels and command lines.
fn command_lines(pod: Pod) -> Pod {
    let containers = pod.spec.into_iter().flat_map(|spec| spec.containers);
    let containers = containers.map(|container| Container {
        name: container.name,
        command: container.command,
        args: container.args,
        ..Container::default()
    });
    Pod {
        metadata: ObjectMeta {
            namespace: pod.metadata.namespace,
            name: pod.metadata.name,
            labels: pod.metadata.labels,
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec { containers: containers.collect(), ..PodSpec::default() }),
        status: None,
    }
}

/// The ServiceCIDR that an object states.
fn service_cidr(object: &DynamicObject) -> ServiceCidr {
    let strings = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let cidrs = object.data["spec"]["cidrs"].as_array().into_iter().flatten();
    let mut conditions = object.data["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.find(|condition| condition["type"] == "Ready");
    ServiceCidr {
        name: object.name_any(),
        cidrs: cidrs.map(strings).collect(),
        ready: ready.is_some_and(|condition| condition["status"] == "True"),
        message: ready.map_or_else(
            || "it has no condition Ready yet".to_owned(),
            |condition| strings(&condition["message"]),
        ),
    }
}
