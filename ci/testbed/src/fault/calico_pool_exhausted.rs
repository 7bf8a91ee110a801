//! A pool of Calico's that has no address left.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    about::{About, NEEDS_FAMILY},
    calico_pool_disabled::CalicoPoolDisabled,
    kind::FaultKind,
    kubectl,
    truth::no_new_pods,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{Net, Outcome, Path},
    run::Run,
    spec::{Cni, Family},
};

/// Leaves of a family one pool of one block, and no address of it is free: an IPReservation holds them all. The plugin
/// gives a pod addresses of both families or no network at all, so that no pod starts any more, on no node, while
/// those that run keep their addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct CalicoPoolExhausted {
    /// The family of the pool.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl FaultKind for CalicoPoolExhausted {
    const ABOUT: About = About {
        does: "the family has one small IPPool, all of whose addresses are taken: its IPAM has none \
         for new pods, and none starts on any node",
        limits: NEEDS_FAMILY,
    };

    const NETWORK: Cni = Cni::Calico;

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family })
    }

    fn touches(&self) -> String {
        self.pool().touches()
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        no_new_pods(path, |_| true)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        self.range(cluster)?;
        self.pool().read_state(cluster)
    }

    fn inject(&self, cluster: &Cluster, before: &()) -> Result<()> {
        let objects = self.objects(&self.range(cluster)?).to_string();
        let what = format!("make the IPPool {}", self.name());
        cluster.kubectl()?.args(["apply", "-f", "-"]).feed(&what, &objects)?;
        self.pool().inject(cluster, before)
    }

    fn revert(&self, cluster: &Cluster, before: &()) -> Result<()> {
        self.pool().revert(cluster, before)?;
        for kind in ["ippools", "ipreservations"] {
            let kind = format!("{kind}.crd.projectcalico.org");
            let delete = ["delete", &kind, &self.name(), "--ignore-not-found"];
            kubectl::run(cluster, &format!("delete {kind} {}", self.name()), &delete)?;
        }
        Ok(())
    }
}

impl CalicoPoolExhausted {
    /// The pool that has addresses is out of use meanwhile.
    const fn pool(&self) -> CalicoPoolDisabled {
        CalicoPoolDisabled { family: self.family }
    }

    /// What the pool and the reservation are called.
    fn name(&self) -> String {
        format!("testbed-exhausted-{}", self.family.to_string().to_lowercase())
    }

    /// One block of addresses, in the half of the pods' range that Calico's own pools leave alone.
    fn range(&self, cluster: &Cluster) -> Result<IpNet> {
        let length = match self.family {
            Family::V4 => 26,
            Family::V6 => 122,
        };
        let ranges = cluster.record().spec.pod_cidrs.iter();
        let mut of_family = ranges.filter(|range| Family::of_range(range) == self.family);
        let block = of_family.next().and_then(|range| range.subnets(length).ok()?.next());
        block.ok_or_else(|| Error::Invalid(format!("no range of pods has {}", self.family)))
    }

    fn objects(&self, range: &IpNet) -> Value {
        let (version, name) = ("crd.projectcalico.org/v1", self.name());
        json!({ "apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": version,
                "kind": "IPReservation",
                "metadata": { "name": name },
                "spec": { "reservedCIDRs": [range] },
            },
            {
                "apiVersion": version,
                "kind": "IPPool",
                "metadata": { "name": name },
                "spec": {
                    "cidr": range,
                    "blockSize": range.prefix_len(),
                    "ipipMode": "Never",
                    "vxlanMode": "Always",
                    "natOutgoing": true,
                    "nodeSelector": "all()",
                    "allowedUses": ["Workload"],
                },
            },
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reservation_holds_all_that_the_pool_has() {
        let fault = CalicoPoolExhausted { family: Family::V6 };
        let objects = fault.objects(&"fd00:10:244::/122".parse().unwrap());
        let [reservation, pool] = ["/items/0", "/items/1"].map(|at| objects.pointer(at).unwrap());
        assert_eq!(reservation["spec"]["reservedCIDRs"][0], pool["spec"]["cidr"]);
        assert_eq!(pool["spec"]["blockSize"], 122);
        assert_eq!(reservation["metadata"]["name"], pool["metadata"]["name"]);
    }
}
