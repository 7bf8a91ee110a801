//! Permissions, as they are asked for and as people read them.

use std::fmt;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};

/// A permission that a run needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
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

impl Permission {
    /// A permission that a run can't do without. `resource` may name a subresource after a slash, and
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

    /// A permission whose absence only leaves something unknown.
    pub fn optional(verb: &'static str, resource: &str, namespace: Option<&str>) -> Self {
        Self { optional: true, ..Self::required(verb, resource, namespace) }
    }

    /// The permissions that it takes to open a WebSocket into a pod (`pods/exec`, `pods/portforward`)
    /// of a namespace: `get`, since a WebSocket begins as a GET, and since Kubernetes 1.35 `create`
    /// as well (feature gate AuthorizePodWebsocketUpgradeCreatePermission), whose absence that API
    /// server refuses without naming it. `version` is the API server's.
    pub fn to_enter(version: &str, resource: &str, namespace: Option<&str>) -> Vec<Self> {
        let mut parts = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
        let before = matches!((parts.next(), parts.next()), (Some(Ok(1)), Some(Ok(..35))));
        let verbs: &[&'static str] = if before { &["get"] } else { &["get", "create"] };
        verbs.iter().map(|&verb| Self::required(verb, resource, namespace)).collect()
    }

    /// Whether it is the same permission, needed as much or not.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Self { optional: other.optional, ..self.clone() } == *other
    }

    /// The question to the API server whether we have it.
    pub(super) fn review(&self) -> SelfSubjectAccessReview {
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

impl Permission {
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
pub(super) fn phrase(permissions: &[Permission]) -> String {
    let namespaces = distinct(permissions.iter().map(|permission| permission.namespace.as_deref()));
    let phrases = namespaces.into_iter().map(|namespace| {
        let here =
            || permissions.iter().filter(|permission| permission.namespace.as_deref() == namespace);
        let each = distinct(here().map(Permission::object)).into_iter().map(|object| {
            let verbs = here()
                .filter(|permission| permission.object() == object)
                .map(|permission| permission.verb);
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

impl fmt::Display for Permission {
    /// As `kubectl auth can-i` takes it: `create pods/exec in namespace x`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.object())?;
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_reads_as_kubectl_auth_can_i_takes_it() {
        let exec = Permission::required("create", "pods/exec", Some("x"));
        assert_eq!(exec.to_string(), "create pods/exec in namespace x");
        assert_eq!((exec.resource.as_str(), exec.subresource.as_deref()), ("pods", Some("exec")));
        let leases = Permission::optional("patch", "leases.coordination.k8s.io", None);
        assert_eq!(leases.to_string(), "patch leases.coordination.k8s.io");
        assert_eq!((leases.group.as_str(), leases.optional), ("coordination.k8s.io", true));
    }

    #[test]
    fn many_rights_read_as_one_phrase() {
        let permissions = [
            Permission::required("list", "nodes", None),
            Permission::required("get", "pods/exec", Some("x")),
            Permission::required("patch", "services", Some("x")),
            Permission::required("create", "namespaces", None),
            Permission::required("create", "pods/exec", Some("x")),
        ];
        assert_eq!(
            phrase(&permissions),
            "list nodes, create namespaces; get and create pods/exec, patch services in namespace x"
        );
    }

    #[test]
    fn since_1_35_entering_a_pod_takes_two_rights() {
        let verbs = |version| {
            let permissions = Permission::to_enter(version, "pods/exec", None);
            permissions.iter().map(|permission| permission.verb).collect::<Vec<_>>()
        };
        assert_eq!(verbs("v1.34.9-gke.100"), ["get"]);
        assert_eq!(verbs("v1.35.0"), ["get", "create"]);
        assert_eq!(verbs("v1.36.3+k3s1"), ["get", "create"]);
    }
}
