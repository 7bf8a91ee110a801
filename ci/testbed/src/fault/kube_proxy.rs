//! kube-proxy's DaemonSet and configuration: read, changed, and taken up by new pods.

use serde_json::json;

use super::{
    daemon_set::{Daemon, DaemonSet},
    kubectl,
    truth::without_new_services,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Outcome, Path},
    spec::ProxyMode,
};

const NAMESPACE: &str = "kube-system";

/// kube-proxy.
pub(super) const SET: DaemonSet =
    DaemonSet { namespace: NAMESPACE, name: "kube-proxy", label: "k8s-app=kube-proxy" };

/// What faults touch that change it.
pub(super) const TOUCHED: &str = "kube-proxy's DaemonSet";

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

/// The DaemonSet as it is, before a node loses its pod.
pub(super) fn before(cluster: &Cluster, node: &str) -> Result<Daemon> {
    cluster.node(node)?;
    SET.read(cluster)
}

/// What becomes of a path where a node's kube-proxy no longer runs: its rules stay.
pub(super) fn stopped(node: &str, path: &Path) -> Option<Outcome> {
    if matches!(path, Path::ProxyHealth { node: on, .. } if on == node) {
        return Some(Outcome::Unseen);
    }
    without_new_services(node, path)
}

/// `config.conf` as it is.
pub(super) fn configuration(cluster: &Cluster) -> Result<String> {
    let get =
        ["-n", NAMESPACE, "get", "configmap", "kube-proxy", "-o", r"jsonpath={.data.config\.conf}"];
    kubectl::run(cluster, "read kube-proxy's configuration", &get)
}

/// Replaces `config.conf` and the pods that have read the old one, and waits for the new pods.
pub(super) fn reconfigure(cluster: &Cluster, configuration: &str) -> Result<()> {
    let patch = json!({ "data": { "config.conf": configuration } }).to_string();
    let patch = ["-n", NAMESPACE, "patch", "configmap", "kube-proxy", "--type=merge", "-p", &patch];
    kubectl::run(cluster, "replace kube-proxy's configuration", &patch)?;
    SET.delete_pods(cluster, None)?;
    SET.wait_until_ready(cluster)
}
