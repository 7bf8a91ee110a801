//! A node without kube-proxy.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    about::About,
    daemon_set::{Daemon, not_on},
    kind::FaultKind,
    kube_proxy::{self, SET},
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
        does: "kube-proxy's DaemonSet leaves out a node: the rules that it left stay, and no change \
         of a Service arrives",
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
        let elsewhere = |template: &mut Value| {
            template["spec"]["affinity"] = not_on(&[&self.node]);
        };
        SET.put(cluster, &before.with(elsewhere))?;
        let what = format!("no kube-proxy on {}", self.node);
        SET.wait_for_pods(cluster, &what, &self.node, |pods| pods.is_empty())
    }

    fn revert(&self, cluster: &Cluster, before: &Daemon) -> Result<()> {
        SET.put(cluster, before)?;
        SET.wait_until_ready(cluster)
    }
}
