//! `component_stopped`: a component of the control plane does nothing any more.

use std::collections::BTreeSet;

use super::{CauseRule, Confidence, Evidence, Found};
use crate::{
    check::{Status, words},
    facts::Lease,
    fixture::{NOT_CONTROLLED, NOT_SCHEDULED, Workload, WorkloadState},
    probe::ProbeId,
};

#[derive(Debug)]
pub(super) struct ComponentStopped;

impl CauseRule for ComponentStopped {
    fn id(&self) -> &'static str {
        "component_stopped"
    }

    fn why(&self) -> &'static str {
        "What is running keeps running, but nothing new starts: without kube-controller-manager \
         Deployments get no pods and Services no endpoints, without kube-scheduler pods get no node. \
         The network can't be judged until it is back."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let leases = || evidence.world.facts.leases.known().into_iter().flatten();
        let stale = leases().filter(|lease| lease.is_stale());
        let found: Vec<Found> = stale.filter_map(|lease| of_lease(evidence, lease)).collect();
        if !found.is_empty() {
            return found;
        }
        // Who is alone may lead without a Lease (`--leader-elect=false`), and one that is renewed says nothing
        // of what its component gets done.
        let undone =
            [("kube-controller-manager", NOT_CONTROLLED), ("kube-scheduler", NOT_SCHEDULED)];
        undone
            .into_iter()
            .filter_map(|(component, reason)| {
                let lease = leases().find(|lease| lease.component == component);
                unled(evidence, component, reason, lease)
            })
            .collect()
    }
}

fn of_lease(evidence: &Evidence<'_>, lease: &Lease) -> Option<Found> {
    let Lease { component, duration_seconds, .. } = lease;
    let silent = lease.silent_seconds.unwrap_or_default();
    let fact = format!(
        "the Lease kube-system/{component} was last renewed {silent} s ago, and holds for {duration_seconds} s{}",
        lease.holder.as_ref().map(|holder| format!(" (by {holder})")).unwrap_or_default()
    );
    found(evidence, component, Leadership::Lost, vec![fact], Confidence::Proved)
}

/// What is known of who leads a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leadership {
    /// Nobody does, as far as is known.
    Lost,
    /// Somebody does, and renews its Lease.
    Held,
}

/// What none of the run's own Deployments or pods was taken up by, though the API server has them.
fn unled(
    evidence: &Evidence<'_>,
    component: &str,
    reason: &str,
    lease: Option<&Lease>,
) -> Option<Found> {
    let fixture = evidence.world.fixture;
    let left = |pod: &&Workload| matches!(&pod.state, WorkloadState::Failed { reason: why } if why == reason);
    let left_backends = fixture.backends.iter().filter(left).count();
    let left_probes = fixture.probes.iter().filter(left).count();
    let none = left_backends + left_probes == 0;
    if none || fixture.backends.iter().any(Workload::is_ready) {
        return None;
    }
    let mut seen = if component == "kube-scheduler" {
        let left = words::count(left_backends + left_probes, "pod");
        vec![format!("{left} of this run without a node, and without the condition PodScheduled")]
    } else {
        let left = words::count(left_backends, "Deployment");
        vec![format!(
            "{left} of this run without status.observedGeneration: no controller has looked at them"
        )]
    };
    let up = fixture.probes.iter().filter(|pod| pod.is_ready()).count();
    if up > 0 {
        seen.push(format!(
            "{} of this run that {} no Deployment came up meanwhile",
            words::count(up, "pod"),
            if up == 1 { "needs" } else { "need" }
        ));
    }
    let renewed = lease.and_then(|lease| Some((lease.silent_seconds?, lease.holder.as_deref())));
    let (lead, confidence) = match renewed {
        Some((silent, Some(holder))) => {
            seen.push(format!("its Lease was renewed {silent} s ago, by {holder}, so it runs"));
            (Leadership::Held, Confidence::Possible)
        }
        Some((silent, None)) => {
            seen.push(format!("no instance holds its Lease, which was released {silent} s ago"));
            (Leadership::Lost, Confidence::Likely)
        }
        None => (Leadership::Lost, Confidence::Likely),
    };
    found(evidence, component, lead, seen, confidence)
}

fn found(
    evidence: &Evidence<'_>,
    component: &str,
    lead: Leadership,
    mut seen: Vec<String>,
    confidence: Confidence,
) -> Option<Found> {
    let fixture = evidence.world.fixture;
    let pods = fixture.backends.iter().chain(&fixture.probes);
    let awaited: Vec<&str> =
        pods.filter(|pod| pod.state != WorkloadState::Ready).map(|pod| pod.node.as_str()).collect();
    let unserved = fixture.services.iter().filter(|service| {
        service.role.is_basic() && service.slices.as_ref().is_some_and(Vec::is_empty)
    });
    let manages = component == "kube-controller-manager";
    let unserved = if manages { unserved.count() } else { 0 };
    if awaited.is_empty() && unserved == 0 {
        return None;
    }
    let undone = if manages {
        "new Deployments get no pods and new Services no EndpointSlices"
    } else {
        "new pods are not given to a node"
    };
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
        what: match lead {
            Leadership::Lost => {
                format!(
                    "{component} has stopped or lost its connection to the API server: {undone}."
                )
            }
            Leadership::Held => {
                format!("{component} runs, but has not processed this run's objects: {undone}.")
            }
        },
        confidence,
        evidence: seen,
        reproduce: vec![
            format!("kubectl -n kube-system get pods -l component={component} -o wide"),
            format!("kubectl -n kube-system get lease {component} -o yaml"),
            format!("kubectl -n kube-system logs -l component={component} --tail=50"),
        ],
        fix: if lead == Leadership::Held {
            behind(component)
        } else {
            vec![
            format!(
                "Start {component} again. As a static pod it is /etc/kubernetes/manifests/{component}.yaml \
                 on a control plane node (RKE2: /var/lib/rancher/rke2/agent/pod-manifests; in k3s it is a part of k3s \
                 on the servers); the kubelet's log there says why it doesn't run."
            ),
            "If it runs, see in its log why it can't renew the Lease: the API server's address, \
             certificates, the clock."
                .to_owned(),
        ]
        },
        probed,
        cases,
    })
}

/// What to do where a component runs and does not get to its work.
fn behind(component: &str) -> Vec<String> {
    let mut fix = vec![format!(
        "See in the log of {component} what it does meanwhile: it may have only just become the leader, or have a long \
         queue; then run again with a longer --ready-timeout."
    )];
    if component == "kube-scheduler" {
        fix.push(
            "Check whether the run's pods have another scheduler (`kubectl get pods -A -o \
             custom-columns=NAME:.metadata.name,SCHEDULER:.spec.schedulerName`), which an admission webhook may have \
             set, and whether that one runs."
                .to_owned(),
        );
    }
    fix
}
