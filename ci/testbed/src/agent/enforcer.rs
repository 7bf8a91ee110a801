//! What enforces NetworkPolicies: it watches them and the pods, and keeps one table of each family
//! on every node.
//!
//! It knows policies of pods by labels, namespaces by labels, and ipBlocks with exceptions. Of a
//! rule with ports it admits nothing, and says so in the agent's log: no test of ours has any.

mod rules;
mod selector;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::StreamExt;
use k8s_openapi::api::{
    core::v1::{Namespace, Pod},
    networking::v1::NetworkPolicy,
};
use kube::{
    Api, Client, Resource,
    runtime::{WatchStreamExt, reflector, watcher},
};
use serde::de::DeserializeOwned;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

pub(crate) use self::rules::TABLE;
use self::rules::{Known, tables};
use crate::{
    error::{Error, Result},
    node::Node,
    run::Run,
    spec::Family,
    state::{ClusterDir, ProcessId, Record},
};

/// How long the families to guard may change unnoticed, and how soon a node is told again that
/// could not be.
const TICK: Duration = Duration::from_millis(250);

/// For how long a watch goes on, in seconds. The client gives up a silent one after ten, and then
/// waits longer and longer before it asks again: whoever enforces policies must not be late.
const WATCH: u32 = 5;

/// Where it is written which families are left alone, in the cluster's directory.
pub(crate) const UNGUARDED: &str = "policies-unguarded.json";

/// Enforces policies; returns only on failure.
pub(super) async fn run(dir: ClusterDir, record: Record) -> Result<()> {
    let client = super::watch::client(&dir).await?;
    let changed = Arc::new(Notify::new());
    let pods = follow::<Pod>(&client, &changed);
    let namespaces = follow::<Namespace>(&client, &changed);
    let policies = follow::<NetworkPolicy>(&client, &changed);
    let mut told: BTreeMap<(String, Family), (ProcessId, String)> = BTreeMap::new();
    loop {
        let known = Known {
            pods: pods.state(),
            namespaces: namespaces.state(),
            policies: policies.state(),
        };
        let nodes = Node::all(&dir, &record)?;
        let unguarded: Vec<Family> = dir.read(UNGUARDED)?.unwrap_or_default();
        tokio::task::block_in_place(|| {
            for node in &nodes {
                tell(node, &known, &unguarded, &mut told);
            }
        });
        // A change says at once that there is something to do; a file and a failure don't.
        let _ = timeout(TICK, changed.notified()).await;
    }
}

/// Tells a node what is new for it.
fn tell(
    node: &Node,
    known: &Known,
    unguarded: &[Family],
    told: &mut BTreeMap<(String, Family), (ProcessId, String)>,
) {
    for (family, table) in tables(known, &node.name) {
        let table = if unguarded.contains(&family) { String::new() } else { table };
        let key = (node.name.clone(), family);
        let desired = (node.process, table);
        if told.get(&key) == Some(&desired) {
            continue;
        }
        let id = format!("{} {TABLE}", family.nft());
        let text = format!("table {id}\ndelete table {id}\n{}", desired.1);
        let what = format!("set the {family} policies of {}", node.name);
        match node.command("nft").args(["-f", "-"]).feed(&what, &text) {
            Ok(_) => {
                told.insert(key, desired);
            }
            Err(error) => tracing::debug!(%error, detail = error.log_tail(), "not applied"),
        }
    }
}

/// Keeps all objects of a kind at hand, and tells of changes.
fn follow<K>(client: &Client, changed: &Arc<Notify>) -> reflector::Store<K>
where
    K: Resource<DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    let (store, writer) = reflector::store();
    let (api, changed) = (Api::<K>::all(client.clone()), Arc::clone(changed));
    tokio::spawn(async move {
        let events =
            watcher::watcher(api, watcher::Config::default().timeout(WATCH)).default_backoff();
        let mut events = std::pin::pin!(reflector::reflector(writer, events));
        while let Some(event) = events.next().await {
            match event {
                Ok(_) => changed.notify_one(),
                Err(error) => {
                    tracing::debug!(%error, kind = %K::kind(&()), "the watch was interrupted");
                }
            }
        }
        sleep(TICK).await;
        tracing::error!(error = %Error::Invalid("a watch ended".to_owned()), "policies are stale");
    });
    store
}
