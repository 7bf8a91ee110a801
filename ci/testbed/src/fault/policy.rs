//! Admission policies that change or refuse new Services.

use std::time::Duration;

use serde_json::{Value, json};

use super::kubectl;
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    run::{Run, wait_for},
    version::KubernetesMinor,
};

/// The API group.
const GROUP: &str = "admissionregistration.k8s.io";

/// The first minor that serves `v1` policies that change objects.
const SINCE: KubernetesMinor = KubernetesMinor::new(36);

/// What a policy does to a new Service.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    /// Sets a field of the spec, to be read at this JSON path.
    Sets {
        /// In CEL: `Object.spec{externalTrafficPolicy: 'Local'}`.
        spec: &'static str,
        /// Of which Services, in CEL.
        of: &'static str,
        /// Where it shows, for kubectl's jsonpath.
        field: &'static str,
        /// What is there with the policy.
        value: &'static str,
    },
    /// Refuses it unless this holds, in CEL.
    Allows(&'static str),
}

/// Refuses a cluster whose API server doesn't serve such policies.
pub(super) fn check(cluster: &Cluster, does: Effect) -> Result<()> {
    let minor = cluster.record().spec.kubernetes;
    if matches!(does, Effect::Sets { .. }) && minor < SINCE {
        return Err(Error::Invalid(format!(
            "Kubernetes {minor} has no admission policies that change objects: take {SINCE} or later"
        )));
    }
    Ok(())
}

/// Makes the policy, and waits until it is followed.
pub(super) fn add(cluster: &Cluster, name: &str, does: Effect) -> Result<()> {
    let rules = json!({ "resourceRules": [{
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["services"],
    }]});
    let (kind, spec) = match does {
        Effect::Sets { spec, of, .. } => (
            "MutatingAdmissionPolicy",
            json!({
                "failurePolicy": "Fail",
                "reinvocationPolicy": "Never",
                "matchConstraints": rules,
                "matchConditions": [{ "name": "concerned", "expression": of }],
                "mutations": [{
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": { "expression": format!("Object{{spec: {spec}}}") },
                }],
            }),
        ),
        Effect::Allows(expression) => (
            "ValidatingAdmissionPolicy",
            json!({
                "failurePolicy": "Fail",
                "matchConstraints": rules,
                "validations": [{
                    "expression": expression,
                    "message": "this cluster's rules forbid such Services",
                }],
            }),
        ),
    };
    let mut binding = json!({ "policyName": name });
    if matches!(does, Effect::Allows(_)) {
        binding["validationActions"] = json!(["Deny"]);
    }
    let object = |kind: &str, spec: Value| {
        json!({
            "apiVersion": format!("{GROUP}/v1"),
            "kind": kind,
            "metadata": { "name": name },
            "spec": spec,
        })
    };
    let items = [object(kind, spec), object(&format!("{kind}Binding"), binding)];
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    cluster
        .kubectl()?
        .args(["apply", "-f", "-"])
        .feed("make an admission policy", &list.to_string())?;
    wait_until(cluster, does, true)
}

/// Deletes the policy, and waits until it is followed no more.
pub(super) fn remove(cluster: &Cluster, name: &str, does: Effect) -> Result<()> {
    let kind = match does {
        Effect::Sets { .. } => "mutatingadmissionpolicy",
        Effect::Allows(_) => "validatingadmissionpolicy",
    };
    for kind in [format!("{kind}binding"), kind.to_owned()] {
        let delete = ["delete", &kind, name, "--ignore-not-found"];
        kubectl::run(cluster, "delete an admission policy", &delete)?;
    }
    wait_until(cluster, does, false)
}

/// Asks for a Service without making it, until it comes out as wanted.
fn wait_until(cluster: &Cluster, does: Effect, followed: bool) -> Result<()> {
    let what = format!("new Services {} the policy", if followed { "under" } else { "without" });
    wait_for(&what, Duration::from_secs(30), String::new, || {
        let ask = ["create", "service", "nodeport", "testbed-asks", "--tcp=80", "--dry-run=server"];
        let field = match does {
            Effect::Sets { field, .. } => field,
            Effect::Allows(_) => "{.metadata.name}",
        };
        let output = format!("jsonpath={field}");
        let arguments = [&ask[..], &["-o", &output]].concat();
        let found = cluster.kubectl()?.args(arguments).read("ask for a Service");
        let is_followed = match (does, found) {
            (Effect::Sets { value, .. }, Ok(found)) => found == value,
            (Effect::Sets { .. }, Err(error)) => return Err(error),
            (Effect::Allows(_), found) => found.is_err(),
        };
        Ok((is_followed == followed).then_some(()))
    })
}
