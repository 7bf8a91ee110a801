//! A pool of Calico's that gives out no more addresses.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    about::{About, NEEDS_FAMILY},
    kind::FaultKind,
    kubectl,
    truth::no_new_pods,
};
use crate::{
    cluster::Cluster,
    cni::calico,
    error::Result,
    path::{Net, Outcome, Path},
    spec::{Cni, Family},
};

/// Disables the pool of a family. The plugin gives a pod addresses of both families or no network at all, so that no
/// pod starts any more, on no node, while those that run keep their addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct CalicoPoolDisabled {
    /// The family of the pool.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
}

impl FaultKind for CalicoPoolDisabled {
    const ABOUT: About = About {
        does: "the IPPool of the family is disabled: its IPAM has no address of it for new pods, \
         and none starts on any node",
        limits: NEEDS_FAMILY,
    };

    const NETWORK: Cni = Cni::Calico;

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family })
    }

    fn touches(&self) -> String {
        format!("the IPPool {}", calico::pool(self.family))
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        no_new_pods(path, |_| true)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        let pool = calico::pool(self.family);
        let what = format!("read the IPPool {pool}");
        kubectl::get(cluster, &what, &["ippools.crd.projectcalico.org", pool]).map(drop)
    }

    fn inject(&self, cluster: &Cluster, _before: &()) -> Result<()> {
        self.set(cluster, json!(true))
    }

    fn revert(&self, cluster: &Cluster, _before: &()) -> Result<()> {
        self.set(cluster, Value::Null)
    }
}

impl CalicoPoolDisabled {
    fn set(&self, cluster: &Cluster, disabled: Value) -> Result<()> {
        let pool = calico::pool(self.family);
        let patch = json!({ "spec": { "disabled": disabled } }).to_string();
        let patch = ["patch", "ippools.crd.projectcalico.org", pool, "--type=merge", "-p", &patch];
        kubectl::run(cluster, &format!("change the IPPool {pool}"), &patch).map(drop)
    }
}
