//! A control plane without a scheduler.

use serde::{Deserialize, Serialize};

use super::{about::About, kind::FaultKind, static_pod};
use crate::{cluster::Cluster, error::Result, spec::Family};

/// The component.
const COMPONENT: &str = "kube-scheduler";

/// Stops the scheduler: new pods that name no node stay Pending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct SchedulerStopped {}

impl FaultKind for SchedulerStopped {
    const ABOUT: About = About {
        does: "kube-scheduler is stopped: new pods stay Pending, unless they name their node",
        limits: "several control planes",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then_some(Self {})
    }

    fn touches(&self) -> String {
        COMPONENT.to_owned()
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
