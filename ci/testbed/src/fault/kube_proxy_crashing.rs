//! A kube-proxy that can't start on a node.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    about::About,
    daemon_set::Daemon,
    kind::FaultKind,
    kube_proxy::{self, SET},
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
        does: "kube-proxy crashes on a node as soon as it starts (CrashLoopBackOff): a roll-out \
         with a bad flag that has come to one node",
        limits: "",
    };

    type Before = Daemon;

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        kube_proxy::TOUCHED.to_owned()
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        kube_proxy::stopped(&self.node, path)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<Daemon> {
        kube_proxy::before(cluster, &self.node)
    }

    fn inject(&self, cluster: &Cluster, before: &Daemon) -> Result<()> {
        SET.put(cluster, &before.with(spoil))?;
        SET.delete_pods(cluster, Some(&self.node))?;
        let what = format!("kube-proxy crashing on {}", self.node);
        SET.wait_for_pods(cluster, &what, &self.node, |pods| {
            pods.iter().any(|pod| pod.restarts > 0)
        })
    }

    fn revert(&self, cluster: &Cluster, before: &Daemon) -> Result<()> {
        SET.put(cluster, before)?;
        SET.delete_pods(cluster, Some(&self.node))?;
        SET.wait_until_ready(cluster)
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
