//! A NodePort that is open in one family alone, because Services keep to local endpoints.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    about::About, kind::FaultKind, kubectl, pod_address_missing::PodAddressMissing,
    truth::without_pod_address,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    path::{By, Made, Net, Outcome, Path},
    run::{Run, wait_for},
    spec::Family,
    version::KubernetesMinor,
};

/// The name of the policy and of its binding.
const POLICY: &str = "testbed-external-traffic-local";

/// The first minor that serves `admissionregistration.k8s.io/v1` policies that change objects.
const SINCE: KubernetesMinor = KubernetesMinor::new(36);

/// Makes every new Service that has NodePorts one of `externalTrafficPolicy: Local`, as a platform's
/// admission policy does, and gives new pods of one node no address of a family
/// ([`PodAddressMissing`]).
///
/// So a Service may have endpoints of both families, and on that node none of its own in one of them: there kube-proxy
/// drops what comes to its NodePort in that family, whatever other nodes could answer. No other way to such
/// a NodePort was found: kube-proxy treats both families alike, and only their endpoints differ.
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

    /// Waits until a Service that is made would have this policy; asks without making it.
    fn wait_for_policy(cluster: &Cluster, policy: &str) -> Result<()> {
        wait_for(
            &format!("new Services of the policy {policy}"),
            Duration::from_secs(30),
            String::new,
            || {
                let ask = ["create", "service", "nodeport", "testbed-asks", "--tcp=80"];
                let dry = ["--dry-run=server", "-o", "jsonpath={.spec.externalTrafficPolicy}"];
                let arguments = [&ask[..], &dry].concat();
                let found = kubectl::run(cluster, "ask for a Service's policy", &arguments)?;
                Ok((found == policy).then_some(()))
            },
        )
    }
}

impl FaultKind for ExternalTrafficLocal {
    const ABOUT: About = About {
        does: "new Services with NodePorts get `externalTrafficPolicy: Local` by an admission policy, and new pods of a node no address of the family: its NodePorts have no local endpoint in it",
        limits: "single-stack clusters; Kubernetes before 1.36, where an API server doesn't serve the policy unless told to",
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
        let minor = cluster.record().spec.kubernetes;
        if minor < SINCE {
            return Err(Error::Invalid(format!(
                "Kubernetes {minor} has no admission policies that change objects: take {SINCE} or later"
            )));
        }
        self.addresses().read_state(cluster)
    }

    fn inject(&self, cluster: &Cluster, before: &String) -> Result<()> {
        self.addresses().inject(cluster, before)?;
        let group = "admissionregistration.k8s.io";
        let policy = json!({
            "apiVersion": format!("{group}/v1"),
            "kind": "MutatingAdmissionPolicy",
            "metadata": { "name": POLICY },
            "spec": {
                "failurePolicy": "Fail",
                "reinvocationPolicy": "Never",
                "matchConstraints": { "resourceRules": [{
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["services"],
                }]},
                "matchConditions": [{
                    "name": "has-node-ports",
                    "expression": "has(object.spec.type) && object.spec.type in ['NodePort', 'LoadBalancer']",
                }],
                "mutations": [{
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {
                        "expression": "Object{spec: Object.spec{externalTrafficPolicy: 'Local'}}",
                    },
                }],
            },
        });
        let binding = json!({
            "apiVersion": format!("{group}/v1"),
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": { "name": POLICY },
            "spec": { "policyName": POLICY },
        });
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [policy, binding] });
        cluster
            .kubectl()?
            .args(["apply", "-f", "-"])
            .feed("make an admission policy", &list.to_string())?;
        Self::wait_for_policy(cluster, "Local")
    }

    fn revert(&self, cluster: &Cluster, before: &String) -> Result<()> {
        for kind in ["mutatingadmissionpolicybinding", "mutatingadmissionpolicy"] {
            let delete = ["delete", kind, POLICY, "--ignore-not-found"];
            kubectl::run(cluster, "delete an admission policy", &delete)?;
        }
        self.addresses().revert(cluster, before)?;
        Self::wait_for_policy(cluster, "Cluster")
    }
}
