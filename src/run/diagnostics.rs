//! Reading what the API server and the components' logs tell of nodes, once something has failed.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::core::v1;
use kube::{
    Api,
    api::{ListParams, LogParams},
};
use tokio::time::timeout;

use crate::{
    cluster::Cluster,
    facts::Facts,
    snapshot::{Component, Event, MISSING, NetworkPod, NodeDiagnostics, complaints},
};

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(2);

/// No more lines of a log are asked for.
const LINES: i64 = 200;

/// Nor more bytes.
const BYTES: i64 = 256 << 10;

/// Where Kubernetes' own components are.
const KUBE_SYSTEM: &str = "kube-system";

/// How many Events are kept of a node.
const EVENTS: usize = 8;

/// Where the pods of the network are: of a pod network in a namespace of its own, there as well.
fn namespaces(facts: &Facts) -> Vec<&str> {
    let usual = || match facts.cni.known().map(|cni| cni.name.as_str()) {
        Some("flannel") => Some("kube-flannel"),
        Some("calico") => Some("calico-system"),
        _ => None,
    };
    let own = facts.network_agent().map(|(namespace, _)| namespace).or_else(usual);
    let own = own.filter(|namespace| *namespace != KUBE_SYSTEM);
    [KUBE_SYSTEM].into_iter().chain(own).collect()
}

/// What is told of these nodes. What can't be read in time, or at all, is said to be so.
#[tracing::instrument(name = "diagnostics", skip_all)]
pub(super) async fn diagnostics(
    cluster: &Cluster,
    facts: &Facts,
    nodes: &[String],
    began: Timestamp,
) -> Vec<NodeDiagnostics> {
    let namespaces = namespaces(facts);
    // How long ago, so that it doesn't matter whose clock is right.
    let since = (Timestamp::now().as_second() - began.as_second()).max(0) + 1;
    join_all(nodes.iter().map(async |node| {
        let read = timeout(LIMIT, one(cluster, &namespaces, node, since)).await;
        read.unwrap_or_else(|_| NodeDiagnostics {
            node: node.clone(),
            unread: vec![format!("no answer from the API server within {} s", LIMIT.as_secs())],
            ..NodeDiagnostics::default()
        })
    }))
    .await
}

async fn one(cluster: &Cluster, namespaces: &[&str], node: &str, since: i64) -> NodeDiagnostics {
    let mut unread = BTreeSet::new();
    let pods = join_all(namespaces.iter().map(|namespace| pods(cluster, namespace, node))).await;
    let mut found = Vec::new();
    for listed in pods {
        match listed {
            Ok(pods) => found.extend(pods),
            Err(why) => {
                unread.insert(why);
            }
        }
    }
    let about_node = events(cluster, "default", "Node", node);
    let about_pods =
        join_all(found.iter().map(|(pod, _)| events(cluster, &pod.namespace, "Pod", &pod.name)));
    let logs =
        join_all(found.iter().map(|(pod, container)| log(cluster, pod, container.clone(), since)));
    let (about_node, about_pods, logs) = tokio::join!(about_node, about_pods, logs);
    let mut events = Vec::new();
    for read in std::iter::once(about_node).chain(about_pods) {
        match read {
            Ok(read) => events.extend(read),
            Err(why) => {
                unread.insert(why);
            }
        }
    }
    events.sort_by_key(|event: &Event| !event.warning);
    events.truncate(EVENTS);
    let mut told = Vec::new();
    for ((pod, _), log) in found.iter().zip(logs) {
        match log {
            Ok(log) => {
                let lines: Vec<&str> = log.lines().collect();
                told.extend(complaints(pod.component, &pod.name, &lines));
            }
            Err(why) => {
                unread.insert(why);
            }
        }
    }
    NodeDiagnostics {
        node: node.to_owned(),
        pods: found.into_iter().map(|(pod, _)| pod).collect(),
        events,
        complaints: told,
        unread: unread.into_iter().collect(),
    }
}

/// The pods of the network on a node, with the container whose log it is.
async fn pods(
    cluster: &Cluster,
    namespace: &str,
    node: &str,
) -> Result<Vec<(NetworkPod, Option<String>)>, String> {
    let api: Api<v1::Pod> = Api::namespaced(cluster.client.clone(), namespace);
    let parameters = ListParams::default().fields(&format!("spec.nodeName={node}"));
    let listed = api.list(&parameters).await;
    let listed =
        listed.map_err(|error| why(&format!("list pods in namespace {namespace}"), &error))?;
    Ok(listed.items.into_iter().filter_map(network_pod).collect())
}

fn network_pod(pod: v1::Pod) -> Option<(NetworkPod, Option<String>)> {
    let labels = pod.metadata.labels.unwrap_or_default();
    let component = Component::of(|key| labels.get(key).map(String::as_str))?;
    let status = pod.status.unwrap_or_default();
    let containers = status.container_statuses.unwrap_or_default();
    let before = status.init_container_statuses.unwrap_or_default();
    let ready = status.conditions.unwrap_or_default();
    // Helpers stand behind it.
    let container = pod.spec.and_then(|spec| Some(spec.containers.into_iter().next()?.name));
    let pod = NetworkPod {
        namespace: pod.metadata.namespace.unwrap_or_default(),
        name: pod.metadata.name.unwrap_or_default(),
        component,
        ready: ready.iter().any(|it| it.type_ == "Ready" && it.status == "True"),
        restarts: containers
            .iter()
            .map(|container| u32::try_from(container.restart_count).unwrap_or_default())
            .sum(),
        started: status.start_time.map(|time| time.0),
        running: containers.iter().any(|it| state(it).is_some_and(|it| it.running.is_some())),
        // What an init container waits for says more than that the others wait for it.
        waiting: before.iter().chain(&containers).find_map(waits_for),
        ended: before.iter().chain(&containers).find_map(ended),
    };
    Some((pod, container))
}

const fn state(status: &v1::ContainerStatus) -> Option<&v1::ContainerState> {
    status.state.as_ref()
}

fn waits_for(status: &v1::ContainerStatus) -> Option<String> {
    state(status)?.waiting.as_ref()?.reason.clone()
}

/// How a container that was to run on ended, or an init container that failed.
fn ended(status: &v1::ContainerStatus) -> Option<String> {
    let of = |state: Option<&v1::ContainerState>| state.and_then(|it| it.terminated.clone());
    let ended = of(state(status)).or_else(|| of(status.last_state.as_ref()))?;
    let reason = ended.reason.as_deref().unwrap_or("ended");
    (ended.exit_code != 0 || reason != "Completed")
        .then(|| format!("{reason}, exit code {}", ended.exit_code))
}

/// What happened to something of late.
async fn events(
    cluster: &Cluster,
    namespace: &str,
    kind: &str,
    name: &str,
) -> Result<Vec<Event>, String> {
    let api: Api<v1::Event> = Api::namespaced(cluster.client.clone(), namespace);
    let fields = format!("involvedObject.kind={kind},involvedObject.name={name}");
    let listed = api.list(&ListParams::default().fields(&fields)).await;
    let listed =
        listed.map_err(|error| why(&format!("list events in namespace {namespace}"), &error))?;
    let about = match kind {
        "Node" => format!("Node {name}"),
        _ => format!("{kind} {namespace}/{name}"),
    };
    let events = listed.items.into_iter().map(|event| Event {
        about: about.clone(),
        warning: event.type_.as_deref() == Some("Warning"),
        reason: event.reason.unwrap_or_default(),
        message: event.message.unwrap_or_default().chars().take(300).collect(),
    });
    let mut events: Vec<Event> = events.collect();
    // The newest come last.
    events.reverse();
    Ok(events)
}

/// The end of a pod's log since the run began.
async fn log(
    cluster: &Cluster,
    pod: &NetworkPod,
    container: Option<String>,
    since: i64,
) -> Result<String, String> {
    let api: Api<v1::Pod> = Api::namespaced(cluster.client.clone(), &pod.namespace);
    let parameters = LogParams {
        since_seconds: Some(since),
        tail_lines: Some(LINES),
        limit_bytes: Some(BYTES),
        container,
        ..LogParams::default()
    };
    let permission = format!("get pods/log in namespace {}", pod.namespace);
    api.logs(&pod.name, &parameters).await.map_err(|error| why(&permission, &error))
}

fn why(permission: &str, error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 403 => format!("{MISSING}{permission}"),
        kube::Error::Api(status) => format!("{permission}: {}", status.message),
        error => format!("{permission}: {error}"),
    }
}
