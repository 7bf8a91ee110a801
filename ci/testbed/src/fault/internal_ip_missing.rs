//! A Node without an InternalIP of one family.

use std::{fs, net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_BOTH},
    kind::FaultKind,
};
use crate::{
    cluster::Cluster,
    error::{Context, Error, Result},
    node::Node,
    path::{Net, Outcome, Path},
    run::{Run, wait_for},
    spec::Family,
    state::write_whole,
};

/// Where kubeadm keeps kubelet's flags, inside a node.
const FLAGS: &str = "/var/lib/kubelet/kubeadm-flags.env";

/// Restarts a node's kubelet with `--node-ip` of the other family alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct InternalIpMissing {
    /// The family that the Node has no InternalIP of.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl InternalIpMissing {
    /// Gives kubelet its flags, restarts it and waits until the Node has these addresses.
    fn restart(&self, cluster: &Cluster, flags: &str) -> Result<()> {
        let node = cluster.node(&self.node)?;
        write_whole(&node.path(FLAGS), flags.as_bytes())?;
        node.command("systemctl")
            .args(["restart", "kubelet"])
            .read(&format!("restart the kubelet of {}", node.name))?;
        let mut wanted = node_ips(flags).unwrap_or_default();
        wanted.sort();
        wait_for(
            &format!("node {} with the InternalIPs {wanted:?}", node.name),
            Duration::from_secs(60),
            || crate::run::tail_of(&node.log("kubelet")),
            || Ok(internal_ips(cluster, node).is_ok_and(|found| found == wanted).then_some(())),
        )
    }
}

impl FaultKind for InternalIpMissing {
    const ABOUT: About = About {
        does: "kubelet of a node runs with the other family's `--node-ip` alone",
        limits: NEEDS_BOTH,
    };

    /// The text of the file with kubelet's flags.
    type Before = String;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        format!("the kubelet of {}", self.node)
    }

    fn path(&self, path: &Path, net: &Net) -> Option<Outcome> {
        match path {
            Path::InternalIp { node, family } => {
                ((node, *family) == (&self.node, self.family)).then_some(Outcome::Fails)
            }
            // kubelet puts the family of its first address first.
            Path::PodOrder { node } if *node == self.node && self.family == net.primary => {
                Some(Outcome::Fails)
            }
            _ => None,
        }
    }

    fn read_state(&self, cluster: &Cluster) -> Result<String> {
        fs::read_to_string(cluster.node(&self.node)?.path(FLAGS))
            .context(|| format!("read the flags of the kubelet of {}", self.node))
    }

    fn inject(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.restart(cluster, &without(before, self.family)?)
    }

    fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.restart(cluster, before)
    }
}

/// The addresses in `--node-ip`.
fn node_ips(flags: &str) -> Option<Vec<IpAddr>> {
    let (_, rest) = flags.split_once("--node-ip=")?;
    let end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
    rest.get(..end)?.split(',').map(|address| address.parse().ok()).collect()
}

/// The flags with a `--node-ip` that has no address of the family.
fn without(flags: &str, family: Family) -> Result<String> {
    let text = |ips: &[IpAddr]| {
        let list: Vec<String> = ips.iter().map(IpAddr::to_string).collect();
        format!("--node-ip={}", list.join(","))
    };
    let all = node_ips(flags).ok_or_else(|| {
        Error::Invalid("kubelet's flags have no --node-ip to take an address from".to_owned())
    })?;
    let rest: Vec<IpAddr> = all.iter().copied().filter(|&a| Family::of(a) != family).collect();
    if rest.is_empty() || rest.len() == all.len() {
        return Err(Error::Invalid(format!(
            "the node has the addresses {all:?}: {family} can't be the one that is missing"
        )));
    }
    Ok(flags.replace(&text(&all), &text(&rest)))
}

/// The InternalIPs in the Node's status, sorted.
fn internal_ips(cluster: &Cluster, node: &Node) -> Result<Vec<IpAddr>> {
    let text = cluster
        .kubectl()?
        .args(["get", "node", &node.name, "-o"])
        .arg("jsonpath={.status.addresses[?(@.type=='InternalIP')].address}")
        .read(&format!("read the addresses of node {}", node.name))?;
    let mut found: Vec<IpAddr> = text.split_whitespace().filter_map(|a| a.parse().ok()).collect();
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &str = "KUBELET_KUBEADM_ARGS=\"--v=1 --node-ip=192.0.2.1,2001:db8::1 --x=y\"\n";

    #[test]
    fn one_address_of_two_is_taken() {
        assert_eq!(
            without(FLAGS, Family::V6).unwrap(),
            "KUBELET_KUBEADM_ARGS=\"--v=1 --node-ip=192.0.2.1 --x=y\"\n"
        );
        assert!(without(FLAGS, Family::V4).unwrap().contains("--node-ip=2001:db8::1 "));
    }

    #[test]
    fn the_only_address_is_not_taken() {
        let one = without(FLAGS, Family::V6).unwrap();
        assert!(without(&one, Family::V4).is_err());
        assert!(without(&one, Family::V6).is_err());
    }

    #[test]
    fn the_last_flag_ends_at_the_quote() {
        assert_eq!(node_ips("A=\"--node-ip=192.0.2.1\"").unwrap().len(), 1);
    }
}
