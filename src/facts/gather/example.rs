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
