//! `node::internal_ips`

use std::{collections::BTreeMap, net::IpAddr};

use super::{
    cases::{NodeInFamily, cases, nodes},
    ranges::Occupied,
};
use crate::{
    check::{
        About, Check, Failure, Need, Planned, Promise, Readings, Stage, Verdict, World, primary,
        reconfigure, words,
    },
    facts::{Node, Source},
    net::IpFamily,
};

/// Every node has an InternalIP of each family.
#[derive(Debug)]
pub(in crate::check) struct InternalIps;

/// A node's addresses of one family, and what else of the cluster has them.
#[derive(Debug)]
pub(in crate::check) struct Addressed {
    of: NodeInFamily,
    /// An address that another node has too, and that node.
    also: Option<(IpAddr, String)>,
    /// An address of the pods' or Services' ranges, and that range.
    within: Option<(IpAddr, String)>,
    /// The family that comes first on most nodes, or as the suite says.
    primary: Option<IpFamily>,
}

impl Check for InternalIps {
    type Subject = Addressed;

    const PROMISE: Promise = Promise {
        id: "node::internal_ips",
        summary: "every node has a usable InternalIP of each expected family, in the expected order, which no \
         other node has and which lies in no pod or Service range",
        why: "The node's addresses are where NodePorts are reached, what host-network pods get as podIPs, \
         and what pod networks build their tunnels and routes on. The order decides the primary \
         family of the node's pods. Two nodes with the same address get each other's traffic, and packets to an \
         address inside a pod or Service range never reach the node. A node that reports only one family still \
         carries traffic of the other for a while, so only this check shows it before something depends on it.",
        source: "Node field status.addresses (type InternalIP); KEP-563 IPv4/IPv6 dual-stack, kubelet \
         --node-ip; https://kubernetes.io/docs/tasks/network/validate-dual-stack/",
        about: About::core()
            .titled("Node InternalIPs")
            .asserts(&["should have ipv4 and ipv6 internal node ip"]),
        knows_groups: true,
        stage: Stage::Facts,
        needs: &[Need::Facts(Source::Nodes)],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Addressed>> {
        // What takes a look at every node is done once, for there may be thousands.
        let mut owners: BTreeMap<IpAddr, Vec<&str>> = BTreeMap::new();
        for node in nodes(world) {
            for family in IpFamily::ALL {
                for ip in node.internal_ips(family) {
                    owners.entry(ip).or_default().push(&node.name);
                }
            }
        }
        let occupied = IpFamily::ALL.map(|family| Occupied::of(world, family));
        let ordered = nodes(world).iter().filter(|node| world.orders(&node.name));
        let primary = primary::expected(world.suite, ordered.filter_map(first));
        let addressed = |of: NodeInFamily| {
            let addresses: Vec<IpAddr> = of.node.internal_ips(of.family).collect();
            let also = addresses.iter().find_map(|ip| {
                let other = owners.get(ip)?.iter().find(|owner| **owner != of.node.name)?;
                Some((*ip, (*other).to_owned()))
            });
            let within = addresses.iter().find_map(|&ip| {
                let holder = occupied.iter().find_map(|occupied| occupied.holder(ip))?;
                Some((ip, holder))
            });
            Addressed { of, also, within, primary }
        };
        cases(world).into_iter().map(|planned| planned.map(addressed)).collect()
    }

    fn judge(&self, world: World<'_>, case: &Addressed, _: &Readings<'_>) -> Verdict {
        let NodeInFamily { family, ref node } = case.of;
        let addresses: Vec<IpAddr> = node.internal_ips(family).collect();
        let (detail, what) = match (world.expects(&node.name, family), addresses.as_slice()) {
            (false, []) => return Verdict::pass("none, as expected"),
            (false, [first, ..]) => (
                format!("{first} is not expected"),
                format!(
                    "Node {} has the {family} InternalIP {first}, but {}.",
                    node.name,
                    world.without(&node.name, family)
                ),
            ),
            (true, []) => {
                let others = words::list(node.internal_ips(family.other()));
                (
                    format!("no {family} InternalIP, only {others}"),
                    format!(
                        "Node {} has no {family} InternalIP in status.addresses, only {others}.",
                        node.name
                    ),
                )
            }
            (true, _) => match defect(world, case, &addresses) {
                None => return Verdict::pass(words::list(&addresses)),
                Some(defect) => defect,
            },
        };
        Verdict::fail(detail, failure(world, &case.of, what))
    }
}

/// What is wrong with a node's addresses of a family, as detail and sentence.
fn defect(world: World<'_>, case: &Addressed, addresses: &[IpAddr]) -> Option<(String, String)> {
    let NodeInFamily { family, ref node } = case.of;
    if let Some((address, kind)) =
        addresses.iter().find_map(|address| Some((address, unusable(*address)?)))
    {
        return Some((
            format!("{address} is {kind}"),
            format!(
                "Node {} reports {address} as its {family} InternalIP, which is {kind} and can't be \
                 reached from other nodes.",
                node.name
            ),
        ));
    }
    if let Some((ip, other)) = &case.also {
        return Some((
            format!("{ip} is also that of {other}"),
            format!(
                "Node {} reports the {family} InternalIP {ip}, and so does node {other}: one of them gets the \
                 other's traffic.",
                node.name
            ),
        ));
    }
    if let Some((ip, range)) = &case.within {
        return Some((
            format!("{ip} lies in {range}"),
            format!(
                "Node {} reports the {family} InternalIP {ip}, which is in {range}: nodes send its traffic \
                 elsewhere.",
                node.name
            ),
        ));
    }
    let expected = case.primary?;
    let first = first(node)?;
    (expected == family && first != family).then(|| {
        (
            format!("{first} comes first"),
            format!(
                "Node {} lists its {first} InternalIP before the {family} one, but {}.",
                node.name,
                primary::reason(world.suite, expected)
            ),
        )
    })
}

fn failure(world: World<'_>, case: &NodeInFamily, what: String) -> Failure {
    let NodeInFamily { family, ref node } = *case;
    let name = &node.name;
    let reproduce = [
        format!(
            "kubectl get node {name} -o jsonpath='{{range .status.addresses[*]}}{{.type}} \
             {{.address}}{{\"\\n\"}}{{end}}'"
        ),
        format!(
            "kubectl debug node/{name} -it --image=docker.io/library/busybox -- ip {} addr show scope global",
            match family {
                IpFamily::V4 => "-4",
                IpFamily::V6 => "-6",
            }
        ),
    ];
    if !world.expects(&node.name, family) {
        return Failure::new(what).reproduce(reproduce).fix([
            "If the cluster is meant to be dual-stack, run the suite dual-stack.".to_owned(),
            format!("If not, start the kubelet of {name} with --node-ip set to the one address."),
        ]);
    }
    let cloud = node.provider_id.as_ref().map(|id| {
        format!(
            "The addresses of {name} ({id}) come from the cloud provider: give the instance an \
             {family} address and switch on dual-stack in the cloud-controller-manager."
        )
    });
    let kubelet = reconfigure::node_ip(&format!("the kubelet of {name}"));
    let address = format!(
        "If the node's interface has no global {family} address either, assign one first: the \
         kubelet reports only addresses that the node has."
    );
    Failure::new(what).reproduce(reproduce).fix(cloud).fix([kubelet, address])
}

fn first(node: &Node) -> Option<IpFamily> {
    node.addresses
        .iter()
        .filter(|address| address.kind == "InternalIP")
        .find_map(|address| address.address.parse().ok())
        .map(IpFamily::of)
}

/// Why an address can't be a node's, where it can't.
fn unusable(address: IpAddr) -> Option<&'static str> {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    if address.is_loopback() {
        Some("a loopback address")
    } else if address.is_unspecified() {
        Some("the unspecified address")
    } else if address.is_multicast() {
        Some("a multicast address")
    } else if link_local {
        Some("a link-local address")
    } else {
        None
    }
}
