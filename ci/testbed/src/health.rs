//! Whether a cluster is as it should be, asked of its API server.

use std::{net::SocketAddr, path::Path, time::Duration};

use k8s_openapi::api::{
    apps::v1::{DaemonSet, Deployment},
    core::v1::{Node, Pod, ServiceAccount},
};
use kube::{
    Api, Client, Config, ResourceExt,
    api::ListParams,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::de::DeserializeOwned;

use crate::{
    cni::{calico, flannel},
    error::{Error, Result},
    run::wait_for,
    spec::{Cni, Family, Spec},
};

/// Where Kubernetes' own add-ons are.
const KUBE_SYSTEM: &str = "kube-system";

/// A client of the cluster whose administrator's kubeconfig is given.
pub(crate) async fn client(kubeconfig: &Path) -> Result<Client> {
    client_at(kubeconfig, None).await
}

/// The same, of the one API server at an address, if one is given.
pub(crate) async fn client_at(kubeconfig: &Path, server: Option<SocketAddr>) -> Result<Client> {
    let wrong =
        |reason: String| Error::Format { what: format!("use {}", kubeconfig.display()), reason };
    let file = Kubeconfig::read_from(kubeconfig).map_err(|e| wrong(e.to_string()))?;
    let mut config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .map_err(|e| wrong(e.to_string()))?;
    if let Some(address) = server {
        config.cluster_url =
            format!("https://{address}").parse().map_err(|_| wrong(format!("at {address}")))?;
    }
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
    match nodes.list(&ListParams::default()).await {
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
    if spec.control_planes > 1 {
        missing.extend(missing_control_planes(client, spec).await);
    }
    let replicas = |ready: Option<i32>, of: i32| (ready.unwrap_or(0), of);
    let mut daemons = vec![(KUBE_SYSTEM, "kube-proxy")];
    daemons.extend(match spec.cni {
        Cni::Ptp => None,
        Cni::Flannel => Some((flannel::NAMESPACE, flannel::DAEMON_SET)),
        Cni::Calico => Some((calico::NAMESPACE, calico::DAEMON_SET)),
    });
    for (namespace, name) in daemons {
        if let Some((ready, of)) = ask(client, namespace, name, &mut missing, |set: &DaemonSet| {
            replicas(set.status.as_ref().map(|s| s.number_ready), i32::from(spec.nodes))
        })
        .await
            && ready < of
        {
            missing.push(format!("{name} is ready on {ready} of {of} nodes"));
        }
    }
    let deployment = |deployment: &Deployment| {
        let wanted = deployment.spec.as_ref().and_then(|s| s.replicas).unwrap_or(1);
        replicas(deployment.status.as_ref().and_then(|s| s.ready_replicas), wanted)
    };
    if let Some((ready, of)) = ask(client, KUBE_SYSTEM, "coredns", &mut missing, deployment).await
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

/// Reads one object and takes a figure from it.
async fn ask<K, T>(
    client: &Client,
    namespace: &str,
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
    match Api::<K>::namespaced(client.clone(), namespace).get_opt(name).await {
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
    let ranges = node.spec.as_ref().and_then(|s| s.pod_cidrs.clone()).unwrap_or_default();
    let ranges = ranges.iter().filter_map(|range| range.split('/').next());
    missing.extend(unlike(&name, "podCIDRs", ranges, &spec.pod_families()));
    let addresses = status.and_then(|s| s.addresses.clone()).unwrap_or_default();
    let internal = addresses.iter().filter(|a| a.type_ == "InternalIP").map(|a| a.address.as_str());
    missing.extend(unlike(&name, "InternalIPs", internal, &spec.node_families));
    missing
}

/// Whether a Node's addresses are of other families than they should be, or in another order.
fn unlike<'a>(
    node: &str,
    what: &str,
    found: impl Iterator<Item = &'a str>,
    wanted: &[Family],
) -> Option<String> {
    let found: Vec<Family> =
        found.filter_map(|address| address.parse().ok()).map(Family::of).collect();
    let words = |families: &[Family]| match families {
        [] => "none".to_owned(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    (found != wanted)
        .then(|| format!("node {node} has {what} of {}, not {}", words(&found), words(wanted)))
}

/// With several control planes an answer proves only that one of them works; here each is asked
/// for.
async fn missing_control_planes(client: &Client, spec: &Spec) -> Vec<String> {
    let pods = Api::<Pod>::namespaced(client.clone(), "kube-system");
    let list = match pods.list(&ListParams::default().labels("tier=control-plane")).await {
        Ok(list) => list,
        Err(error) => return vec![format!("the control planes' pods can't be read: {error}")],
    };
    let ready = |name: &str| {
        list.iter().any(|pod| {
            let conditions = pod.status.as_ref().and_then(|s| s.conditions.as_ref());
            pod.name_any() == name
                && conditions
                    .is_some_and(|all| all.iter().any(|c| c.type_ == "Ready" && c.status == "True"))
        })
    };
    let nodes: Vec<String> = spec.node_names().take(spec.control_planes.into()).collect();
    ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
        .iter()
        .flat_map(|component| nodes.iter().map(move |node| format!("{component}-{node}")))
        .filter(|name| !ready(name))
        .map(|name| format!("pod {name} is not ready"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_in_another_order_are_missing_too() {
        let order = [Family::V4, Family::V6];
        let found = ["2001:db8::1", "192.0.2.1"];
        let said = unlike("n1", "InternalIPs", found.into_iter(), &order).unwrap();
        assert_eq!(said, "node n1 has InternalIPs of IPv6, IPv4, not IPv4, IPv6");
        assert_eq!(unlike("n1", "x", found.into_iter().rev(), &order), None);
        let said = unlike("n1", "podCIDRs", [].into_iter(), &order).unwrap();
        assert_eq!(said, "node n1 has podCIDRs of none, not IPv4, IPv6");
    }
}
