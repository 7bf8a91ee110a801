//! An API server that is away for five seconds.

use std::{process::Stdio, time::Duration};

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind, kubectl};
use crate::{
    cluster::Cluster,
    error::{Context, Result},
    path::{Net, Outcome, Path},
    run::{Run, wait_for},
    spec::Family,
};

/// Stops the API server's process of a control plane with SIGSTOP, and lets it go on five seconds
/// later, by itself. (What ends it for good comes back only when kubelet thinks fit.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ApiServerPaused {
    /// The node of the control plane.
    #[arg(long)]
    pub node: String,
}

impl ApiServerPaused {
    fn signal(&self, cluster: &Cluster, signal: &str) -> Result<()> {
        cluster
            .node(&self.node)?
            .command("pkill")
            .args([signal, "-x", "kube-apiserver"])
            .read(&format!("signal the API server of {}", self.node))
            .map(drop)
    }
}

impl FaultKind for ApiServerPaused {
    const ABOUT: About = About {
        does: "a control plane's API server stops for 5 s and goes on by itself",
        limits: "nodes without a control plane",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n1".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the API server of {}", self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        // It goes on by itself.
        (*path == Path::ApiServer).then_some(Outcome::Either)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        // Signal 0 only asks whether it is there.
        self.signal(cluster, "-0")
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.signal(cluster, "-STOP")?;
        // A shell of the node's own, which outlives whoever injects this.
        let mut later = cluster.node(&self.node)?.command("sh");
        let script = "setsid sh -c 'sleep 5; pkill -CONT -x kube-apiserver' &";
        later
            .args(["-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map(drop)
            .context(|| "let the API server go on later".to_owned())
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        self.signal(cluster, "-CONT")?;
        wait_for("an answer of the API server", Duration::from_secs(60), String::new, || {
            let ready = ["get", "--raw", "/readyz", "--request-timeout=2s"];
            Ok(kubectl::run(cluster, "ask the API server", &ready).ok().map(drop))
        })
    }
}
