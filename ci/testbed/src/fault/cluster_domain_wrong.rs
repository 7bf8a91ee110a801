//! Pods of a node whose search path is of another domain.

use std::{fs, time::Duration};

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind};
use crate::{
    cluster::Cluster,
    error::{Context, Error, Result},
    path::{Made, Net, Outcome, Path},
    run::{Run, tail_of, wait_for},
    spec::Family,
    state::write_whole,
};

/// kubelet's configuration, inside a node.
const CONFIGURATION: &str = "/var/lib/kubelet/config.yaml";

/// Where kubelet says that it works.
const HEALTH: &str = "http://127.0.0.1:10248/healthz";

/// Restarts a node's kubelet with a clusterDomain that CoreDNS doesn't serve. New pods of the node
/// complete short names with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ClusterDomainWrong {
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl ClusterDomainWrong {
    fn restart(&self, cluster: &Cluster, configuration: &str) -> Result<()> {
        let node = cluster.node(&self.node)?;
        write_whole(&node.path(CONFIGURATION), configuration.as_bytes())?;
        node.command("systemctl")
            .args(["restart", "kubelet"])
            .read(&format!("restart the kubelet of {}", node.name))?;
        wait_for(
            &format!("a healthy kubelet on {}", node.name),
            Duration::from_secs(60),
            || tail_of(&node.log("kubelet")),
            || {
                let mut ask = node.command("curl");
                let said = ask.args(["-s", "-m", "2", HEALTH]).read("ask kubelet for its health");
                Ok(said.is_ok_and(|said| said == "ok").then_some(()))
            },
        )
    }
}

impl FaultKind for ClusterDomainWrong {
    const ABOUT: About = About {
        does: "kubelet of a node runs with a clusterDomain that CoreDNS doesn't serve: its new pods complete \
               short names wrongly",
        limits: "",
    };

    /// The text of kubelet's configuration.
    type Before = String;

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then(|| Self { node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the kubelet of {}", self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        match path {
            Path::ShortName { node, made: Made::After, .. } => {
                (*node == self.node).then_some(Outcome::Fails)
            }
            _ => None,
        }
    }

    fn read_state(&self, cluster: &Cluster) -> Result<String> {
        fs::read_to_string(cluster.node(&self.node)?.path(CONFIGURATION))
            .context(|| format!("read the configuration of the kubelet of {}", self.node))
    }

    fn inject(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.restart(cluster, &elsewhere(before)?)
    }

    fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.restart(cluster, before)
    }
}

/// The configuration with another domain.
fn elsewhere(configuration: &str) -> Result<String> {
    let other = |line: &str| match line.strip_prefix("clusterDomain: ") {
        Some(_) => "clusterDomain: elsewhere.local".to_owned(),
        None => line.to_owned(),
    };
    let lines: Vec<String> = configuration.lines().map(other).collect();
    let changed = lines.join("\n") + "\n";
    if changed.contains("elsewhere.local") {
        Ok(changed)
    } else {
        Err(Error::Invalid("kubelet's configuration names no clusterDomain".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_changes_and_nothing_else() {
        let before = "clusterDNS:\n- 10.96.0.10\nclusterDomain: cluster.local\ncpuManager: {}\n";
        assert_eq!(
            elsewhere(before).unwrap(),
            "clusterDNS:\n- 10.96.0.10\nclusterDomain: elsewhere.local\ncpuManager: {}\n"
        );
        assert!(elsewhere("clusterDNS: []\n").is_err());
    }
}
