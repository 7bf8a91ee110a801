//! `pod::family_order`

use crate::{
    check::{
        About, Check, Failure, Need, Planned, Promise, Readings, Stage, Subject, Verdict, World,
        words,
    },
    facts::{Node, Source},
    fixture::Allocation,
    net::IpFamily,
};

/// Nodes, pods and Services have the same family first.
#[derive(Debug)]
pub(in crate::check) struct FamilyOrder;

impl Check for FamilyOrder {
    type Subject = ();

    const PROMISE: Promise = Promise {
        id: "pod::family_order",
        summary: "nodes, pods and Services list the same family first",
        why: "The first family is used wherever there is only one address: podIP, clusterIP, the address that \
              the kubelet probes and that a Service of one family gets. If nodes have IPv6 first and Services \
              IPv4, an application that listens on its podIP is not reached by Services that don't ask for both.",
        source: "KEP-563 IPv4/IPv6 dual-stack (the order of --cluster-cidr, --node-ip and \
         --service-cluster-ip-range); https://kubernetes.io/docs/concepts/services-networking/dual-stack/",
        about: About::core().titled("Order of families"),
        per_family: false,
        stage: Stage::Ready,
        needs: &[Need::Facts(Source::Nodes)],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<()>> {
        if world.suite.families.len() < 2 {
            let verdict = Verdict::pass("one family, so there is no order");
            return vec![Planned::settled(Subject::Cluster, None, verdict)];
        }
        vec![Planned::new(Subject::Cluster, None, ())]
    }

    fn judge(&self, world: World<'_>, (): &(), _: &Readings<'_>) -> Verdict {
        let nodes = world.facts.nodes.known().map_or(&[][..], Vec::as_slice);
        let pods = world.fixture.backends.iter().chain(&world.fixture.probes);
        // What has both families; the other checks report what has one only.
        let pods = pods.filter(|pod| pod.pod_ips.len() > 1);
        let pods = pods.filter_map(|pod| pod.pod_ips.first().copied().map(IpFamily::of));
        let unasked = world.fixture.services.iter();
        let unasked = unasked.filter(|service| service.role.requested_families().is_empty());
        let services = unasked.filter_map(|service| match &service.allocation {
            Allocation::Accepted { cluster_ips, .. } if cluster_ips.len() > 1 => {
                cluster_ips.first().copied().map(IpFamily::of)
            }
            _ => None,
        });
        let orders: Vec<(&str, IpFamily)> = [
            ("the nodes' InternalIPs", most(nodes.iter().filter_map(of_addresses))),
            ("the nodes' podCIDRs", most(nodes.iter().filter_map(of_ranges))),
            ("the pods' podIPs", most(pods)),
            ("the Services' ClusterIPs", most(services)),
        ]
        .into_iter()
        .filter_map(|(what, first)| Some((what, first?)))
        .collect();
        let Some(&(_, first)) = orders.first() else {
            return Verdict::skip("nothing has both families, which other checks report");
        };
        if orders.iter().all(|(_, other)| *other == first) {
            return Verdict::pass(format!("{first} first"));
        }
        let of = |family: IpFamily| {
            words::list(orders.iter().filter(|(_, first)| *first == family).map(|(what, _)| what))
        };
        let (v4, v6) = (of(IpFamily::V4), of(IpFamily::V6));
        Verdict::fail(
            format!("IPv4 first in {v4}; IPv6 first in {v6}"),
            Failure::new(format!("IPv4 comes first in {v4}, but IPv6 comes first in {v6}."))
                .reproduce([
                    "kubectl get nodes -o 'custom-columns=NAME:.metadata.name,PODCIDRS:.spec.podCIDRs,\
                     ADDRESSES:.status.addresses[*].address'",
                    "kubectl get pods -A -o \
                     'custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,IPS:.status.podIPs[*].ip'",
                    "kubectl -n default get service kubernetes -o jsonpath='{.spec.clusterIPs}{\"\\n\"}'",
                ])
                .fix([
                    "Use one order everywhere: --node-ip of every kubelet, --cluster-cidr and \
                     --service-cluster-ip-range of kube-controller-manager, --service-cluster-ip-range \
                     of kube-apiserver, and the pod network's own setting.",
                    "The order of Services is decided when the cluster is made, so it is easiest to \
                     give the kubelets and the pod network the order that the Services have.",
                ]),
        )
    }
}

/// The family that most have first.
fn most(firsts: impl Iterator<Item = IpFamily>) -> Option<IpFamily> {
    let firsts: Vec<IpFamily> = firsts.collect();
    let v4 = firsts.iter().filter(|&&first| first == IpFamily::V4).count();
    match firsts.len() {
        0 => None,
        all if v4 * 2 >= all => Some(IpFamily::V4),
        _ => Some(IpFamily::V6),
    }
}

fn of_addresses(node: &Node) -> Option<IpFamily> {
    let both = IpFamily::ALL.iter().all(|&family| node.internal_ips(family).next().is_some());
    let mut internal = node.addresses.iter().filter(|address| address.kind == "InternalIP");
    let first = internal.find_map(|address| address.address.parse().ok())?;
    both.then(|| IpFamily::of(first))
}

fn of_ranges(node: &Node) -> Option<IpFamily> {
    let ranges = node.pod_cidrs.iter().filter_map(|text| text.parse().ok());
    let families: Vec<IpFamily> = ranges.map(|range| IpFamily::of_range(&range)).collect();
    let both = IpFamily::ALL.iter().all(|family| families.contains(family));
    families.first().copied().filter(|_| both)
}
