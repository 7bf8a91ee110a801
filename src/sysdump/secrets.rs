//! Keeping secrets out of what the cluster's objects say.

use serde_json::{Map, Value};

/// What stands in place of something that may be secret.
const WITHHELD: &str = "<withheld>";

/// Words in a line, or in the name of a value, that may be about a secret.
const SECRET: [&str; 12] = [
    "password",
    "passwd",
    "secret",
    "token",
    "private-key",
    "privatekey",
    "private key",
    "client-key",
    "credential",
    "bearer",
    "authorization",
    "psk",
];

/// Fields of objects that say nothing of the network, or repeat the whole object.
const NEEDLESS: [&str; 4] = ["managedFields", "images", "volumesInUse", "volumesAttached"];

/// Annotations that speak of the network, by what is in their names.
const NETWORK: [&str; 13] = [
    "cilium",
    "cni",
    "endpoints.kubernetes.io",
    "flannel",
    "internal-ip",
    "external-ip",
    "k8s.ovn.org",
    "kube-router",
    "loadbalancer",
    "load-balancer",
    "projectcalico.org",
    "provided-node-ip",
    "weave",
];

/// An object of the API without what is secret or needless. Pods are none of those that are taken
/// whole: see [`pod`].
pub(super) fn object(object: Value) -> Value {
    let Value::Object(fields) = object else { return object };
    let kept = fields.into_iter().filter(|(key, _)| !NEEDLESS.contains(&key.as_str()));
    let kept = kept.map(|(key, value)| {
        let value = match (key.as_str(), value) {
            ("annotations", Value::Object(all)) => Value::Object(annotations(all)),
            (_, value @ Value::Object(_)) => self::object(value),
            (_, Value::Array(all)) => all.into_iter().map(self::object).collect(),
            (_, value) => value,
        };
        (key, value)
    });
    Value::Object(kept.collect())
}

fn annotations(all: Map<String, Value>) -> Map<String, Value> {
    all.into_iter()
        .filter(|(key, _)| NETWORK.iter().any(|word| key.contains(word)))
        .map(|(key, value)| {
            let secret =
                is_secret(&key) || value.as_str().is_some_and(|text| text.lines().any(is_secret));
            (key, if secret { WITHHELD.into() } else { value })
        })
        .collect()
}

/// A ConfigMap of the network's own: no kubeconfigs and keys, and no line that may be about a secret.
pub(super) fn config_map(map: Value) -> Value {
    let mut map = object(map);
    if let Some(Value::Object(data)) = map.get_mut("data") {
        for (key, value) in data {
            if let Some(text) = value.as_str() {
                *value = configuration(key, text).into();
            }
        }
    }
    if let Some(fields) = map.as_object_mut() {
        fields.remove("binaryData");
    }
    map
}

fn configuration(name: &str, text: &str) -> String {
    let kubeconfig = name.contains("kubeconfig")
        || (text.contains("clusters:") && text.contains("users:"))
        || text.contains("kind: Config\n");
    if kubeconfig || is_secret(name) || text.contains("-----BEGIN") {
        return WITHHELD.to_owned();
    }
    let lines = text.lines().map(|line| if is_secret(line) { WITHHELD } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

fn is_secret(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    SECRET.iter().any(|word| line.contains(word))
}

/// What a pod is and how it fares: neither its environment nor its volumes.
pub(super) fn pod(pod: &Value) -> Value {
    let status = &pod["status"];
    let containers = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let containers = containers.map(|container| {
        picked(container, &["name", "image", "ready", "restartCount", "state", "lastState"])
    });
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let conditions = conditions.map(|condition| {
        picked(condition, &["type", "status", "reason", "message", "lastTransitionTime"])
    });
    serde_json::json!({
        "metadata": picked(&pod["metadata"], &["namespace", "name", "creationTimestamp"]),
        "spec": picked(&pod["spec"], &["nodeName", "hostNetwork"]),
        "status": {
            "phase": status["phase"],
            "podIPs": status["podIPs"],
            "hostIPs": status["hostIPs"],
            "conditions": conditions.collect::<Vec<_>>(),
            "containerStatuses": containers.collect::<Vec<_>>(),
        },
    })
}

/// A DaemonSet by its name, images and state.
pub(super) fn daemon_set(set: &Value) -> Value {
    let containers = set["spec"]["template"]["spec"]["containers"].as_array().into_iter().flatten();
    let images = containers.map(|container| picked(container, &["name", "image"]));
    serde_json::json!({
        "metadata": picked(&set["metadata"], &["namespace", "name", "creationTimestamp"]),
        "containers": images.collect::<Vec<_>>(),
        "status": set["status"],
    })
}

/// What happened to something, and how often.
pub(super) fn event(event: &Value) -> Value {
    let mut kept = picked(
        event,
        &["type", "reason", "message", "count", "firstTimestamp", "lastTimestamp", "eventTime"],
    );
    kept["involvedObject"] = picked(&event["involvedObject"], &["kind", "namespace", "name"]);
    kept
}

fn picked(object: &Value, keys: &[&str]) -> Value {
    let fields = keys.iter().filter_map(|key| Some(((*key).to_owned(), object.get(key)?.clone())));
    Value::Object(fields.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kubeconfigs_keys_and_lines_about_secrets_are_withheld() {
        let map = config_map(json!({
            "metadata": {"name": "kube-proxy", "managedFields": [{}], "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
            }},
            "data": {
                "config.conf": "mode: nftables\nclusterCIDR: 10.244.0.0/16\nauthToken: abc",
                "kubeconfig.conf": "server: https://x",
                "other": "apiVersion: v1\nkind: Config\nx: y",
                "ca": "-----BEGIN CERTIFICATE-----",
                "etcd-client-key": "x",
            },
        }));
        assert_eq!(
            map,
            json!({
                "metadata": {"name": "kube-proxy", "annotations": {}},
                "data": {
                    "config.conf": "mode: nftables\nclusterCIDR: 10.244.0.0/16\n<withheld>",
                    "kubeconfig.conf": "<withheld>",
                    "other": "<withheld>",
                    "ca": "<withheld>",
                    "etcd-client-key": "<withheld>",
                },
            })
        );
    }

    #[test]
    fn nothing_of_a_pods_environment_is_taken() {
        let taken = pod(&json!({
            "metadata": {"name": "kube-proxy-x", "namespace": "kube-system", "annotations": {"a": "b"}},
            "spec": {"nodeName": "n1", "containers": [{"env": [{"name": "PASSWORD", "value": "hunter2"}]}]},
            "status": {"phase": "Running", "podIPs": [{"ip": "192.168.0.1"}], "containerStatuses": [
                {"name": "kube-proxy", "ready": true, "restartCount": 3, "containerID": "x"},
            ]},
        }));
        let text = taken.to_string();
        assert!(!text.contains("hunter2") && !text.contains("containerID"), "{text}");
        assert!(text.contains("192.168.0.1") && text.contains("\"restartCount\":3"), "{text}");
    }
}
