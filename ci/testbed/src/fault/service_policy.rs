//! Legal admission policies that change or refuse new Services.

use serde::{Deserialize, Serialize};

use super::{
    about::About,
    kind::FaultKind,
    policy::{self, Effect},
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{By, Made, Net, Outcome, Path},
    spec::Family,
};

/// The name of the policy and of its binding.
const POLICY: &str = "testbed-service-policy";

/// Lets an admission policy change or refuse every new Service, as a platform's may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ServicePolicy {
    /// What new Services get, or are refused for.
    #[arg(long)]
    pub sets: Sets,
}

/// What new Services get, or are refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Sets {
    /// `sessionAffinity: ClientIP`.
    Affinity,
    /// `trafficDistribution: PreferClose`.
    TrafficDistribution,
    /// `internalTrafficPolicy: Local`.
    InternalLocal,
    /// `externalTrafficPolicy: Local`, where there are NodePorts.
    ExternalLocal,
    /// NodePorts are refused.
    NoNodePorts,
}

impl Sets {
    const fn does(self) -> Effect {
        const CLUSTER: &str = "!has(object.spec.type) || object.spec.type != 'ExternalName'";
        let (spec, of, field, value) = match self {
            Self::Affinity => (
                "Object.spec{sessionAffinity: 'ClientIP'}",
                "(!has(object.spec.type) || object.spec.type != 'ExternalName') && \
                 (!has(object.spec.clusterIP) || object.spec.clusterIP != 'None')",
                "{.spec.sessionAffinity}",
                "ClientIP",
            ),
            Self::TrafficDistribution => (
                "Object.spec{trafficDistribution: 'PreferClose'}",
                CLUSTER,
                "{.spec.trafficDistribution}",
                "PreferClose",
            ),
            Self::InternalLocal => (
                "Object.spec{internalTrafficPolicy: 'Local'}",
                CLUSTER,
                "{.spec.internalTrafficPolicy}",
                "Local",
            ),
            Self::ExternalLocal => (
                "Object.spec{externalTrafficPolicy: 'Local'}",
                "has(object.spec.type) && object.spec.type in ['NodePort', 'LoadBalancer']",
                "{.spec.externalTrafficPolicy}",
                "Local",
            ),
            Self::NoNodePorts => {
                return Effect::Allows("!has(object.spec.type) || object.spec.type != 'NodePort'");
            }
        };
        Effect::Sets { spec, of, field, value }
    }
}

impl FaultKind for ServicePolicy {
    const ABOUT: About = About {
        does: "an admission policy gives every new Service `--sets affinity`, \
         `traffic-distribution`, `internal-local` or `external-local`, or refuses NodePorts (`no-node-ports`)",
        limits: "Kubernetes before 1.36, but for `no-node-ports`",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then_some(Self { sets: Sets::InternalLocal })
    }

    fn touches(&self) -> String {
        "what new Services get".to_owned()
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        let flow = path.flow().filter(|flow| flow.made == Made::After)?;
        match (self.sets, &flow.by) {
            (Sets::InternalLocal, By::ClusterIp) => {
                (flow.target.node() != flow.client.node()).then_some(Outcome::Fails)
            }
            // What comes from the node itself may go to every endpoint.
            (Sets::ExternalLocal, By::NodePort(entry)) => {
                let foreign =
                    flow.target.node() != Some(entry) && flow.client.node() != Some(entry);
                foreign.then_some(Outcome::Fails)
            }
            (Sets::NoNodePorts, By::NodePort(_)) => Some(Outcome::Unseen),
            _ => None,
        }
    }

    fn read_state(&self, cluster: &Cluster) -> Result<()> {
        policy::check(cluster, self.sets.does())
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        policy::add(cluster, POLICY, self.sets.does())
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        policy::remove(cluster, POLICY, self.sets.does())
    }
}
