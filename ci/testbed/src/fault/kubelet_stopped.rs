//! A node whose kubelet is gone, and whose pods run on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind, kubectl};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{By, Made, Net, Outcome, Path, Port},
    run::{Run, wait_for},
    spec::Family,
};

/// Stops a node's kubelet, and waits until the Node is not ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct KubeletStopped {
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl KubeletStopped {
    fn systemctl(&self, cluster: &Cluster, verb: &str) -> Result<()> {
        cluster
            .node(&self.node)?
            .command("systemctl")
            .args([verb, "kubelet"])
            .read(&format!("{verb} the kubelet of {}", self.node))
            .map(drop)
    }
}

impl FaultKind for KubeletStopped {
    const ABOUT: About = About {
        does: "kubelet of a node is stopped: the Node is not ready, its pods run on, and no Service leads to them",
        limits: "the node with the only control plane",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the kubelet of {}", self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let node = Some(self.node.as_str());
        match path {
            Path::Flow(flow) => {
                let missing = flow.made == Made::After && flow.target.pod() == node;
                if flow.client.pod() == node || missing {
                    return Some(Outcome::Unseen);
                }
                // Its pods are not ready, so no Service leads to them: that of DNS leads to others, where there are.
                if flow.port == Port::Dns && flow.by != By::Own {
                    return Some(Outcome::Either);
                }
                let lost = flow.target.pod() == node && flow.by != By::Own;
                lost.then_some(Outcome::Fails)
            }
            Path::PodAddress { node: on, made: Made::After, .. }
            | Path::PodOrder { node: on }
            | Path::Name { node: on, .. }
            | Path::QuickName { node: on, .. }
            | Path::Reverse { node: on, .. }
            | Path::Endpoints { node: on, .. }
            | Path::ShortName { node: on, .. }
            | Path::DnsRecord { node: on, .. } => {
                (Some(on.as_str()) == node).then_some(Outcome::Unseen)
            }
            Path::DnsOver { .. } => Some(Outcome::Either),
            _ => None,
        }
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        cluster.node(&self.node)?;
        kubectl::refuse_first_node(&self.node)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.systemctl(cluster, "stop")?;
        let what = format!("node {} not ready", self.node);
        wait_for(&what, Duration::from_secs(120), String::new, || {
            let object = kubectl::get(cluster, "read the node", &["node", &self.node])?;
            Ok((!kubectl::is_ready(&object)).then_some(()))
        })
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.systemctl(cluster, "start")?;
        kubectl::wait_for_node(cluster, &self.node)
    }
}
