//! A control plane without its controllers.

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind, static_pod};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{By, Made, Net, Outcome, Path},
    spec::Family,
};

/// The component.
const COMPONENT: &str = "kube-controller-manager";

/// Stops the controller manager: Services get no EndpointSlices, Deployments no pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ControllerManagerStopped {}

impl FaultKind for ControllerManagerStopped {
    const ABOUT: About = About {
        does: "kube-controller-manager is stopped: new Services get no EndpointSlices, new Deployments no pods",
        limits: "several control planes",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then_some(Self {})
    }

    fn touches(&self) -> String {
        COMPONENT.to_owned()
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let flow = path.flow().filter(|flow| flow.made == Made::After)?;
        (flow.by != By::Own).then_some(Outcome::Refused)
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        static_pod::refuse_several(cluster)
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        static_pod::set(cluster, COMPONENT, false)
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        static_pod::set(cluster, COMPONENT, true)
    }
}
