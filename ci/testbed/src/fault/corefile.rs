//! CoreDNS's configuration: read, replaced, and taken up by new pods.

use std::time::Duration;

use serde_json::json;

use crate::{
    cluster::Cluster,
    error::Result,
    run::{Run, wait_for},
};

/// The Corefile as it is in the cluster.
pub(super) fn read(cluster: &Cluster) -> Result<String> {
    cluster
        .kubectl()?
        .args(["-n", "kube-system", "get", "configmap", "coredns", "-o"])
        .arg("jsonpath={.data.Corefile}")
        .read("read the Corefile")
}

/// Replaces the Corefile and the pods that have read the old one, and waits for the new pods.
pub(super) fn replace(cluster: &Cluster, corefile: &str) -> Result<()> {
    let patch = json!({ "data": { "Corefile": corefile } }).to_string();
    cluster
        .kubectl()?
        .args(["-n", "kube-system", "patch", "configmap", "coredns", "--type=merge", "-p", &patch])
        .read("replace the Corefile")?;
    // CoreDNS would take it up by itself, but up to two minutes later.
    cluster
        .kubectl()?
        .args(["-n", "kube-system", "delete", "pods", "-l", "k8s-app=kube-dns"])
        .args(["--grace-period=1", "--wait=true"])
        .read("replace the pods of CoreDNS")?;
    wait_for("CoreDNS ready again", Duration::from_secs(60), String::new, || {
        let text = cluster
            .kubectl()?
            .args(["-n", "kube-system", "get", "deployment", "coredns", "-o"])
            .arg("jsonpath={.spec.replicas} {.status.readyReplicas} {.status.replicas}")
            .read("read the state of CoreDNS")?;
        let figures: Vec<&str> = text.split(' ').collect();
        Ok((figures.len() == 3 && figures.iter().all(|f| *f == figures[0])).then_some(()))
    })
}
