//! A legal admission policy that keeps the ipFamilyPolicy of Services as it is.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{about::About, kind::FaultKind, kubectl};
use crate::{
    cluster::Cluster,
    error::Result,
    path::{Net, Outcome, Path},
    run::{Run, wait_for},
    spec::Family,
};

/// The name of the policy and of its binding.
const POLICY: &str = "testbed-policy-change-refused";

/// Refuses every change of a Service's ipFamilyPolicy, as a platform's rules may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct PolicyChangeRefused {}

impl FaultKind for PolicyChangeRefused {
    const ABOUT: About = About {
        does: "an admission policy refuses every change of the ipFamilyPolicy of a Service",
        limits: "",
    };

    type Before = ();

    fn example(family: Option<Family>) -> Option<Self> {
        family.is_none().then_some(Self {})
    }

    fn touches(&self) -> String {
        "changes of Services".to_owned()
    }

    fn path(&self, path: &Path, _net: &Net) -> Option<Outcome> {
        (*path == Path::FamilyPolicy).then_some(Outcome::Fails)
    }

    fn read_state(&self, _cluster: &Cluster) -> Result<()> {
        Ok(())
    }

    fn inject(&self, cluster: &Cluster, (): &()) -> Result<()> {
        let object = |kind: &str, spec: serde_json::Value| {
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": kind,
                "metadata": { "name": POLICY },
                "spec": spec,
            })
        };
        let policy = json!({
            "failurePolicy": "Fail",
            "matchConstraints": { "resourceRules": [{
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["UPDATE"],
                "resources": ["services"],
            }]},
            "validations": [{
                "expression": "!has(oldObject.spec.ipFamilyPolicy) || \
                               has(object.spec.ipFamilyPolicy) && \
                               object.spec.ipFamilyPolicy == oldObject.spec.ipFamilyPolicy",
                "message": "this cluster's rules keep the ipFamilyPolicy of Services",
            }],
        });
        let binding = json!({ "policyName": POLICY, "validationActions": ["Deny"] });
        let items = [
            object("ValidatingAdmissionPolicy", policy),
            object("ValidatingAdmissionPolicyBinding", binding),
        ];
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
        cluster
            .kubectl()?
            .args(["apply", "-f", "-"])
            .feed("make an admission policy", &list.to_string())?;
        wait_until(cluster, true)
    }

    fn revert(&self, cluster: &Cluster, (): &()) -> Result<()> {
        for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
            let delete = ["delete", kind, POLICY, "--ignore-not-found"];
            kubectl::run(cluster, "delete an admission policy", &delete)?;
        }
        wait_until(cluster, false)
    }
}

/// Asks for a change of the API server's own Service without making it, until it comes out as wanted.
fn wait_until(cluster: &Cluster, followed: bool) -> Result<()> {
    let what =
        format!("changed Services {} the policy", if followed { "under" } else { "without" });
    wait_for(&what, Duration::from_secs(30), String::new, || {
        let change = json!({ "spec": { "ipFamilyPolicy": "PreferDualStack" } }).to_string();
        let ask = ["patch", "service", "kubernetes", "-n", "default", "--dry-run=server", "-p"];
        let asked = cluster.kubectl()?.args(ask).arg(&change).read("ask for a change of a Service");
        Ok((asked.is_err() == followed).then_some(()))
    })
}
