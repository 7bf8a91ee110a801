//! Services that keep their clients' addresses by mistake.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_RULES},
    filter::Filter,
    kube_proxy,
    ruleset::{Table, chain},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Net, Outcome, Path},
    spec::Family,
};

/// Takes kube-proxy's mark off what it would masquerade, as another program's rules do that use the
/// same bit: what comes by NodePorts goes on under its client's address, and the answer past the
/// node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ServiceMasqueradeLost {
    /// The family.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for ServiceMasqueradeLost {
    const ABOUT: About = About {
        does: "kube-proxy's masquerading of the family has no effect on a node: its mark (0x4000) is taken off first",
        limits: NEEDS_RULES,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} masquerading of Services on {}", self.family, self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        // 127.0.0.1 is nobody's address in a pod.
        if let Path::LoopbackNodePort { node } = path {
            return (self.family == Family::V4 && *node == self.node).then_some(Outcome::Fails);
        }
        let flow = path.flow().filter(|flow| flow.family == self.family)?;
        // The answer goes straight to the client, which knows nobody of that address.
        let elsewhere = Some(self.node.as_str());
        let strays = flow.by.is_node_port_of(&self.node)
            && flow.target.pod() != elsewhere
            && flow.client.node() != elsewhere;
        // A pod that is its own client gets packets from itself.
        let own = flow.is_hairpin() && flow.client.pod() == Some(&self.node);
        (strays || own).then_some(Outcome::Fails)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        kube_proxy::refuse_ipvs(cluster)?;
        let chain = chain("postrouting", "srcnat - 1", "meta mark set meta mark and 0xffffbfff");
        Ok(vec![Table::on(cluster, &self.node, self.family, "service-masquerade-lost", chain)?])
    }
}
