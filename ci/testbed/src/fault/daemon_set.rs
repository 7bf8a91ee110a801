//! DaemonSets that faults change, with one pod on each node: read, changed, and taken up by new pods.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kubectl::{self, text};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    run::wait_for,
};

/// How long pods may take to go, or to start again.
const PATIENCE: Duration = Duration::from_secs(120);

/// A DaemonSet with one pod per node.
pub(super) struct DaemonSet {
    /// Its namespace.
    pub namespace: &'static str,
    /// Its name.
    pub name: &'static str,
    /// A label of its pods, as a selector.
    pub label: &'static str,
}

/// What of a DaemonSet a fault changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Daemon {
    template: Value,
    update_strategy: Value,
}

impl Daemon {
    /// The same with another template, which no running pod takes up before it is deleted.
    pub(super) fn with(&self, change: impl FnOnce(&mut Value)) -> Self {
        let mut template = self.template.clone();
        change(&mut template);
        Self { template, update_strategy: json!({ "type": "OnDelete" }) }
    }
}

/// A pod of a DaemonSet.
pub(super) struct Pod {
    pub(super) node: String,
    /// Whether it is ready, and is to stay.
    ready: bool,
    pub(super) restarts: u64,
}

/// The affinity of pods that run on every node but these.
pub(super) fn not_on(nodes: &[&str]) -> Value {
    let names = json!({ "key": "kubernetes.io/hostname", "operator": "NotIn", "values": nodes });
    let terms = json!({ "nodeSelectorTerms": [{ "matchExpressions": [names] }] });
    json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": terms } })
}

impl DaemonSet {
    /// The DaemonSet as it is.
    pub(super) fn read(&self, cluster: &Cluster) -> Result<Daemon> {
        let what = format!("read the DaemonSet {}", self.name);
        let object = kubectl::get(cluster, &what, &["-n", self.namespace, "daemonset", self.name])?;
        let part = |pointer| {
            object.pointer(pointer).cloned().ok_or_else(|| Error::Format {
                what: what.clone(),
                reason: format!("it has no {pointer}"),
            })
        };
        Ok(Daemon {
            template: part("/spec/template")?,
            update_strategy: part("/spec/updateStrategy")?,
        })
    }

    /// Makes it this.
    pub(super) fn put(&self, cluster: &Cluster, daemon: &Daemon) -> Result<()> {
        let patch = json!([
            { "op": "replace", "path": "/spec/updateStrategy", "value": daemon.update_strategy },
            { "op": "replace", "path": "/spec/template", "value": daemon.template },
        ]);
        self.patch(cluster, "json", &patch)
    }

    /// Takes its pods from nodes and waits until they are gone, or with no nodes lets it have all again.
    pub(super) fn keep_off(&self, cluster: &Cluster, nodes: &[&str]) -> Result<()> {
        let affinity = if nodes.is_empty() { Value::Null } else { not_on(nodes) };
        let patch = json!({ "spec": { "template": { "spec": { "affinity": affinity } } } });
        self.patch(cluster, "merge", &patch)?;
        wait_for(&format!("{} gone", self.name), PATIENCE, String::new, || {
            let pods = self.pods(cluster)?;
            let left = pods.iter().any(|pod| nodes.contains(&pod.node.as_str()));
            Ok((!left).then_some(()))
        })
    }

    fn patch(&self, cluster: &Cluster, kind: &str, patch: &Value) -> Result<()> {
        let (kind, patch) = (format!("--type={kind}"), patch.to_string());
        let patch = ["-n", self.namespace, "patch", "daemonset", self.name, &kind, "-p", &patch];
        kubectl::run(cluster, &format!("change the DaemonSet {}", self.name), &patch).map(drop)
    }

    fn pods(&self, cluster: &Cluster) -> Result<Vec<Pod>> {
        let get = ["-n", self.namespace, "pods", "-l", self.label];
        let list = kubectl::get(cluster, &format!("list the pods of {}", self.name), &get)?;
        let pod = |pod: &Value| Pod {
            node: text(pod, "/spec/nodeName").to_owned(),
            ready: kubectl::is_ready(pod) && pod.pointer("/metadata/deletionTimestamp").is_none(),
            restarts: pod
                .pointer("/status/containerStatuses/0/restartCount")
                .and_then(Value::as_u64)
                .unwrap_or_default(),
        };
        Ok(kubectl::items(&list).map(pod).collect())
    }

    /// Deletes the pods of one node or of all, and waits until they are gone.
    pub(super) fn delete_pods(&self, cluster: &Cluster, node: Option<&str>) -> Result<()> {
        let field = node.map(|node| format!("--field-selector=spec.nodeName={node}"));
        let (namespace, label) = (self.namespace, self.label);
        let delete =
            ["-n", namespace, "delete", "pods", "-l", label, "--grace-period=1", "--wait=true"];
        let arguments: Vec<&str> = delete.into_iter().chain(field.as_deref()).collect();
        kubectl::run(cluster, &format!("replace the pods of {}", self.name), &arguments).map(drop)
    }

    /// Waits until every node has one pod, which is ready.
    pub(super) fn wait_until_ready(&self, cluster: &Cluster) -> Result<()> {
        let what = format!("{} ready on every node", self.name);
        wait_for(&what, PATIENCE, String::new, || {
            let pods = self.pods(cluster)?;
            let all = pods.len() == cluster.nodes().len();
            Ok((all && pods.iter().all(|pod| pod.ready)).then_some(()))
        })
    }

    /// Waits until the pods of a node are as wanted.
    pub(super) fn wait_for_pods(
        &self,
        cluster: &Cluster,
        what: &str,
        node: &str,
        wanted: impl Fn(&[Pod]) -> bool,
    ) -> Result<()> {
        wait_for(what, PATIENCE, String::new, || {
            let mut pods = self.pods(cluster)?;
            pods.retain(|pod| pod.node == node);
            Ok(wanted(&pods).then_some(()))
        })
    }
}
