//! A node whose firewall forwards nothing of its own accord.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    kind::FaultKind,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Hop, Net, Outcome, Path},
    run::Run,
    spec::Family,
};

/// Sets the policy of a node's chain FORWARD to DROP, as Docker does and leaves behind. What
/// kube-proxy lets through by itself still passes: answers, and what it marked to masquerade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ForwardDropped {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl ForwardDropped {
    fn iptables(&self, cluster: &Cluster, words: &[&str]) -> Result<String> {
        let node = cluster.node(&self.node)?;
        let what = format!("set the {} policy of FORWARD on {}", self.family, node.name);
        node.command(self.family.iptables()).args(words).read(&what)
    }
}

impl FaultKind for ForwardDropped {
    const ABOUT: About = About {
        does: "the policy of a node's chain FORWARD is DROP in the family (`ip6tables -P FORWARD \
         DROP`), as Docker leaves it behind",
        limits: NEEDS_FAMILY,
    };

    /// The policy.
    type Before = String;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} policy of FORWARD on {}", self.family, self.node)
    }

    fn hop(&self, hop: &Hop) -> Outcome {
        let dropped =
            !hop.reply && hop.is_forwarded_by(&self.node) && !hop.comes_by_node_port_of(&self.node);
        Outcome::fails_if(hop.family == self.family && dropped)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        // What a pod sends to itself is marked, too.
        path.flow()?.is_hairpin().then_some(Outcome::Works)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<String> {
        let text = self.iptables(cluster, &["-S", "FORWARD"])?;
        let policy = text.lines().find_map(|line| line.strip_prefix("-P FORWARD "));
        policy.map(str::to_owned).ok_or_else(|| Error::Format {
            what: format!("read the policy of FORWARD on {}", self.node),
            reason: text.clone(),
        })
    }

    fn inject(&self, cluster: &Cluster, _: &String) -> Result<()> {
        self.iptables(cluster, &["-P", "FORWARD", "DROP"]).map(drop)
    }

    fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.iptables(cluster, &["-P", "FORWARD", before]).map(drop)
    }
}
