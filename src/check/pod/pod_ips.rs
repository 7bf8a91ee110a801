//! `pod::pod_ips`

use std::net::IpAddr;

use crate::{
    check::{
        About, Check, Failure, Need, Planned, Promise, Readings, Stage, Subject, Verdict, World,
        plan, primary, remedy, words,
    },
    facts::Source,
    fixture::Workload,
    net::IpFamily,
};

/// Every pod has an address of each family.
#[derive(Debug)]
pub(in crate::check) struct PodIps;

/// A pod of ours, and one family.
#[derive(Debug)]
pub(in crate::check) struct PodInFamily {
    family: IpFamily,
    /// What runs in it.
    workload: &'static str,
    pod: Workload,
}

impl Check for PodIps {
    type Subject = PodInFamily;

    const PROMISE: Promise = Promise {
        id: "pod::pod_ips",
        summary: "a new pod on every node has exactly one address of each expected family, in the expected \
         order",
        why: "A pod without an address of a family can neither connect nor serve in it: Services of that family \
         get no endpoint from it, and clients that prefer the family wait for a \
         time-out before they try the other. podIPs[0] is podIP, the one address that older \
         clients see.",
        source: "Pod fields status.podIP and status.podIPs; KEP-563 IPv4/IPv6 dual-stack; \
         https://kubernetes.io/docs/concepts/services-networking/dual-stack/",
        about: About::core()
            .titled("Pod IPs")
            .asserts(&["should create pod, add ipv6 and ipv4 ip to pod ips"]),
        knows_groups: true,
        stage: Stage::Ready,
        // Pods that are older than the cluster's second family have one address; a notice says so.
        needs: &[Need::Facts(Source::Pods)],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<PodInFamily>> {
        let fixture = world.fixture;
        let pods = fixture.backends.iter().map(|pod| ("nginx", pod));
        let pods: Vec<_> = pods.chain(fixture.probes.iter().map(|pod| ("busybox", pod))).collect();
        IpFamily::ALL
            .into_iter()
            .flat_map(|family| pods.iter().map(move |(name, pod)| (family, *name, *pod)))
            .map(|(family, workload, pod)| {
                let subject =
                    Subject::Pod { workload: workload.to_owned(), node: pod.node.clone() };
                Planned::probing(world, subject, family, || {
                    // A pod that never ran may have been given its addresses all the same.
                    if pod.pod_ips.is_empty() {
                        plan::up(workload, pod)?;
                    }
                    Ok((PodInFamily { family, workload, pod: pod.clone() }, Vec::new()))
                })
            })
            .collect()
    }

    fn judge(&self, world: World<'_>, case: &PodInFamily, _: &Readings<'_>) -> Verdict {
        let PodInFamily { family, workload, ref pod } = *case;
        let node = &pod.node;
        let addresses: Vec<IpAddr> =
            pod.pod_ips.iter().copied().filter(|&ip| IpFamily::of(ip) == family).collect();
        let all = words::list(&pod.pod_ips);
        let name = pod.pod.as_deref().unwrap_or(workload);
        let (detail, what) = match (world.expects(node, family), addresses.as_slice()) {
            (false, []) => return Verdict::pass("none, as expected"),
            (false, [first, ..]) => (
                format!("{first} is not expected"),
                format!(
                    "Pod {name} on node {node} was given the {family} address {first}, but {}.",
                    world.without(node, family)
                ),
            ),
            (true, []) => (
                format!("no {family} address, only {all}"),
                format!("Pod {name} on node {node} was given no {family} address, only {all}."),
            ),
            (true, [address]) => match order_defect(world, pod, family) {
                None => return Verdict::pass(address.to_string()),
                Some((detail, what)) => {
                    (detail, format!("Pod {name} on node {node} {what} (podIPs: {all})."))
                }
            },
            (true, _) => (
                format!("{} {family} addresses", addresses.len()),
                format!(
                    "Pod {name} on node {node} has {} {family} addresses ({all}), where one of each \
                     family is allowed.",
                    addresses.len()
                ),
            ),
        };
        Verdict::fail(detail, failure(world, pod, family, what))
    }
}

/// What is wrong with the order of a pod's addresses, as detail and end of a sentence.
fn order_defect(world: World<'_>, pod: &Workload, family: IpFamily) -> Option<(String, String)> {
    let first = *pod.pod_ips.first()?;
    if let Some(pod_ip) = pod.pod_ip.as_ref().filter(|ip| ip.parse() != Ok(first))
        && IpFamily::of(first) == family
    {
        return Some((
            format!("podIP is {pod_ip}"),
            format!("has {pod_ip} as podIP, which must be podIPs[0]"),
        ));
    }
    let ordered = all_pods(world).filter(|pod| world.orders(&pod.node));
    let firsts = ordered.filter_map(|pod| pod.pod_ips.first()).copied().map(IpFamily::of);
    let expected = primary::expected(world.suite, firsts)?;
    let first = IpFamily::of(first);
    (expected == family && first != family).then(|| {
        (
            format!("{first} comes first"),
            format!(
                "has its {first} address first, but {}",
                primary::reason(world.suite, expected)
            ),
        )
    })
}

fn all_pods(world: World<'_>) -> impl Iterator<Item = &Workload> {
    world.fixture.backends.iter().chain(&world.fixture.probes)
}

fn failure(world: World<'_>, pod: &Workload, family: IpFamily, what: String) -> Failure {
    let node = &pod.node;
    let failure = Failure::new(what).reproduce([
        format!(
            "kubectl get pods -A --field-selector spec.nodeName={node} -o \
             'custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,IPS:.status.podIPs[*].ip'"
        ),
        format!("kubectl get node {node} -o jsonpath='{{.spec.podCIDRs}}{{\"\\n\"}}'"),
    ]);
    if !world.expects(node, family) {
        return failure.fix([
            "If the cluster is meant to be dual-stack, run the suite dual-stack.".to_owned(),
            format!(
                "If not, create the cluster again without {family} ranges. It can't be turned back in place: Node \
                 objects keep their podCIDRs, and a kube-controller-manager whose --cluster-cidr lacks one of \
                 their families does not start."
            ),
        ]);
    }
    if pod.address(family).is_some() {
        return failure.fix([format!(
            "The kubelet of {node} puts the family of the node's first InternalIP first: see \
             node::internal_ips, and start it with --node-ip in the right order."
        )]);
    }
    failure.fix(remedy::addressing(world, family))
}
