//! Asking for rights before anything is created.

use std::{fmt, sync::Arc};

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::{Api, api::PostParams};

use super::{Cluster, ClusterError};

/// How many reviews are under way at once. Each takes a connection of its own, whose TLS
/// handshake costs more than the review.
const AT_ONCE: usize = 12;

/// A right that a run needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// `get`, `list`, `watch`, `create`, `patch`, `delete` …
    pub verb: &'static str,
    /// The API group, empty for the core group.
    pub group: String,
    /// The resource in the plural, `pods`.
    pub resource: String,
    /// The subresource, `exec`.
    pub subresource: Option<String>,
    /// The namespace; `None` for a resource of the cluster or a list over all namespaces.
    pub namespace: Option<String>,
    /// Whether a run can do without it.
    pub optional: bool,
}

impl Right {
    /// A right that a run can't do without. `resource` may name a subresource after a slash, and
    /// a group after a dot (`pods/exec`, `leases.coordination.k8s.io`).
    pub fn required(verb: &'static str, resource: &str, namespace: Option<&str>) -> Self {
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (resource, None),
        };
        Self {
            verb,
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource,
            namespace: namespace.map(str::to_owned),
            optional: false,
        }
    }

    /// A right whose absence only leaves something unknown.
    pub fn optional(verb: &'static str, resource: &str, namespace: Option<&str>) -> Self {
        Self { optional: true, ..Self::required(verb, resource, namespace) }
    }

    /// The rights that it takes to open a WebSocket into a pod (`pods/exec`, `pods/portforward`)
    /// of a namespace: `get`, since a WebSocket begins as a GET, and since Kubernetes 1.35 `create`
    /// as well (feature gate AuthorizePodWebsocketUpgradeCreatePermission), whose absence that API
    /// server refuses without naming it. `version` is the API server's.
    pub fn to_enter(version: &str, resource: &str, namespace: Option<&str>) -> Vec<Self> {
        let mut parts = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
        let before = matches!((parts.next(), parts.next()), (Some(Ok(1)), Some(Ok(..35))));
        let verbs: &[&'static str] = if before { &["get"] } else { &["get", "create"] };
        verbs.iter().map(|&verb| Self::required(verb, resource, namespace)).collect()
    }

    fn review(&self) -> SelfSubjectAccessReview {
        let attributes = ResourceAttributes {
            verb: Some(self.verb.to_owned()),
            group: Some(self.group.clone()),
            resource: Some(self.resource.clone()),
            subresource: self.subresource.clone(),
            namespace: self.namespace.clone(),
            ..ResourceAttributes::default()
        };
        SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        }
    }
}

impl Right {
    /// The resource as `kubectl auth can-i` takes it: `pods/exec`, `leases.coordination.k8s.io`.
    fn object(&self) -> String {
        let mut object = self.resource.clone();
        if !self.group.is_empty() {
            object.push('.');
            object.push_str(&self.group);
        }
        if let Some(subresource) = &self.subresource {
            object.push('/');
            object.push_str(subresource);
        }
        object
    }
}

/// Rights as one phrase, those of a resource and those of a namespace together: `list nodes; get
/// and create pods/exec, patch services in namespace x`.
pub(super) fn together(rights: &[Right]) -> String {
    let namespaces = distinct(rights.iter().map(|right| right.namespace.as_deref()));
    let phrases = namespaces.into_iter().map(|namespace| {
        let here = || rights.iter().filter(|right| right.namespace.as_deref() == namespace);
        let each = distinct(here().map(Right::object)).into_iter().map(|object| {
            let verbs = here().filter(|right| right.object() == object).map(|right| right.verb);
            format!("{} {object}", verbs.collect::<Vec<_>>().join(" and "))
        });
        let all = each.collect::<Vec<_>>().join(", ");
        match namespace {
            Some(namespace) => format!("{all} in namespace {namespace}"),
            None => all,
        }
    });
    phrases.collect::<Vec<_>>().join("; ")
}

/// Each value once, in the order of first appearance.
fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.fold(Vec::new(), |mut seen, value| {
        if !seen.contains(&value) {
            seen.push(value);
        }
        seen
    })
}

impl fmt::Display for Right {
    /// As `kubectl auth can-i` takes it: `create pods/exec in namespace x`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.object())?;
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

/// What came of asking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// The optional rights that are missing, in the order in which they were asked for.
    pub missing: Vec<Right>,
}

/// Asks for all rights at the same time, by SelfSubjectAccessReview, which creates nothing.
///
/// # Errors
///
/// [`ClusterError::MissingRights`] names every required right that is missing; any other error
/// says why the API server could not be asked.
pub async fn preflight(cluster: &Cluster, rights: &[Right]) -> Result<Preflight, ClusterError> {
    let reviews: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
    let doing = "create selfsubjectaccessreviews.authorization.k8s.io";
    let allowed: Vec<bool> = stream::iter(rights.iter().map(Right::review))
        .map(|review| {
            let reviews = &reviews;
            async move { reviews.create(&PostParams::default(), &review).await }
        })
        .buffered(AT_ONCE)
        .map_ok(|review| review.status.is_some_and(|status| status.allowed))
        .try_collect()
        .await
        .map_err(|error| cluster.error(doing, error))?;

    let missing = || rights.iter().zip(&allowed).filter(|(_, allowed)| !**allowed);
    let required: Vec<_> =
        missing().map(|(right, _)| right).filter(|right| !right.optional).cloned().collect();
    if !required.is_empty() {
        let endpoint = Arc::clone(&cluster.endpoint);
        return Err(ClusterError::MissingRights { endpoint, rights: required });
    }
    Ok(Preflight { missing: missing().map(|(right, _)| right.clone()).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_reads_as_kubectl_auth_can_i_takes_it() {
        let exec = Right::required("create", "pods/exec", Some("x"));
        assert_eq!(exec.to_string(), "create pods/exec in namespace x");
        assert_eq!((exec.resource.as_str(), exec.subresource.as_deref()), ("pods", Some("exec")));
        let leases = Right::optional("patch", "leases.coordination.k8s.io", None);
        assert_eq!(leases.to_string(), "patch leases.coordination.k8s.io");
        assert_eq!((leases.group.as_str(), leases.optional), ("coordination.k8s.io", true));
    }

    #[test]
    fn many_rights_read_as_one_phrase() {
        let rights = [
            Right::required("list", "nodes", None),
            Right::required("get", "pods/exec", Some("x")),
            Right::required("patch", "services", Some("x")),
            Right::required("create", "namespaces", None),
            Right::required("create", "pods/exec", Some("x")),
        ];
        assert_eq!(
            together(&rights),
            "list nodes, create namespaces; get and create pods/exec, patch services in namespace x"
        );
    }

    #[test]
    fn since_1_35_entering_a_pod_takes_two_rights() {
        let verbs = |version| {
            let rights = Right::to_enter(version, "pods/exec", None);
            rights.iter().map(|right| right.verb).collect::<Vec<_>>()
        };
        assert_eq!(verbs("v1.34.9-gke.100"), ["get"]);
        assert_eq!(verbs("v1.35.0"), ["get", "create"]);
        assert_eq!(verbs("v1.36.3+k3s1"), ["get", "create"]);
    }
}
