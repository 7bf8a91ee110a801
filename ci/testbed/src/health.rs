//! Whether a cluster is as it should be, asked of its API server.

use std::{path::Path, time::Duration};

use k8s_openapi::api::{
    apps::v1::{DaemonSet, Deployment},
    core::v1::{Node, ServiceAccount},
};
use kube::{
    Api, Client, Config, ResourceExt,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::de::DeserializeOwned;

use crate::{
    error::{Error, Result},
    run::wait_for,
    spec::Spec,
};

/// A client of the cluster whose administrator's kubeconfig is given.
pub(crate) async fn client(kubeconfig: &Path) -> Result<Client> {
    let wrong =
        |reason: String| Error::Format { what: format!("use {}", kubeconfig.display()), reason };
    let file = Kubeconfig::read_from(kubeconfig).map_err(|e| wrong(e.to_string()))?;
    let mut config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .map_err(|e| wrong(e.to_string()))?;
    // The API server is on the machine itself: no proxy leads there.
    config.proxy_url = None;
    config.read_timeout = Some(Duration::from_secs(10));
    Client::try_from(config).map_err(|e| wrong(e.to_string()))
}

/// Waits until nothing is missing.
pub fn wait(kubeconfig: &Path, spec: &Spec, limit: Duration) -> Result<()> {
    let runtime = runtime()?;
    let client = runtime.block_on(client(kubeconfig))?;
    let mut missing = Vec::new();
    let result = wait_for("a healthy cluster", limit, String::new, || {
        missing = runtime.block_on(missing_of(&client, spec));
        Ok(missing.is_empty().then_some(()))
    });
    result.map_err(|error| match error {
        Error::Timeout { what, seconds, .. } => {
            Error::Timeout { what, seconds, tail: missing.join("\n") }
        }
        other => other,
    })
}

/// What a healthy cluster would have and this one has not, each as a phrase; empty if healthy.
pub fn missing(kubeconfig: &Path, spec: &Spec) -> Result<Vec<String>> {
    let runtime = runtime()?;
    let client = runtime.block_on(client(kubeconfig))?;
    Ok(runtime.block_on(missing_of(&client, spec)))
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Io { what: "start a runtime".to_owned(), source })
}

/// A failed question is a thing missing too: the API server's answer.
async fn missing_of(client: &Client, spec: &Spec) -> Vec<String> {
    let mut missing = Vec::new();
    let nodes = Api::<Node>::all(client.clone());
    match nodes.list(&kube::api::ListParams::default()).await {
        Ok(list) => {
            for name in spec.node_names() {
                match list.iter().find(|node| node.name_any() == name) {
                    Some(node) => missing.extend(missing_of_node(node, spec)),
                    None => missing.push(format!("node {name} has not joined")),
                }
            }
        }
        Err(error) => return vec![format!("the API server does not answer: {error}")],
    }
    let replicas = |ready: Option<i32>, of: i32| (ready.unwrap_or(0), of);
    if let Some((ready, of)) = ask(client, "kube-proxy", &mut missing, |set: &DaemonSet| {
        replicas(set.status.as_ref().map(|s| s.number_ready), i32::from(spec.nodes))
    })
    .await
        && ready < of
    {
        missing.push(format!("kube-proxy is ready on {ready} of {of} nodes"));
    }
    if let Some((ready, of)) = ask(client, "coredns", &mut missing, |deployment: &Deployment| {
        let wanted = deployment.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1);
        replicas(deployment.status.as_ref().and_then(|s| s.ready_replicas), wanted)
    })
    .await
        && ready < of
    {
        missing.push(format!("{ready} of {of} CoreDNS pods are ready"));
    }
    match Api::<ServiceAccount>::namespaced(client.clone(), "default").get_opt("default").await {
        Ok(Some(_)) => {}
        _ => missing.push("namespace default has no service account yet".to_owned()),
    }
    missing
}

/// Reads one object of kube-system and takes a figure from it.
async fn ask<K, T>(
    client: &Client,
    name: &str,
    missing: &mut Vec<String>,
    figure: impl FnOnce(&K) -> T,
) -> Option<T>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned,
{
    match Api::<K>::namespaced(client.clone(), "kube-system").get_opt(name).await {
        Ok(Some(object)) => return Some(figure(&object)),
        Ok(None) => missing.push(format!("{name} does not exist")),
        Err(error) => missing.push(format!("{name} can't be read: {error}")),
    }
    None
}

fn missing_of_node(node: &Node, spec: &Spec) -> Vec<String> {
    let name = node.name_any();
    let mut missing = Vec::new();
    let status = node.status.as_ref();
    let ready = status
        .and_then(|s| s.conditions.as_ref())
        .is_some_and(|all| all.iter().any(|c| c.type_ == "Ready" && c.status == "True"));
    if !ready {
        missing.push(format!("node {name} is not Ready"));
    }
    let ranges = node.spec.as_ref().and_then(|s| s.pod_cidrs.as_ref()).map_or(0, Vec::len);
    if ranges != spec.pod_cidrs.len() {
        missing.push(format!("node {name} has {ranges} podCIDRs, not {}", spec.pod_cidrs.len()));
    }
    let addresses = status
        .and_then(|s| s.addresses.as_ref())
        .map_or(0, |all| all.iter().filter(|a| a.type_ == "InternalIP").count());
    if addresses != spec.node_families.len() {
        missing.push(format!(
            "node {name} has {addresses} InternalIPs, not {}",
            spec.node_families.len()
        ));
    }
    missing
}
