//! A node without kube-proxy.

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

/// Takes a node out of kube-proxy's DaemonSet. The rules that it left stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct KubeProxyStopped {
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl FaultKind for KubeProxyStopped {
    const ABOUT: About = About {
        does: "kube-proxy's DaemonSet leaves out a node: the rules that it left stay, and no change of a Service arrives",
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
        before.with(|template| leave_out(template, &self.node)).put(cluster)?;
        let what = format!("no kube-proxy on {}", self.node);
        kube_proxy::wait_for_pods(cluster, &what, &self.node, |pods| pods.is_empty())
    }

    fn revert(&self, cluster: &Cluster, before: &Daemon) -> Result<()> {
        before.put(cluster)?;
        kube_proxy::wait_until_ready(cluster)
    }
}

/// Makes a pod template fit every node but one.
fn leave_out(template: &mut Value, node: &str) {
    let term = json!({
        "matchExpressions": [
            { "key": "kubernetes.io/hostname", "operator": "NotIn", "values": [node] },
        ],
    });
    template["spec"]["affinity"] = json!({
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [term] },
        },
    });
}
