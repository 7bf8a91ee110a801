//! The network's objects, as the API server has them now: read only, and no more of each kind than a
//! bound.

use std::fmt::Write;

use futures::future::join_all;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams},
};
use serde_json::Value;

use super::secrets;
use crate::cluster::{Cluster, Objects, Permission};

/// No more objects of a kind are taken.
const MOST: usize = 500;

/// Namespaces of pod networks, besides kube-system.
const NETWORKS: [&str; 6] =
    ["calico-system", "cilium", "cilium-system", "kube-flannel", "kube-router", "kube-ovn"];

/// ConfigMaps of the network's own: of kube-proxy, of DNS, of the tools that build clusters, and of pod
/// networks.
const CONFIG_MAPS: [(&str, &str); 18] = [
    ("kube-system", "amazon-vpc-cni"),
    ("kube-system", "antrea-config"),
    ("kube-system", "calico-config"),
    ("kube-system", "canal-config"),
    ("kube-system", "cilium-config"),
    ("kube-system", "coredns"),
    ("kube-system", "ip-masq-agent"),
    ("kube-system", "kindnet"),
    ("kube-system", "kube-flannel-cfg"),
    ("kube-system", "kube-proxy"),
    ("kube-system", "kube-proxy-config"),
    ("kube-system", "kube-router-cfg"),
    ("kube-system", "kubeadm-config"),
    ("kube-system", "kubelet-config"),
    ("kube-system", "node-local-dns"),
    ("kube-flannel", "kube-flannel-cfg"),
    ("calico-system", "cni-config"),
    ("cilium", "cilium-config"),
];

/// Objects that were read, or why they weren't.
#[derive(Debug)]
pub(crate) struct Read {
    /// The file's name, without the directory.
    pub name: String,
    /// What they are.
    pub what: String,
    /// The objects; or what stood in the way, with the permission that is missing if it is one.
    pub found: Result<Value, String>,
}

/// What is listed, and what is kept of each object.
struct List {
    name: &'static str,
    what: &'static str,
    kind: Objects,
    namespace: Option<&'static str>,
    fields: &'static str,
    keep: fn(Value) -> Value,
}

/// Reads them all at the same time, in a cluster whose pod network is this one, where it is known. What
/// doesn't exist is left out without a word.
pub(crate) async fn read(cluster: &Cluster, pod_network: Option<&str>) -> Vec<Read> {
    const SLICES: Objects = Objects {
        group: "discovery.k8s.io",
        versions: &["v1"],
        kind: "EndpointSlice",
        plural: "endpointslices",
    };
    const EVENTS: Objects =
        Objects { group: "", versions: &["v1"], kind: "Event", plural: "events" };
    let whole = |name, what, kind, namespace| List {
        name,
        what,
        kind,
        namespace,
        fields: "",
        keep: secrets::object,
    };
    let system = Some("kube-system");
    let events = |name, what, namespace, fields| List {
        name,
        what,
        kind: EVENTS,
        namespace: Some(namespace),
        fields,
        keep: |value| secrets::event(&value),
    };
    let mut lists = vec![
        whole("nodes", "the Nodes", Objects::NODES, None),
        whole("services", "the Services of kube-system", Objects::SERVICES, system),
        whole("endpointslices", "the EndpointSlices of kube-system", SLICES, system),
        whole(
            "daemonsets",
            "the DaemonSets of kube-system, by name and state",
            Objects::DAEMON_SETS,
            system,
        ),
        whole("servicecidrs", "the ServiceCIDRs", Objects::SERVICE_CIDRS, None),
        whole("ippools", "Calico's pools", Objects::IP_POOLS, None),
        events("events-nodes", "recent Events of the Nodes", "default", "involvedObject.kind=Node"),
        events(
            "events-kube-system",
            "recent Events of the pods of kube-system",
            "kube-system",
            "involvedObject.kind=Pod",
        ),
    ];
    // Who may not list them is told the same where there are none.
    let has_pools = pod_network.is_none_or(|name| matches!(name, "calico" | "canal"));
    lists.retain(|list| has_pools || list.name != "ippools");
    if let Some(daemon_sets) = lists.iter_mut().find(|list| list.name == "daemonsets") {
        daemon_sets.keep = |value| secrets::daemon_set(&value);
    }
    for namespace in ["kube-system"].into_iter().chain(NETWORKS) {
        lists.push(List {
            name: "pods",
            what: "the pods there, without their environment",
            kind: Objects::PODS,
            namespace: Some(namespace),
            fields: "",
            keep: |value| secrets::pod(&value),
        });
    }
    let listed = join_all(lists.iter().map(|list| list.read(cluster)));
    let maps = join_all(CONFIG_MAPS.map(|(namespace, name)| config_map(cluster, namespace, name)));
    let (listed, maps) = tokio::join!(listed, maps);
    listed.into_iter().flatten().chain(maps.into_iter().flatten()).collect()
}

impl List {
    async fn read(&self, cluster: &Cluster) -> Option<Read> {
        let resource = |version| {
            let kind = GroupVersionKind::gvk(self.kind.group, version, self.kind.kind);
            ApiResource::from_gvk_with_plural(&kind, self.kind.plural)
        };
        let parameters = ListParams::default().fields(self.fields);
        let mut listed = Ok((Vec::new(), false));
        for version in self.kind.versions {
            let (resource, client) = (resource(version), cluster.client.clone());
            let api: Api<DynamicObject> = match self.namespace {
                Some(namespace) => Api::namespaced_with(client, namespace, &resource),
                None => Api::all_with(client, &resource),
            };
            listed = list_values(&api, &parameters, self.keep).await;
            match &listed {
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                _ => break,
            }
        }
        let mut name = self.name.to_owned();
        let mut what = self.what.to_owned();
        if self.name == "pods" {
            // Writing to a String can't fail.
            let _ = write!(name, "-{}", self.namespace.unwrap_or_default());
            what = format!(
                "the pods of {}, without their environment",
                self.namespace.unwrap_or_default()
            );
        }
        let found = match listed {
            Ok((objects, _)) if objects.is_empty() => return None,
            Ok((objects, more)) => {
                if more {
                    let _ = write!(what, ", the first {MOST}");
                }
                Ok(Value::Array(objects))
            }
            Err(kube::Error::Api(status)) if status.code == 404 => return None,
            Err(error) => {
                let permission = Permission::optional(
                    "list",
                    &format!("{}{}", self.kind.plural, dotted(self.kind.group)),
                    self.namespace,
                );
                Err(why(&permission, &error))
            }
        };
        Some(Read { name, what, found })
    }
}

fn dotted(group: &str) -> String {
    if group.is_empty() { String::new() } else { format!(".{group}") }
}

async fn list_values(
    api: &Api<DynamicObject>,
    parameters: &ListParams,
    keep: fn(Value) -> Value,
) -> kube::Result<(Vec<Value>, bool)> {
    let mut listed = Vec::new();
    let client = api.clone().into_client();
    let request = kube::core::Request::new(api.resource_url());
    let limit = u32::try_from(MOST).unwrap_or(u32::MAX);
    let parameters = parameters.clone().limit(limit);
    let page: Value =
        client.request(request.list(&parameters).map_err(kube::Error::BuildRequest)?).await?;
    let more = page["metadata"]["continue"].as_str().is_some_and(|token| !token.is_empty());
    listed.extend(page["items"].as_array().into_iter().flatten().cloned().map(keep));
    Ok((listed, more))
}

async fn config_map(cluster: &Cluster, namespace: &str, name: &str) -> Option<Read> {
    let resource = ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("", "v1", "ConfigMap"),
        "configmaps",
    );
    let api: Api<DynamicObject> =
        Api::namespaced_with(cluster.client.clone(), namespace, &resource);
    let permission = Permission::optional("get", "configmaps", Some(namespace));
    let mut what = format!("ConfigMap {namespace}/{name}");
    let found = match api.get(name).await {
        Ok(map) => {
            what.push_str(", without what may be secret");
            serde_json::to_value(map)
                .map(secrets::config_map)
                .map_err(|error| format!("cannot be read: {error}"))
        }
        Err(kube::Error::Api(status)) if status.code == 404 => return None,
        Err(error) => Err(why(&permission, &error)),
    };
    Some(Read { name: format!("configmap-{namespace}-{name}"), what, found })
}

/// What stood in the way, as a phrase.
fn why(permission: &Permission, error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            format!("missing permission: {permission}")
        }
        kube::Error::Api(status) => format!("{permission}: {}", status.message),
        error => format!("{permission}: {error}"),
    }
}
