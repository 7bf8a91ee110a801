//! A kube-proxy that can't start on a node.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    about::About,
    kind::FaultKind,
    kube_proxy::{self, Daemon},
    truth::without_new_services,
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Net, Outcome, Path},
    spec::Family,
};

/// Rolls a kube-proxy with a bad command line out to one node, where it ends as soon as it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct KubeProxyCrashing {
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl FaultKind for KubeProxyCrashing {
    const ABOUT: About = About {
        does: "kube-proxy crashes on a node as soon as it starts (CrashLoopBackOff): a roll-out with a bad flag that has come to one node",
        limits: "",
    };

    type Before = Daemon;

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        "kube-proxy's DaemonSet".to_owned()
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        if matches!(path, Path::ProxyHealth { node, .. } if *node == self.node) {
            return Some(Outcome::Unseen);
        }
        without_new_services(&self.node, path)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<Daemon> {
        cluster.node(&self.node)?;
        kube_proxy::daemon(cluster)
    }

    fn inject(&self, cluster: &Cluster, before: &Daemon) -> Result<()> {
        before.with(spoil).put(cluster)?;
        kube_proxy::delete_pods(cluster, Some(&self.node))?;
        let what = format!("kube-proxy crashing on {}", self.node);
        kube_proxy::wait_for_pods(cluster, &what, &self.node, |pods| {
            pods.iter().any(|pod| pod.restarts > 0)
        })
    }

    fn revert(&self, cluster: &Cluster, before: &Daemon) -> Result<()> {
        before.put(cluster)?;
        kube_proxy::delete_pods(cluster, Some(&self.node))?;
        kube_proxy::wait_until_ready(cluster)
    }
}

/// Adds a flag that kube-proxy doesn't know.
fn spoil(template: &mut Value) {
    if let Some(command) =
        template.pointer_mut("/spec/containers/0/command").and_then(Value::as_array_mut)
    {
        command.push(json!("--no-such-flag"));
    }
}
