//! NodePorts on the addresses of one family alone.

use serde::{Deserialize, Serialize};

use super::{
    about::{About, NEEDS_BOTH},
    kind::FaultKind,
    kind::require_both,
    kube_proxy,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{By, Net, Outcome, Path},
    spec::Family,
};

/// Sets kube-proxy's `nodePortAddresses`, in the whole cluster, to all addresses of the other
/// family and to the loopback address of this one. (A family that the list doesn't name at all
/// would be served on every address.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct NodePortAddresses {
    /// The family that has no NodePorts.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl FaultKind for NodePortAddresses {
    const ABOUT: About = About {
        does: "kube-proxy's `nodePortAddresses` has all addresses of the other family and only the \
         loopback address of this one",
        limits: NEEDS_BOTH,
    };

    /// kube-proxy's `config.conf`.
    type Before = String;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family })
    }

    fn touches(&self) -> String {
        "kube-proxy's configuration".to_owned()
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let flow = path.flow().filter(|flow| flow.family == self.family)?;
        matches!(flow.by, By::NodePort(_)).then_some(Outcome::Refused)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<String> {
        require_both(cluster)?;
        let before = kube_proxy::configuration(cluster)?;
        without(&before, self.family)?;
        Ok(before)
    }

    fn inject(&self, cluster: &Cluster, before: &String) -> Result<()> {
        kube_proxy::reconfigure(cluster, &without(before, self.family)?)
    }

    fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
        kube_proxy::reconfigure(cluster, before)
    }
}

/// The configuration with a list of addresses that has only the loopback of a family.
fn without(configuration: &str, family: Family) -> Result<String> {
    const UNSET: &str = "nodePortAddresses: null";
    let list = match family {
        Family::V4 => ["127.0.0.1/32", Family::V6.everything()],
        Family::V6 => [Family::V4.everything(), "::1/128"],
    };
    if !configuration.contains(UNSET) {
        return Err(Error::Invalid(
            "kube-proxy's configuration has nodePortAddresses of its own".to_owned(),
        ));
    }
    let [first, second] = list;
    Ok(configuration.replace(UNSET, &format!("nodePortAddresses: [\"{first}\", \"{second}\"]")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_named_by_its_loopback_alone() {
        let text = without("mode: iptables\nnodePortAddresses: null\n", Family::V6).unwrap();
        assert_eq!(text, "mode: iptables\nnodePortAddresses: [\"0.0.0.0/0\", \"::1/128\"]\n");
        assert!(without(&text, Family::V4).is_err());
    }
}
