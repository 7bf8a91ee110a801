//! `node::pod_cidrs`

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::cases::{NodeInFamily, cases, nodes};
use crate::{
    check::{
        About, Check, Failure, Need, Planned, Promise, Readings, Stage, Verdict, World, primary,
        reconfigure, words,
    },
    facts::{Node, Source},
    net::{IpFamily, sharing},
};

/// Every node has one pod range of each family.
#[derive(Debug)]
pub(in crate::check) struct PodCidrs;

/// A node's pod ranges of one family, and how they lie to those of other nodes.
#[derive(Debug)]
pub(in crate::check) struct Ranged {
    of: NodeInFamily,
    /// Another node whose range of the family overlaps, and that range.
    overlaps: Option<(String, IpNet)>,
    /// The family that comes first on most nodes, or as the suite says.
    primary: Option<IpFamily>,
}

impl Check for PodCidrs {
    type Subject = Ranged;

    const PROMISE: Promise = Promise {
        id: "node::pod_cidrs",
        summary: "every node has exactly one pod range of each expected family, in the expected order",
        why: "Most pod networks assign the addresses of a node's pods from its spec.podCIDRs, and routes to the \
              pods follow them. A node that lacks a range of one family gives its pods no address of that \
              family; two nodes with overlapping ranges get each other's traffic. The range is set once, when \
              the Node object is created, and never changes, so a cluster that was converted to dual-stack \
              keeps single-stack nodes until they are recreated.",
        source: "Node field spec.podCIDRs (at most one range of each family); KEP-563 IPv4/IPv6 dual-stack, \
         kube-controller-manager --cluster-cidr; https://kubernetes.io/docs/tasks/network/validate-dual-stack/",
        about: About::core().titled("Node pod ranges"),
        knows_groups: true,
        stage: Stage::Facts,
        needs: &[Need::Facts(Source::Nodes), Need::Facts(Source::Cni)],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Ranged>> {
        // What takes a look at every node is done once, for there may be thousands.
        let overlaps = overlaps(nodes(world));
        let ordered = nodes(world).iter().filter(|node| world.orders(&node.name));
        let primary = primary::expected(world.suite, ordered.filter_map(first));
        let ranged = |of: NodeInFamily| {
            let overlaps = overlaps.get(&(of.node.name.as_str(), of.family)).cloned();
            Ranged { of, overlaps, primary }
        };
        cases(world).into_iter().map(|planned| planned.map(ranged)).collect()
    }

    fn judge(&self, world: World<'_>, case: &Ranged, _: &Readings<'_>) -> Verdict {
        let NodeInFamily { family, ref node } = case.of;
        if nodes(world).iter().all(|node| node.pod_cidrs.is_empty()) {
            let by = world.facts.cni.known().map_or("the pod network", |cni| cni.name.as_str());
            return Verdict::skip(format!(
                "no node has podCIDRs: {by} assigns pod addresses itself"
            ));
        }
        if let Some(text) = unreadable(node, family) {
            return Verdict::fail(
                format!("{text} is not an address range"),
                failure(
                    world,
                    &case.of,
                    format!(
                        "Node {} has `{text}` in spec.podCIDRs, which is not an address range.",
                        node.name
                    ),
                ),
            );
        }
        let ranges: Vec<IpNet> = of_family(node, family).collect();
        let all = words::list(&node.pod_cidrs);
        let (detail, what) = match (world.expects(&node.name, family), ranges.as_slice()) {
            (false, []) => return Verdict::pass("none, as expected"),
            (false, [first, ..]) => (
                format!("{first} is not expected"),
                format!(
                    "Node {} has the {family} range {first}, but {}.",
                    node.name,
                    world.without(&node.name, family)
                ),
            ),
            (true, []) if own_ranges(world).is_some() => {
                return Verdict::skip(format!(
                    "no {family} range, which {} doesn't need unless its IPAM is host-local: see pod::pod_ips",
                    own_ranges(world).unwrap_or_default()
                ));
            }
            (true, []) => (
                format!("no {family} range, only {all}"),
                format!(
                    "Node {} has no {family} range in spec.podCIDRs, only {all}: a pod network that \
                     uses podCIDRs can't give its pods an {family} address.",
                    node.name
                ),
            ),
            (true, [range]) => match defect(world, case, range) {
                None => return Verdict::pass(range.to_string()),
                Some(defect) => defect,
            },
            (true, _) => (
                format!("{} {family} ranges", ranges.len()),
                format!(
                    "Node {} has {} {family} ranges in spec.podCIDRs ({all}), where one of each \
                     family is allowed.",
                    node.name,
                    ranges.len()
                ),
            ),
        };
        Verdict::fail(detail, failure(world, &case.of, what))
    }
}

/// The pod network, where it gives out pod addresses from ranges of its own unless it is told otherwise: Calico's
/// IPPools (<https://docs.tigera.io/calico/latest/networking/ipam/ipv6>), subnets of a cloud. There a node without
/// podCIDRs is none the worse, and to delete it, as would be the fix elsewhere, cuts it off.
fn own_ranges(world: World<'_>) -> Option<&str> {
    let cni = world.facts.cni.known()?.name.as_str();
    ["aws-vpc-cni", "azure-cni", "calico"].contains(&cni).then_some(cni)
}

/// What is wrong with a node's one range of a family, as detail and sentence.
fn defect(world: World<'_>, case: &Ranged, range: &IpNet) -> Option<(String, String)> {
    let NodeInFamily { family, ref node } = case.of;
    if let Some((other, theirs)) = &case.overlaps {
        return Some((
            format!("overlaps with {other}"),
            format!(
                "The {family} pod range {range} of node {} overlaps with {theirs} of node {other}: \
                 pods of both can have the same address.",
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
                "Node {} has its podCIDRs in the order {}, but {}.",
                node.name,
                words::list(&node.pod_cidrs),
                primary::reason(world.suite, expected)
            ),
        )
    })
}

fn failure(world: World<'_>, case: &NodeInFamily, what: String) -> Failure {
    let NodeInFamily { family, ref node } = *case;
    let name = &node.name;
    let failure = Failure::new(what).reproduce([
        format!("kubectl get node {name} -o jsonpath='{{.spec.podCIDRs}}{{\"\\n\"}}'"),
        "kubectl get nodes -o custom-columns=NAME:.metadata.name,PODCIDRS:.spec.podCIDRs"
            .to_owned(),
    ]);
    let everywhere = nodes(world).iter().all(|node| of_family(node, family).next().is_none());
    let recreate = reconfigure::recreate_node(name);
    let ranges = reconfigure::cluster_cidr(family);
    let cni = world.facts.cni.known().map(|cni| {
        format!(
            "If {} gives out pod addresses from ranges of its own, podCIDRs don't matter to it and \
             pod::pod_ips is the check that counts; leave this check out of your suite then.",
            cni.name
        )
    });
    if everywhere || !world.expects(&node.name, family) {
        failure.fix([ranges, recreate]).fix(cni)
    } else {
        failure
            .fix([
                ranges,
                recreate,
                "If the new Node object lacks the range too, kube-controller-manager's log says why: \
                     --cluster-cidr holds one family only, or it is too small for this many nodes \
                     (--node-cidr-mask-size-ipv4, --node-cidr-mask-size-ipv6)."
                    .to_owned(),
            ])
            .fix(cni)
    }
}

/// The nodes with a range that overlaps with another node's, by name and family.
fn overlaps(nodes: &[Node]) -> BTreeMap<(&str, IpFamily), (String, IpNet)> {
    let ranges: Vec<(&Node, IpNet)> = nodes
        .iter()
        .flat_map(|node| {
            let ranges = node.pod_cidrs.iter().filter_map(|text| text.parse().ok());
            ranges.map(move |range: IpNet| (node, range))
        })
        .collect();
    let partners = sharing(&ranges.iter().map(|(_, range)| *range).collect::<Vec<_>>());
    let found = ranges.iter().zip(partners).filter_map(|((node, range), partner)| {
        let (other, theirs) = &ranges[partner?];
        let key = (node.name.as_str(), IpFamily::of_range(range));
        (other.name != node.name).then(|| (key, (other.name.clone(), *theirs)))
    });
    found.collect()
}

fn of_family(node: &Node, family: IpFamily) -> impl Iterator<Item = IpNet> {
    node.pod_cidrs
        .iter()
        .filter_map(|text| text.parse().ok())
        .filter(move |range| IpFamily::of_range(range) == family)
}

fn first(node: &Node) -> Option<IpFamily> {
    node.pod_cidrs.first()?.parse().ok().map(|range| IpFamily::of_range(&range))
}

/// The first entry that is no range and, by its colons, was meant for this family.
fn unreadable(node: &Node, family: IpFamily) -> Option<&str> {
    node.pod_cidrs
        .iter()
        .filter(|text| text.contains(':') == (family == IpFamily::V6))
        .find(|text| text.parse::<IpNet>().is_err())
        .map(String::as_str)
}
