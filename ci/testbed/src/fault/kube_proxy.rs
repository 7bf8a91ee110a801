//! kube-proxy's DaemonSet and configuration: read, changed, and taken up by new pods.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kubectl::{self, text};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    run::wait_for,
    spec::ProxyMode,
};

const NAMESPACE: [&str; 2] = ["-n", "kube-system"];
const LABEL: &str = "k8s-app=kube-proxy";
const PATIENCE: Duration = Duration::from_secs(60);

/// Refuses a cluster whose Services are not in the kernel's rules for addresses.
pub(super) fn refuse_ipvs(cluster: &Cluster) -> Result<()> {
    if cluster.record().spec.proxy_mode == ProxyMode::Ipvs {
        return Err(Error::Invalid(
            "kube-proxy's mode ipvs keeps Services elsewhere than in the rules that this fault is about"
                .to_owned(),
        ));
    }
    Ok(())
}

/// What of the DaemonSet a fault changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Daemon {
    pub(super) template: Value,
    update_strategy: Value,
}

/// The DaemonSet as it is.
pub(super) fn daemon(cluster: &Cluster) -> Result<Daemon> {
    let what = "read kube-proxy's DaemonSet";
    let object =
        kubectl::get(cluster, what, &[&NAMESPACE[..], &["daemonset", "kube-proxy"]].concat())?;
    let part = |pointer| {
        object.pointer(pointer).cloned().ok_or_else(|| Error::Format {
            what: what.to_owned(),
            reason: format!("it has no {pointer}"),
        })
    };
    Ok(Daemon { template: part("/spec/template")?, update_strategy: part("/spec/updateStrategy")? })
}

impl Daemon {
    /// The same with another template, which no running pod takes up before it is deleted.
    pub(super) fn with(&self, change: impl FnOnce(&mut Value)) -> Self {
        let mut template = self.template.clone();
        change(&mut template);
        Self { template, update_strategy: json!({ "type": "OnDelete" }) }
    }

    /// Gives it to the API server.
    pub(super) fn put(&self, cluster: &Cluster) -> Result<()> {
        let patch = json!([
            { "op": "replace", "path": "/spec/updateStrategy", "value": self.update_strategy },
            { "op": "replace", "path": "/spec/template", "value": self.template },
        ])
        .to_string();
        let patch = ["patch", "daemonset", "kube-proxy", "--type=json", "-p", &patch];
        kubectl::run(cluster, "change kube-proxy's DaemonSet", &[&NAMESPACE[..], &patch].concat())
            .map(drop)
    }
}

/// `config.conf` as it is.
pub(super) fn configuration(cluster: &Cluster) -> Result<String> {
    let get = ["get", "configmap", "kube-proxy", "-o", r"jsonpath={.data.config\.conf}"];
    kubectl::run(cluster, "read kube-proxy's configuration", &[&NAMESPACE[..], &get].concat())
}

/// Replaces `config.conf` and the pods that have read the old one, and waits for the new pods.
pub(super) fn reconfigure(cluster: &Cluster, configuration: &str) -> Result<()> {
    let patch = json!({ "data": { "config.conf": configuration } }).to_string();
    let patch = ["patch", "configmap", "kube-proxy", "--type=merge", "-p", &patch];
    let what = "replace kube-proxy's configuration";
    kubectl::run(cluster, what, &[&NAMESPACE[..], &patch].concat())?;
    delete_pods(cluster, None)?;
    wait_until_ready(cluster)
}

/// A pod of the DaemonSet.
pub(super) struct Pod {
    pub(super) node: String,
    ready: bool,
    going: bool,
    pub(super) restarts: u64,
}

/// The DaemonSet's pods.
pub(super) fn pods(cluster: &Cluster) -> Result<Vec<Pod>> {
    let get = ["pods", "-l", LABEL];
    let list = kubectl::get(cluster, "list kube-proxy's pods", &[&NAMESPACE[..], &get].concat())?;
    let pod = |pod: &Value| Pod {
        node: text(pod, "/spec/nodeName").to_owned(),
        ready: kubectl::is_ready(pod),
        going: pod.pointer("/metadata/deletionTimestamp").is_some(),
        restarts: pod
            .pointer("/status/containerStatuses/0/restartCount")
            .and_then(Value::as_u64)
            .unwrap_or_default(),
    };
    Ok(kubectl::items(&list).map(pod).collect())
}

/// Deletes the pods of one node or of all, and waits until they are gone.
pub(super) fn delete_pods(cluster: &Cluster, node: Option<&str>) -> Result<()> {
    let field = node.map(|node| format!("--field-selector=spec.nodeName={node}"));
    let delete = ["delete", "pods", "-l", LABEL, "--grace-period=1", "--wait=true"];
    let arguments = [&NAMESPACE[..], &delete].concat();
    let arguments: Vec<&str> = arguments.into_iter().chain(field.as_deref()).collect();
    kubectl::run(cluster, "replace the pods of kube-proxy", &arguments).map(drop)
}

/// Waits until every node has one pod, which is ready.
pub(super) fn wait_until_ready(cluster: &Cluster) -> Result<()> {
    wait_for("kube-proxy ready on every node", PATIENCE, String::new, || {
        let pods = pods(cluster)?;
        let all = pods.len() == cluster.nodes().len();
        Ok((all && pods.iter().all(|pod| pod.ready && !pod.going)).then_some(()))
    })
}

/// Waits until the pods of a node are as wanted.
pub(super) fn wait_for_pods(
    cluster: &Cluster,
    what: &str,
    node: &str,
    wanted: impl Fn(&[Pod]) -> bool,
) -> Result<()> {
    wait_for(what, PATIENCE, String::new, || {
        let mut pods = pods(cluster)?;
        pods.retain(|pod| pod.node == node);
        Ok(wanted(&pods).then_some(()))
    })
}
