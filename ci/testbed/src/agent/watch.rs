//! Watching the Nodes, and telling each node what its pod network has to look like.

use std::{collections::BTreeMap, time::Duration};

use futures::StreamExt;
use ipnet::IpNet;
use k8s_openapi::api::core::v1::Node as NodeObject;
use kube::{
    Api, Client, ResourceExt,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event},
    },
};
use tokio::time::{sleep, timeout};

use crate::{
    cni::{Desired, Member, PodNetwork, Ptp, apply},
    error::{Error, Result},
    health,
    node::Node,
    state::{ClusterDir, ProcessId, Record},
};

/// How soon a node is tried again that couldn't be told.
const RETRY: Duration = Duration::from_secs(1);

/// Follows the cluster's Nodes; returns only on failure.
pub(super) async fn run(dir: ClusterDir, record: Record) -> Result<()> {
    let client = client(&dir).await?;
    let api = Api::<NodeObject>::all(client);
    let mut events =
        std::pin::pin!(watcher::watcher(api, watcher::Config::default()).default_backoff());
    let mut members = Members::default();
    let mut network = Network {
        plugin: Ptp { pod_cidrs: record.spec.pod_cidrs.clone() },
        told: BTreeMap::new(),
        dir,
        record,
    };
    let mut settled = true;
    loop {
        let next = if settled {
            Some(events.next().await)
        } else {
            timeout(RETRY, events.next()).await.ok()
        };
        match next {
            Some(Some(Ok(event))) => members.take(event, &network.record),
            Some(Some(Err(error))) => {
                tracing::warn!(%error, "the watch of the Nodes was interrupted");
            }
            Some(None) => return Err(Error::Invalid("the watch of the Nodes ended".to_owned())),
            None => {}
        }
        let all: Vec<Member> = members.known.values().cloned().collect();
        settled = tokio::task::block_in_place(|| network.tell(&all));
    }
}

/// Waits for the administrator's kubeconfig, which `kubeadm init` makes.
pub(super) async fn client(dir: &ClusterDir) -> Result<Client> {
    let path = dir.kubeconfig();
    while !path.exists() {
        sleep(Duration::from_millis(50)).await;
    }
    health::client(&path).await
}

/// The nodes as the API server tells of them.
#[derive(Debug, Default)]
struct Members {
    known: BTreeMap<String, Member>,
    /// The nodes of a list that is still being read.
    listed: BTreeMap<String, Member>,
}

impl Members {
    fn take(&mut self, event: Event<NodeObject>, record: &Record) {
        match event {
            Event::Init => self.listed.clear(),
            Event::InitApply(node) => {
                self.listed.insert(node.name_any(), member(&node, record));
            }
            Event::InitDone => self.known = std::mem::take(&mut self.listed),
            Event::Apply(node) => {
                self.known.insert(node.name_any(), member(&node, record));
            }
            Event::Delete(node) => {
                self.known.remove(&node.name_any());
            }
        }
    }
}

/// A Node as a member of the pod network. Its addresses are those of the underlay, not those in
/// its status: how kubelet introduces a node must not change which way packets go.
fn member(node: &NodeObject, record: &Record) -> Member {
    let name = node.name_any();
    let number =
        record.spec.node_names().position(|n| n == name).and_then(|i| u8::try_from(i + 1).ok());
    let ranges = node.spec.as_ref().and_then(|spec| spec.pod_cidrs.clone()).unwrap_or_default();
    Member {
        name,
        addresses: number
            .map(|n| crate::node::addresses(&record.spec, record.subnet, n))
            .unwrap_or_default(),
        pod_cidrs: ranges.iter().filter_map(|range| range.parse::<IpNet>().ok()).collect(),
    }
}

/// The pod network, and what each node was last told of it.
struct Network {
    plugin: Ptp,
    dir: ClusterDir,
    record: Record,
    told: BTreeMap<String, (ProcessId, Desired)>,
}

impl Network {
    /// Tells every node what is new for it. Returns whether all took it.
    fn tell(&mut self, members: &[Member]) -> bool {
        let nodes = match Node::all(&self.dir, &self.record) {
            Ok(nodes) => nodes,
            Err(error) => {
                tracing::warn!(%error, "can't read the nodes' processes");
                return false;
            }
        };
        let mut settled = true;
        for member in members {
            let Some(node) = nodes.iter().find(|node| node.name == member.name) else { continue };
            let desired = self.plugin.desired(member, members);
            let before = match self.told.get(&node.name) {
                // A node that was started anew knows nothing.
                Some((process, told)) if *process == node.process => told.clone(),
                _ => Desired::default(),
            };
            if before == desired {
                continue;
            }
            match apply(node, &before, &desired) {
                Ok(()) => {
                    tracing::info!(node = node.name, ranges = ?member.pod_cidrs, "told");
                    self.told.insert(node.name.clone(), (node.process, desired));
                }
                Err(error) => {
                    tracing::warn!(%error, detail = error.log_tail(), "not applied");
                    settled = false;
                }
            }
        }
        settled
    }
}
