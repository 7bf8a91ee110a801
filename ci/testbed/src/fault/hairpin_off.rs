//! Pods that can't reach themselves by their own Service.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_FAMILY},
    filter::Filter,
    ruleset::Table,
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Net, Outcome, Path},
    spec::Family,
};

/// Drops what would leave a node's pods and come back to the same pod, as a bridge does whose ports
/// are not in hairpin mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct HairpinOff {
    /// The family that is dropped.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl Filter for HairpinOff {
    const ABOUT: About = About {
        does: "on a node what a pod sends to a Service and gets back as its endpoint is dropped, as \
         by a bridge without hairpin mode",
        limits: NEEDS_FAMILY,
    };

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("{} hairpins on {}", self.family, self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let flow = path.flow().filter(|flow| flow.family == self.family)?;
        let own = flow.is_hairpin() && flow.client.pod() == Some(&self.node);
        own.then_some(Outcome::Fails)
    }

    fn tables(&self, cluster: &Cluster) -> Result<Vec<Table>> {
        // nftables can't compare two interfaces; so each one that a packet comes from is noted as a
        // pair with itself, and what is forwarded between such a pair is dropped.
        let content = "set same {\ntype iface_index . iface_index\nsize 65535\nflags dynamic\n}\n\
                       chain prerouting {\n\
                       type filter hook prerouting priority raw; policy accept;\n\
                       iifname != \"eth0\" add @same { iif . iif }\n}\n\
                       chain forward {\n\
                       type filter hook forward priority filter; policy accept;\n\
                       iif . oif @same drop\n}";
        Ok(vec![Table::on(cluster, &self.node, self.family, "hairpin-off", content)?])
    }
}
