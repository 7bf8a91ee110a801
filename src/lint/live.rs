//! The live cluster's configuration, as documents to lint: the same that files hold.

use futures::future::join_all;
use serde_json::{Map, Value, json};

use crate::cluster::{Cluster, ClusterError, Objects};

/// An object of the live cluster, as a document.
#[derive(Clone, Debug)]
pub struct LiveDocument {
    /// What it is, such as `ConfigMap kube-system/kubeadm-config`.
    pub name: String,
    /// The object as YAML.
    pub text: String,
}

/// What was read of a live cluster.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The objects.
    pub documents: Vec<LiveDocument>,
    /// What could not be read, and why.
    pub unread: Vec<String>,
}

/// Objects that say something about the network.
struct ObjectQuery {
    objects: Objects,
    /// Only in this namespace; in all of them where there is none.
    namespace: Option<&'static str>,
    /// Only with these labels.
    labels: &'static str,
    /// Only what the rules read is kept: no secrets in excerpts, no noise around them.
    keep: fn(&Value) -> Option<Value>,
}

impl ObjectQuery {
    const fn everywhere(objects: Objects, keep: fn(&Value) -> Option<Value>) -> Self {
        Self { objects, namespace: None, labels: "", keep }
    }
}

const KUBE_SYSTEM: Option<&str> = Some("kube-system");

const QUERIES: &[ObjectQuery] = &[
    ObjectQuery {
        namespace: KUBE_SYSTEM,
        ..ObjectQuery::everywhere(Objects::CONFIG_MAPS, config_map)
    },
    ObjectQuery {
        namespace: Some("kube-flannel"),
        ..ObjectQuery::everywhere(Objects::CONFIG_MAPS, config_map)
    },
    ObjectQuery {
        namespace: KUBE_SYSTEM,
        labels: "tier=control-plane",
        ..ObjectQuery::everywhere(Objects::PODS, pod)
    },
    ObjectQuery::everywhere(Objects::NODES, node),
    ObjectQuery::everywhere(Objects::SERVICES, spec),
    ObjectQuery::everywhere(Objects::SERVICE_CIDRS, spec),
    ObjectQuery::everywhere(Objects::IP_POOLS, spec),
    ObjectQuery {
        labels: "k8s-app=calico-node",
        ..ObjectQuery::everywhere(Objects::DAEMON_SETS, daemon_set)
    },
];

/// Reads all that the rules know of from a cluster, everything at the same time. What may not be
/// read, or can't be, is said in [`Live::unread`]; kinds that the cluster doesn't have are not.
///
/// # Errors
///
/// If nothing at all can be read.
pub async fn collect(cluster: &Cluster) -> Result<Live, ClusterError> {
    let lists =
        QUERIES.iter().map(|wanted| wanted.objects.list(cluster, wanted.namespace, wanted.labels));
    let lists = join_all(lists).await;
    let mut live = Live::default();
    let mut first = None;
    for (wanted, list) in QUERIES.iter().zip(lists) {
        let doing = format!("list {}", wanted.objects.plural);
        match list {
            Ok(objects) => {
                let objects = objects.iter().filter_map(|object| serde_json::to_value(object).ok());
                live.documents.extend(objects.filter_map(|object| document(wanted, &object)));
            }
            // The cluster lacks this kind: an older version, or another CNI.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => {
                let error = cluster.error(&doing, error);
                live.unread.push(error.to_string());
                first.get_or_insert(error);
            }
        }
    }
    match first {
        Some(error) if live.documents.is_empty() => Err(error),
        _ => Ok(live),
    }
}

fn document(wanted: &ObjectQuery, object: &Value) -> Option<LiveDocument> {
    let kept = (wanted.keep)(object)?;
    let name = text(object, "/metadata/name");
    let full = match text(object, "/metadata/namespace") {
        "" => name.to_owned(),
        namespace => format!("{namespace}/{name}"),
    };
    let mut whole = Map::new();
    let Objects { group, versions, kind, .. } = wanted.objects;
    let version = versions.first().copied().unwrap_or_default();
    let api = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    whole.insert("apiVersion".into(), json!(api));
    whole.insert("kind".into(), json!(kind));
    let mut metadata = Map::new();
    metadata.insert("name".into(), json!(name));
    if let Some(namespace) = object.pointer("/metadata/namespace") {
        metadata.insert("namespace".into(), namespace.clone());
    }
    if let Value::Object(mut kept) = kept {
        if let Some(Value::Object(more)) = kept.remove("metadata") {
            metadata.extend(more);
        }
        whole.insert("metadata".into(), Value::Object(metadata));
        whole.extend(kept);
    }
    let text = serde_saphyr::to_string(&Value::Object(whole)).ok()?;
    Some(LiveDocument { name: format!("{kind} {full}"), text })
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// An object of the given fields, without those that are absent.
fn fields(list: &[(&str, Option<&Value>)]) -> Value {
    let present = list.iter().filter_map(|(key, value)| Some(((*key).into(), (*value)?.clone())));
    Value::Object(present.collect())
}

fn config_map(object: &Value) -> Option<Value> {
    let keys = [
        "ClusterConfiguration",
        "kubelet",
        "config.conf",
        "cni_network_config",
        "net-conf.json",
        "Corefile",
    ];
    // Of Cilium's many settings those of families and ranges.
    let cilium =
        ["enable-ipv4", "enable-ipv6", "cluster-pool-", "ipam", "ipv4-", "ipv6-", "routing-"];
    let is_cilium = text(object, "/metadata/name") == "cilium-config";
    let own = |key: &str| is_cilium && cilium.iter().any(|prefix| key.starts_with(prefix));
    let data = object.get("data")?.as_object()?;
    let kept: Map<String, Value> = data
        .iter()
        .filter(|(key, _)| keys.contains(&key.as_str()) || own(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    (!kept.is_empty()).then(|| json!({ "data": kept }))
}

fn containers(object: &Value, pointer: &str, keys: &[&str]) -> Option<Value> {
    let containers = object.pointer(pointer)?.as_array()?.iter();
    let kept = containers.map(|container| {
        fields(&keys.iter().map(|key| (*key, container.get(*key))).collect::<Vec<_>>())
    });
    Some(Value::Array(kept.collect()))
}

fn pod(object: &Value) -> Option<Value> {
    let keys = ["name", "image", "command", "args"];
    let containers = containers(object, "/spec/containers", &keys)?;
    Some(json!({ "spec": { "containers": containers } }))
}

fn daemon_set(object: &Value) -> Option<Value> {
    let containers = containers(object, "/spec/template/spec/containers", &["name", "env"])?;
    Some(json!({ "spec": { "template": { "spec": { "containers": containers } } } }))
}

fn node(object: &Value) -> Option<Value> {
    let version = object.pointer("/status/nodeInfo/kubeletVersion");
    let spec = |key: &str| object.pointer(&format!("/spec/{key}"));
    let role = "node-role.kubernetes.io/control-plane";
    let labels = object.pointer("/metadata/labels").and_then(|labels| labels.get(role));
    Some(json!({
        "metadata": { "labels": fields(&[(role, labels)]) },
        "spec": fields(&[("podCIDRs", spec("podCIDRs")), ("providerID", spec("providerID"))]),
        "status": {
            "addresses": object.pointer("/status/addresses")?,
            "nodeInfo": fields(&[("kubeletVersion", version)]),
        },
    }))
}

fn spec(object: &Value) -> Option<Value> {
    Some(json!({ "spec": object.get("spec")? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_what_the_rules_read_and_nothing_else() {
        let object = json!({
            "metadata": {"name": "kube-proxy", "namespace": "kube-system", "managedFields": []},
            "data": {"config.conf": "kind: KubeProxyConfiguration\n", "kubeconfig.conf": "secret"},
        });
        let document = document(&QUERIES[0], &object).unwrap();
        assert_eq!(document.name, "ConfigMap kube-system/kube-proxy");
        assert!(document.text.contains("KubeProxyConfiguration"), "{}", document.text);
        assert!(!document.text.contains("secret"), "{}", document.text);
        assert!(!document.text.contains("managedFields"), "{}", document.text);
    }
}
