//! The permissions a run needs, asked for before anything is created.

use crate::{
    check::{DynCheck, Need, Stage},
    cluster::Permission,
    facts::{Source, TargetName},
    fixture::{self, FixtureOptions},
};

/// What a run of these checks, on these Services of the operator's, asks of an API server of this
/// version, each permission once.
pub fn permissions(
    checks: &[&'static dyn DynCheck],
    fixture: &FixtureOptions,
    targets: &[TargetName],
    version: &str,
) -> Vec<Permission> {
    let namespace = fixture.namespace.as_deref();
    // The nodes are what everything else is placed on and told apart by.
    let mut permissions = Source::Nodes.permissions();
    permissions.extend(checks.iter().flat_map(|check| needed(*check, namespace, targets, version)));
    if has_workload(checks) {
        permissions.extend(fixture::permissions(fixture));
    }
    permissions.into_iter().fold(Vec::new(), |mut all: Vec<Permission>, permission| {
        match all.iter_mut().find(|known| known.is_same(&permission)) {
            Some(known) => known.optional &= permission.optional,
            None => all.push(permission),
        }
        all
    })
}

/// What a run of these checks must know of the cluster.
pub(super) fn sources(checks: &[&'static dyn DynCheck]) -> Vec<Source> {
    // Reports say what network the cluster has; what to do depends on its pod network, its kube-proxy
    // and its distribution, which is told by where the ranges stand; a plan expects addresses of them.
    let mut sources = vec![
        Source::Nodes,
        Source::Cni,
        Source::KubeProxy,
        Source::PodRanges,
        Source::ServiceRanges,
    ];
    if has_workload(checks) {
        // The workload's names end in the cluster's domain. Causes go by where DNS and the API servers
        // run, who leads the control plane's components, and kube-proxy's pods.
        sources.extend([Source::ClusterDns, Source::KubernetesService, Source::Components]);
    }
    let needs = checks.iter().flat_map(|check| check.promise().needs);
    sources.extend(needs.filter_map(|need| match need {
        Need::Facts(source) => Some(*source),
        _ => None,
    }));
    sources
}

/// Whether they need more than what the cluster says of itself.
fn has_workload(checks: &[&'static dyn DynCheck]) -> bool {
    checks.iter().any(|check| check.promise().stage > Stage::Facts)
}

/// What a check needs besides the workload, in a run that uses this namespace.
fn needed(
    check: &dyn DynCheck,
    namespace: Option<&str>,
    targets: &[TargetName],
    version: &str,
) -> Vec<Permission> {
    check
        .promise()
        .needs
        .iter()
        .flat_map(|need| match need {
            Need::Facts(source) => source.permissions(),
            Need::Exec => Permission::to_enter(version, "pods/exec", namespace),
            Need::Targets => targets.iter().flat_map(TargetName::permissions).collect(),
            // The fixture asks for what those pods take.
            Need::Egress | Need::Policies | Need::Changes | Need::LoadBalancer => Vec::new(),
            Need::ServiceProxy => vec![Permission::optional("get", "services/proxy", namespace)],
            Need::ForwardToDns => {
                let permissions =
                    Permission::to_enter(version, "pods/portforward", Some("kube-system"));
                permissions
                    .into_iter()
                    .map(|permission| Permission { optional: true, ..permission })
                    .collect()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{REGISTRY, by_id};

    fn asked(ids: &[&str]) -> Vec<String> {
        let checks: Vec<_> = ids.iter().map(|id| by_id(id).unwrap()).collect();
        let target = "team/web".parse().unwrap();
        let permissions = permissions(&checks, &FixtureOptions::default(), &[target], "v1.36");
        permissions.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_run_asks_only_for_what_its_checks_need() {
        assert_eq!(asked(&["node::internal_ips"]), ["list nodes"]);
        let dns = asked(&["dns::records"]);
        for permission in
            ["list services in namespace kube-system", "create pods/exec", "create pods"]
        {
            assert!(dns.contains(&permission.to_owned()), "{permission}: {dns:?}");
        }
        assert!(!dns.iter().any(|permission| permission.contains("servicecidrs")), "{dns:?}");
        assert!(!dns.iter().any(|permission| permission.contains("namespace team")), "{dns:?}");
        let target = asked(&["target::endpoints"]);
        for permission in ["get services", "list endpointslices.discovery.k8s.io"] {
            let permission = format!("{permission} in namespace team");
            assert!(target.contains(&permission), "{permission}: {target:?}");
        }
        let addresses = asked(&["pod::pod_ips"]);
        assert!(
            !addresses.iter().any(|permission| permission.contains("pods/exec")),
            "{addresses:?}"
        );
    }

    #[test]
    fn each_permission_is_asked_for_once() {
        let mut all = asked(&REGISTRY.iter().map(|check| check.id()).collect::<Vec<_>>());
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_permission_that_one_check_cannot_do_without_is_required() {
        let permissions = permissions(&REGISTRY, &FixtureOptions::default(), &[], "v1.36");
        let nodes =
            permissions.iter().find(|permission| permission.to_string() == "list nodes").unwrap();
        assert!(!nodes.optional);
    }
}
