//! A NodePort that is open in one family alone, because Services keep to local endpoints.

use serde::{Deserialize, Serialize};

use super::{
    about::About,
    kind::FaultKind,
    pod_address_missing::PodAddressMissing,
    policy::{self, Effect},
    truth::without_pod_address,
};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{By, Made, Net, Outcome, Path},
    spec::Family,
};

/// The name of the policy and of its binding.
const POLICY: &str = "testbed-external-traffic-local";

/// What the policy does.
const LOCAL: Effect = Effect::Sets {
    spec: "Object.spec{externalTrafficPolicy: 'Local'}",
    of: "has(object.spec.type) && object.spec.type in ['NodePort', 'LoadBalancer']",
    field: "{.spec.externalTrafficPolicy}",
    value: "Local",
};

/// Makes every new Service that has NodePorts one of `externalTrafficPolicy: Local`, as a
/// platform's admission policy does, and gives new pods of one node no address of a family
/// ([`PodAddressMissing`]).
///
/// So a Service may have endpoints of both families, and on that node none of its own in one of
/// them: there kube-proxy drops what comes to its NodePort in that family, whatever other nodes
/// could answer. No other way to such a NodePort was found: kube-proxy treats both families alike,
/// and only their endpoints differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct ExternalTrafficLocal {
    /// The family that the NodePorts of the node are closed in.
    #[arg(long, default_value = "ipv6")]
    pub family: Family,
    /// The node.
    #[arg(long)]
    pub node: String,
}

impl ExternalTrafficLocal {
    fn addresses(&self) -> PodAddressMissing {
        PodAddressMissing { family: self.family, node: self.node.clone() }
    }
}

impl FaultKind for ExternalTrafficLocal {
    const ABOUT: About = About {
        does: "new Services with NodePorts get `externalTrafficPolicy: Local` by an admission \
         policy, and new pods of a node no address of the family: its NodePorts have no local endpoint in it",
        limits: "single-stack clusters; Kubernetes before 1.36, where an API server doesn't serve \
         the policy unless told to",
    };

    /// The node's CNI configuration.
    type Before = String;

    fn example(family: Option<Family>) -> Option<Self> {
        family.map(|family| Self { family, node: "n2".to_owned() })
    }

    fn touches(&self) -> String {
        self.addresses().touches()
    }

    fn path(&self, path: &Path, net: &Net) -> Option<Outcome> {
        without_pod_address(&self.node, self.family, path, net).or_else(|| {
            // kube-proxy drops what comes for a node without an endpoint; for what comes from the
            // node itself, or from its pods, every endpoint will do.
            let flow = path.flow().filter(|flow| flow.made == Made::After)?;
            let By::NodePort(entry) = &flow.by else { return None };
            let foreign = flow.target.pod() != Some(entry) && flow.client.node() != Some(entry);
            foreign.then_some(Outcome::Fails)
        })
    }

    fn read_state(&self, cluster: &Cluster) -> Result<String> {
        policy::check(cluster, LOCAL)?;
        self.addresses().read_state(cluster)
    }

    fn inject(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.addresses().inject(cluster, before)?;
        policy::add(cluster, POLICY, LOCAL)
    }

    fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
        policy::remove(cluster, POLICY, LOCAL)?;
        self.addresses().revert(cluster, before)
    }
}
