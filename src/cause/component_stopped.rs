//! `component_stopped`: a component of the control plane does nothing any more.

use std::collections::BTreeSet;

use super::{CauseRule, Confidence, Evidence, Found};
use crate::{
    check::{Status, words},
    facts::Lease,
    fixture::WorkloadState,
    probe::ProbeId,
};

#[derive(Debug)]
pub(super) struct ComponentStopped;

impl CauseRule for ComponentStopped {
    fn id(&self) -> &'static str {
        "component_stopped"
    }

    fn why(&self) -> &'static str {
        "What runs goes on running, and nothing new comes about: without kube-controller-manager \
         Deployments get no pods and Services no endpoints, without kube-scheduler pods get no node. \
         Nothing can be said of the network until it is back."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let leases = evidence.world.facts.leases.known();
        let stale = leases.into_iter().flatten().filter(|lease| lease.is_stale());
        stale.filter_map(|lease| of_lease(evidence, lease)).collect()
    }
}

fn of_lease(evidence: &Evidence<'_>, lease: &Lease) -> Option<Found> {
    let fixture = evidence.world.fixture;
    let pods = fixture.backends.iter().chain(&fixture.probes);
    let awaited: Vec<&str> =
        pods.filter(|pod| pod.state != WorkloadState::Ready).map(|pod| pod.node.as_str()).collect();
    let unserved = fixture.services.iter().filter(|service| {
        service.role.is_basic() && service.slices.as_ref().is_some_and(Vec::is_empty)
    });
    let manages = lease.component == "kube-controller-manager";
    let unserved = if manages { unserved.count() } else { 0 };
    if awaited.is_empty() && unserved == 0 {
        return None;
    }
    let undone = if manages {
        "new Deployments get no pods and new Services no EndpointSlices"
    } else {
        "new pods are not given to a node"
    };
    let component = &lease.component;
    let silent = lease.silent_seconds.unwrap_or_default();
    let mut seen = vec![format!(
        "the Lease kube-system/{component} was last renewed {silent} s ago, and holds for {} s{}",
        lease.duration_seconds,
        lease.holder.as_ref().map(|holder| format!(" (by {holder})")).unwrap_or_default()
    )];
    if !awaited.is_empty() {
        seen.push(format!("{} of this run did not come up", words::count(awaited.len(), "pod")));
    }
    if unserved > 0 {
        seen.push(format!(
            "{} of this run without any EndpointSlice",
            words::count(unserved, "Service")
        ));
    }
    let open = |place: &usize| {
        let judged = &evidence.judged[*place];
        judged.verdict.status() == Status::Inconclusive
            || (judged.verdict.status() == Status::Fail
                && judged.case.check == "service::endpoint_slices")
    };
    let cases: BTreeSet<usize> = (0..evidence.judged.len()).filter(open).collect();
    let probed: BTreeSet<ProbeId> =
        evidence.bad(|probed| unserved > 0 && probed.service().is_some());
    Some(Found {
        what: format!("{component} has stopped or lost the API server: {undone}."),
        confidence: Confidence::Proved,
        evidence: seen,
        reproduce: vec![
            format!("kubectl -n kube-system get lease {component} -o yaml"),
            format!("kubectl -n kube-system get pods -l component={component} -o wide"),
            format!("kubectl -n kube-system logs -l component={component} --tail=50"),
        ],
        fix: vec![
            format!(
                "Start {component} again. As a static pod it is /etc/kubernetes/manifests/{component}.yaml \
                 on a control plane node; the kubelet's log there says why it doesn't run."
            ),
            "If it runs, see in its log why it can't renew the Lease: the API server's address, \
             certificates, the clock."
                .to_owned(),
        ],
        probed,
        cases,
    })
}
