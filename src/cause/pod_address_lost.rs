//! `pod_address_lost`: a pod's own interface doesn't have an address that its status shows.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed};
use crate::{check::words, fixture::Workload, net::IpFamily, snapshot::Snapshot};

#[derive(Debug)]
pub(super) struct PodAddressLost;

impl CauseRule for PodAddressLost {
    fn id(&self) -> &'static str {
        "pod_address_lost"
    }

    fn why(&self) -> &'static str {
        "The kubelet reads a pod's addresses once, when the pod is created, and reports them until it is \
         deleted. If the interface later loses one, or can't use it, Services and DNS keep sending clients there."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let fixture = evidence.world.fixture;
    let [probe, backend] = [fixture.probe_on(node), fixture.backend_on(node)];
    let lost = |pod: Option<&Workload>| pod.and_then(|pod| lost(evidence, pod, family));
    let (of_probe, of_backend) = (lost(probe), lost(backend));
    let own = |probed: &Probed<'_>| {
        let from = of_probe.is_some() && is_from(probed, node);
        let to = of_backend.is_some() && probed.backend() == Some(node);
        probed.family == family && (from || to)
    };
    if evidence.bad(own).is_empty() {
        return None;
    }
    let probed = evidence.bad(|probed| {
        // Of a shared Service any backend may have been picked.
        let shared = of_backend.is_some() && probed.is_shared();
        own(probed) || (probed.family == family && shared)
    });
    let seen: Vec<String> = [&of_backend, &of_probe].into_iter().flatten().cloned().collect();
    if seen.is_empty() {
        return None;
    }
    let ill = [(&of_backend, backend), (&of_probe, probe)];
    let pods: Vec<&str> =
        ill.iter().filter_map(|(lost, pod)| lost.as_ref().and((*pod)?.pod.as_deref())).collect();
    let first = *pods.first()?;
    let names = words::list(&pods);
    Some(Found {
        what: if pods.len() > 1 {
            format!(
                "Pods {names} on {node} have lost the {family} addresses that their status shows."
            )
        } else {
            format!("Pod {names} on {node} has lost the {family} address that its status shows.")
        },
        confidence: Confidence::Proved,
        evidence: seen,
        reproduce: vec![
            format!(
                "kubectl -n {} get pod {first} -o jsonpath='{{.status.podIPs}}'  \
                 # only after run --keep",
                fixture.namespace
            ),
            format!(
                "kubectl -n {} exec {first} -- cat /proc/net/if_inet6  # only after run \
                 --keep",
                fixture.namespace
            ),
            format!(
                "kubectl -n {} exec {first} -- sh -c 'grep -H . /proc/sys/net/ipv6/conf/*/disable_ipv6'  # only after \
                 run --keep",
                fixture.namespace
            ),
        ],
        fix: vec![
            format!(
                "Find what took {family} from the pod's interface: a process in the pod with \
                 NET_ADMIN, a CNI plugin that runs last (`tuning` with disable_ipv6), or a daemon on \
                 {node} that resets interfaces. Look at the log of the pod network's pod there."
            ),
            "Delete the pod so that it is created again: its addresses are set only when it is created.".to_owned(),
        ],
        probed,
        ..Found::default()
    })
}

fn is_from(probed: &Probed<'_>, node: &str) -> bool {
    probed.from() == Some(node) && !probed.by_host()
}

/// What a pod's interfaces say of the address in its status, where they don't have it or may not use
/// it.
fn lost(evidence: &Evidence<'_>, pod: &Workload, family: IpFamily) -> Option<String> {
    let name = pod.pod.as_deref()?;
    let inside = evidence.world.facts.inside(name)?;
    let address = pod.address(family)?;
    let node = &pod.node;
    match inside.address(address) {
        None if tells(inside, family) => {
            Some(format!("no interface of {name} on {node} has {address}, which its status shows"))
        }
        Some(own) if own.duplicate => Some(format!(
            "duplicate address detection failed for {address} on {} of {name} on {node}",
            own.link
        )),
        None | Some(_) => None,
    }
}

/// Whether the pod could be asked for its addresses of a family: not every image has `ip`, and of IPv6
/// the kernel tells by itself.
fn tells(inside: &Snapshot, family: IpFamily) -> bool {
    family == IpFamily::V6 || !inside.links.is_empty()
}
