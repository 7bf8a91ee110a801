//! `pod::host_ips`

use std::net::IpAddr;

use crate::{
    check::{
        About, Blocked, Check, Failure, Need, Planned, Promise, Readings, Stage, Subject, Verdict,
        World, plan, words,
    },
    facts::{Node, Source},
    fixture::Workload,
    net::IpFamily,
};

/// The first minor version whose kubelets set status.hostIPs unasked.
const SINCE: u32 = 29;

/// Pods are told the addresses of their node.
#[derive(Debug)]
pub(in crate::check) struct HostIps;

/// A busybox pod and its node, in one family.
#[derive(Debug)]
pub(in crate::check) struct PodOnNode {
    family: IpFamily,
    pod: Workload,
    host_ips: Vec<IpAddr>,
    node: Node,
}

impl Check for HostIps {
    type Subject = PodOnNode;

    const PROMISE: Promise = Promise {
        id: "pod::host_ips",
        summary: "status.hostIPs of a new pod on every node is the node's own address of each expected family, in \
         the node's order",
        why: "Agents on nodes are found by hostIPs, which pods get by the downward API: tracing, metrics, \
         node-local DNS. A pod that gets only one family can't reach the agent in the other, and one that gets a \
         wrong address can't reach it at all.",
        source: "Pod fields status.hostIP and status.hostIPs; KEP-2681 Field status.hostIPs added for Pod; \
         upstream's dual-stack test \"should create pod, add ipv6 and ipv4 ip to host ips\"",
        about: About::core()
            .titled("Pod hostIPs")
            .asserts(&["should create pod, add ipv6 and ipv4 ip to host ips"]),
        stage: Stage::Ready,
        needs: &[Need::Facts(Source::Nodes)],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<PodOnNode>> {
        plan::families(world.suite)
            .flat_map(|family| world.fixture.probes.iter().map(move |pod| (family, pod)))
            .map(|(family, pod)| {
                let subject =
                    Subject::Pod { workload: "busybox".to_owned(), node: pod.node.clone() };
                let node = world.facts.node(&pod.node);
                if let Some(verdict) = node.and_then(|node| too_old(world, node, pod)) {
                    return Planned::settled(subject, family, verdict);
                }
                Planned::probing(world, subject, family, || {
                    plan::up("busybox", pod)?;
                    let blocked = |reason| Blocked { by: None, reason };
                    let node = node
                        .ok_or_else(|| blocked(format!("node {} can't be seen", pod.node)))?
                        .clone();
                    let host_ips = pod.host_ips.clone().ok_or_else(|| {
                        blocked("the record was written before status.hostIPs was read".to_owned())
                    })?;
                    Ok((PodOnNode { family, pod: pod.clone(), host_ips, node }, Vec::new()))
                })
            })
            .collect()
    }

    fn judge(&self, world: World<'_>, case: &PodOnNode, _: &Readings<'_>) -> Verdict {
        match defect(case) {
            None => {
                let own = case.host_ips.iter().find(|&&ip| IpFamily::of(ip) == case.family);
                Verdict::pass(own.map_or_else(String::new, IpAddr::to_string))
            }
            Some((detail, what)) => {
                let name = case.pod.pod.as_deref().unwrap_or("busybox");
                let what = format!("Pod {name} on node {} {what}.", case.pod.node);
                Verdict::fail(detail, failure(world, case, what))
            }
        }
    }
}

/// The verdict where the API server or the kubelet doesn't know the field yet.
fn too_old(world: World<'_>, node: &Node, pod: &Workload) -> Option<Verdict> {
    let none = pod.is_ready() && pod.host_ips.as_ref().is_some_and(Vec::is_empty);
    let minor = |version: &str| -> Option<u32> {
        let minor = version.split('.').nth(1)?;
        minor.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok()
    };
    let by_server = !world.facts.server.is_at_least(SINCE);
    let by_kubelet = minor(&node.kubelet_version).is_some_and(|minor| minor < SINCE);
    (none && (by_server || by_kubelet)).then(|| {
        let version = if by_server { &world.facts.server.version } else { &node.kubelet_version };
        Verdict::skip(format!(
            "pods have status.hostIPs since Kubernetes 1.{SINCE}, this is {version}"
        ))
    })
}

/// What the kubelet makes of a node's addresses: the first InternalIP, or else the first ExternalIP,
/// and the first that follows of the other family.
fn expected(node: &Node) -> Vec<IpAddr> {
    let of = |kind: &'static str| {
        let all = node.addresses.iter().filter(move |address| address.kind == kind);
        all.filter_map(|address| address.address.parse().ok())
    };
    let all: Vec<IpAddr> = of("InternalIP").chain(of("ExternalIP")).collect();
    let first = all.first().copied();
    let other = first
        .map(IpFamily::of)
        .and_then(|family| all.iter().copied().find(|&ip| IpFamily::of(ip) != family));
    first.into_iter().chain(other).collect()
}

/// What is wrong with a pod's hostIPs, as detail and end of a sentence.
fn defect(case: &PodOnNode) -> Option<(String, String)> {
    let PodOnNode { family, host_ips, node, .. } = case;
    let all = words::list(host_ips);
    let expected = expected(node);
    let right = expected.iter().copied().find(|&ip| IpFamily::of(ip) == *family);
    let of_family: Vec<IpAddr> =
        host_ips.iter().copied().filter(|&ip| IpFamily::of(ip) == *family).collect();
    match (of_family.as_slice(), right) {
        ([], _) => Some((
            format!("no {family} address, only {all}"),
            format!("has no {family} address in status.hostIPs, only {all}"),
        )),
        ([one], Some(right)) if *one != right => Some((
            format!("{one}, where the node has {right}"),
            format!(
                "has {one} in status.hostIPs, and the node's first {family} address is {right}"
            ),
        )),
        ([_], _) => {
            let first = host_ips.first().copied()?;
            let should = expected.first().copied()?;
            let reversed = IpFamily::of(first) != IpFamily::of(should);
            (reversed && IpFamily::of(should) == *family).then(|| {
                (
                    format!("{first} comes first"),
                    format!("has {first} first in status.hostIPs, and the node {should}"),
                )
            })
        }
        (several, _) => Some((
            format!("{} {family} addresses", several.len()),
            format!("has several {family} addresses in status.hostIPs ({all})"),
        )),
    }
}

fn failure(world: World<'_>, case: &PodOnNode, what: String) -> Failure {
    let PodOnNode { family, pod, .. } = case;
    let node = &pod.node;
    Failure::new(what)
        .reproduce([
            format!(
                "kubectl get node {node} -o jsonpath='{{.status.addresses}}{{\"\\n\"}}'"
            ),
            format!(
                "kubectl -n {} get pods --field-selector spec.nodeName={node} -o \
                 'custom-columns=NAME:.metadata.name,HOSTIPS:.status.hostIPs[*].ip'  # only after run --keep",
                world.fixture.namespace
            ),
        ])
        .fix([
            format!(
                "The kubelet takes hostIPs from its Node's addresses: give {node} an {family} InternalIP \
                 (--node-ip with an address of each family, or the cloud provider's dual-stack), see \
                 node::internal_ips."
            ),
            format!(
                "If the Node has the right addresses, restart the kubelet of {node}: it uses the ones that \
                 it saw last."
            ),
        ])
}
