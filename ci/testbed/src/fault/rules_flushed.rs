//! kube-proxy's rules of one family flushed on a node.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_RULES},
    kind::FaultKind,
    kube_proxy,
};
use crate::{
    cluster::Cluster,
    error::Result,
    node::Node,
    path::{By, Net, Outcome, Path, Port},
    run::{Run, wait_for},
    spec::{Family, ProxyMode},
};

/// Flushes the rules that translate addresses, as a firewall does that is loaded again.
///
/// kube-proxy runs on and doesn't notice: its chains are still there. It fills them again with the
/// next change of a Service, but looks only once an hour for the rules that lead to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct RulesFlushed {
    /// The family whose rules are flushed.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl RulesFlushed {
    /// The rules of the table `nat` in the words of iptables.
    fn rules(&self, node: &Node) -> Result<Vec<String>> {
        let text = node
            .command(self.family.iptables())
            .args(["-t", "nat", "-S"])
            .read(&format!("list the {} rules of {}", self.family, node.name))?;
        Ok(text.lines().filter(|line| line.starts_with("-A ")).map(str::to_owned).collect())
    }

    /// Whether kube-proxy's rules are there and reached.
    fn is_whole(&self, cluster: &Cluster) -> Result<bool> {
        let node = cluster.node(&self.node)?;
        match cluster.record().spec.proxy_mode {
            ProxyMode::Nftables => {
                let text = node
                    .command("nft")
                    .args(["list", "table", self.family.nft(), "kube-proxy"])
                    .read("list kube-proxy's rules")?;
                Ok(text.contains("jump"))
            }
            _ => {
                let rules = self.rules(node)?;
                let has = |start: &str| rules.iter().any(|rule| rule.starts_with(start));
                Ok(has("-A KUBE-SERVICES ")
                    && rules.iter().any(|rule| {
                        rule.starts_with("-A PREROUTING ") && rule.ends_with("-j KUBE-SERVICES")
                    }))
            }
        }
    }
}

impl FaultKind for RulesFlushed {
    const ABOUT: About = About {
        does: "the rules that translate ClusterIPs and NodePorts of the family are flushed on a \
         node (`ip6tables -t nat -F`), unnoticed by kube-proxy",
        limits: NEEDS_RULES,
    };

    /// The rules that are not kube-proxy's, in the words of iptables.
    type Before = Vec<String>;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the {} rules of kube-proxy on {}", self.family, self.node)
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let flow = path.flow().filter(|flow| flow.family == self.family)?;
        // What the DNS servers have open to the API server stays translated; what is opened now is not.
        if flow.port == Port::Api {
            return (flow.client.node() == Some(&self.node)).then_some(Outcome::Either);
        }
        match &flow.by {
            By::ClusterIp => (flow.client.node() == Some(&self.node)).then_some(Outcome::Fails),
            By::NodePort(entry) => (*entry == self.node).then_some(Outcome::Refused),
            By::Own => None,
        }
    }

    fn read_state(&self, cluster: &Cluster) -> Result<Vec<String>> {
        kube_proxy::refuse_ipvs(cluster)?;
        let node = cluster.node(&self.node)?;
        match cluster.record().spec.proxy_mode {
            ProxyMode::Nftables => Ok(Vec::new()),
            _ => Ok(others(self.rules(node)?)),
        }
    }

    fn inject(&self, cluster: &Cluster, _: &Vec<String>) -> Result<()> {
        let node = cluster.node(&self.node)?;
        let what = format!("flush the {} rules of {}", self.family, node.name);
        match cluster.record().spec.proxy_mode {
            ProxyMode::Nftables => {
                let words = ["flush", "table", self.family.nft(), "kube-proxy"];
                node.command("nft").args(words).read(&what).map(drop)
            }
            _ => {
                node.command(self.family.iptables()).args(["-t", "nat", "-F"]).read(&what).map(drop)
            }
        }
    }

    fn revert(&self, cluster: &Cluster, before: &Vec<String>) -> Result<()> {
        let node = cluster.node(&self.node)?;
        if !before.is_empty() {
            let there: BTreeSet<String> = self.rules(node)?.into_iter().collect();
            let lost: String = before
                .iter()
                .filter(|rule| !there.contains(*rule))
                .map(|rule| format!("{rule}\n"))
                .collect();
            node.command(&format!("{}-restore", self.family.iptables()))
                .arg("--noflush")
                .feed("put the other rules back", &format!("*nat\n{lost}COMMIT\n"))?;
        }
        // A new one sees to all of its rules.
        kube_proxy::SET.delete_pods(cluster, Some(&self.node))?;
        kube_proxy::SET.wait_until_ready(cluster)?;
        let what = format!("the {} rules of {} whole again", self.family, self.node);
        wait_for(&what, Duration::from_secs(60), String::new, || {
            Ok(self.is_whole(cluster)?.then_some(()))
        })
    }
}

/// The rules that kube-proxy doesn't see to.
fn others(rules: Vec<String>) -> Vec<String> {
    rules.into_iter().filter(|rule| !rule.contains("KUBE-")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kube_proxys_rules_are_left_to_kube_proxy() {
        let rules = [
            "-A PREROUTING -m comment --comment \"services\" -j KUBE-SERVICES",
            "-A KUBE-SERVICES -d fd00::a/128 -j KUBE-SVC-X",
            "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
        ];
        let left = others(rules.map(str::to_owned).into());
        assert_eq!(left, [rules[2]]);
    }
}
