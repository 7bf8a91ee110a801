//! The kinds of objects that hold a cluster's network configuration, and how they are listed,
//! whatever version of the API serves them.

use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams},
};

use super::{Cluster, list_all};

/// A kind of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objects {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The versions that may serve it, the preferred one first.
    pub versions: &'static [&'static str],
    /// The kind.
    pub kind: &'static str,
    /// The resource, as permissions name it.
    pub plural: &'static str,
}

impl Objects {
    /// ConfigMaps.
    pub const CONFIG_MAPS: Self = Self::core("ConfigMap", "configmaps");
    /// Pods.
    pub const PODS: Self = Self::core("Pod", "pods");
    /// Nodes.
    pub const NODES: Self = Self::core("Node", "nodes");
    /// Services.
    pub const SERVICES: Self = Self::core("Service", "services");
    /// DaemonSets.
    pub const DAEMON_SETS: Self =
        Self { group: "apps", versions: &["v1"], kind: "DaemonSet", plural: "daemonsets" };
    /// ServiceCIDRs: `v1` since Kubernetes 1.33, `v1beta1` since 1.31 where it is enabled.
    pub const SERVICE_CIDRS: Self = Self {
        group: "networking.k8s.io",
        versions: &["v1", "v1beta1"],
        kind: "ServiceCIDR",
        plural: "servicecidrs",
    };
    /// Calico's pools, as it stores them.
    pub const IP_POOLS: Self = Self {
        group: "crd.projectcalico.org",
        versions: &["v1"],
        kind: "IPPool",
        plural: "ippools",
    };

    const fn core(kind: &'static str, plural: &'static str) -> Self {
        Self { group: "", versions: &["v1"], kind, plural }
    }

    /// Lists them with some labels, in one namespace or in all. The first version that the cluster
    /// has answers.
    ///
    /// # Errors
    ///
    /// Those of the API server; 404 if it has no such version.
    pub async fn list(
        &self,
        cluster: &Cluster,
        namespace: Option<&str>,
        labels: &str,
    ) -> kube::Result<Vec<DynamicObject>> {
        let parameters = ListParams::default().labels(labels);
        let mut listed = Ok(Vec::new());
        for version in self.versions {
            let kind = GroupVersionKind::gvk(self.group, version, self.kind);
            let resource = ApiResource::from_gvk_with_plural(&kind, self.plural);
            let client = cluster.client.clone();
            let api: Api<DynamicObject> = match namespace {
                Some(namespace) => Api::namespaced_with(client, namespace, &resource),
                None => Api::all_with(client, &resource),
            };
            listed = list_all(&api, &parameters).await;
            match &listed {
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                _ => break,
            }
        }
        listed
    }
}
