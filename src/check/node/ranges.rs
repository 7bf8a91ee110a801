//! `node::ranges`

use std::net::IpAddr;

use ipnet::IpNet;

use super::cases::nodes;
use crate::{
    check::{
        About, Check, Failure, Need, Planned, Promise, Readings, Stage, Subject, Verdict, World,
        plan, reconfigure, words,
    },
    facts::{Fact, Node, Source},
    net::{IpFamily, relation, sharing},
};

/// Pods, Services and nodes have addresses of their own.
#[derive(Debug)]
pub(in crate::check) struct Ranges;

/// What a range is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// Pods, as the configuration says, or the pods of a node.
    Pods,
    /// Services.
    Services,
    /// A node itself.
    Node,
}

/// A range, and who has it.
#[derive(Debug)]
struct UsedRange {
    range: IpNet,
    used_for: Use,
    by: String,
}

impl Check for Ranges {
    type Subject = IpFamily;

    const PROMISE: Promise = Promise {
        id: "node::ranges",
        summary: "the addresses of nodes, pods and Services don't overlap, and a node's pod range has room for \
         as many pods as its kubelet takes",
        why: "An address that belongs to a pod and a Service, or to a pod and a node, reaches only one of them, \
              and which one differs between nodes. A pod range with fewer addresses than the kubelet's maximum \
              number of pods works until the node fills up; then new pods hang in ContainerCreating.",
        source: "https://kubernetes.io/docs/concepts/cluster-administration/networking/ (nodes, pods and \
         Services have ranges that don't overlap); kubelet --max-pods; Node field spec.podCIDRs",
        about: About::core().titled("Node ranges"),
        stage: Stage::Facts,
        needs: &[
            Need::Facts(Source::Nodes),
            Need::Facts(Source::PodRanges),
            Need::Facts(Source::ServiceRanges),
            Need::Facts(Source::Cni),
        ],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<IpFamily>> {
        let families = plan::families(world.suite);
        families.map(|family| Planned::new(Subject::Cluster, family, family)).collect()
    }

    fn judge(&self, world: World<'_>, &family: &IpFamily, _: &Readings<'_>) -> Verdict {
        match &world.facts.nodes {
            Fact::Known { .. } => {}
            Fact::Absent { reason } => return Verdict::inconclusive(reason.clone()),
            Fact::Forbidden { reason } => {
                return Verdict::inconclusive(format!("missing permission: {reason}"));
            }
        }
        let held = held(world, family);
        if let Some((detail, what)) = overlap(&held) {
            return Verdict::fail(detail, overlapping(what));
        }
        let crowded: Vec<_> =
            nodes(world).iter().filter_map(|node| crowded(world, node, family)).collect();
        if let Some((node, range, pods)) = crowded.first() {
            let others = match crowded.len() - 1 {
                0 => String::new(),
                more => format!(" (and {})", words::count(more, "more node")),
            };
            return Verdict::fail(
                format!("{range} of {} has no room for {pods} pods{others}", node.name),
                too_small(node, range, *pods, &others, family),
            );
        }
        let merged = |used_for| {
            let same_use = held.iter().filter(|held| held.used_for == used_for);
            let ranges: Vec<IpNet> = same_use.map(|held| held.range).collect();
            let mut merged = IpNet::aggregate(&ranges);
            let more = merged.len().saturating_sub(3);
            merged.truncate(3);
            let shown = merged.iter().map(ToString::to_string);
            let more = (more > 0).then(|| format!("{more} more"));
            shown.chain(more).collect::<Vec<_>>()
        };
        let [pods, services] = [Use::Pods, Use::Services].map(merged);
        if pods.is_empty() || services.is_empty() {
            let which = if pods.is_empty() { "pod" } else { "Service" };
            return Verdict::skip(format!(
                "no {family} {which} range is known, so there is nothing to compare"
            ));
        }
        Verdict::pass(format!("pods {}, Services {}", words::list(pods), words::list(services)))
    }
}

/// Every range of a family that somebody has. Several places may state the same one.
fn held(world: World<'_>, family: IpFamily) -> Vec<UsedRange> {
    let mut held: Vec<UsedRange> = Vec::new();
    let stated = |facts: &[Fact<Vec<IpNet>>], used_for: Use| {
        let known = facts.iter().filter_map(|fact| match fact {
            Fact::Known { value, source } => Some((value.clone(), source.clone())),
            Fact::Absent { .. } | Fact::Forbidden { .. } => None,
        });
        let all = known.flat_map(|(ranges, source)| {
            ranges.into_iter().map(move |range| UsedRange {
                range: range.trunc(),
                used_for,
                by: source.clone(),
            })
        });
        all.filter(|held| IpFamily::of_range(&held.range) == family).collect::<Vec<_>>()
    };
    let own = !nodes_among_pods(world);
    held.extend(stated(&world.facts.pod_ranges, Use::Pods));
    held.extend(stated(&world.facts.service_ranges, Use::Services));
    for node in nodes(world) {
        held.extend(node.pod_cidrs.iter().filter_map(|text| text.parse::<IpNet>().ok()).map(
            |range| UsedRange {
                range: range.trunc(),
                used_for: Use::Pods,
                by: format!("spec.podCIDRs of node {}", node.name),
            },
        ));
        held.extend(node.internal_ips(family).filter(|_| own).map(|ip| UsedRange {
            range: IpNet::from(ip),
            used_for: Use::Node,
            by: format!("node {}", node.name),
        }));
    }
    held.retain(|held| IpFamily::of_range(&held.range) == family);
    held
}

/// Two ranges of different use that share addresses, as detail and sentence.
fn overlap(held: &[UsedRange]) -> Option<(String, String)> {
    // Pod ranges lie in pod ranges, so one use at a time is merged before it is compared.
    let merged = |used_for: Use| {
        let ranges: Vec<IpNet> =
            held.iter().filter(|held| held.used_for == used_for).map(|held| held.range).collect();
        IpNet::aggregate(&ranges).into_iter().map(move |range| (range, used_for))
    };
    let all: Vec<(IpNet, Use)> =
        [Use::Pods, Use::Services, Use::Node].into_iter().flat_map(merged).collect();
    let ranges: Vec<IpNet> = all.iter().map(|(range, _)| *range).collect();
    let (at, other) =
        sharing(&ranges).into_iter().enumerate().find_map(|(at, other)| Some((at, other?)))?;
    // The narrower of the two names the addresses that both have.
    let (wide, narrow) =
        if ranges[at].contains(&ranges[other]) { (at, other) } else { (other, at) };
    // A merged range may be that of several; one of them has addresses of the other.
    let owner = |place: usize, beside: &IpNet| {
        let (_, used_for) = all[place];
        let mut same_use = held.iter().filter(move |held| held.used_for == used_for);
        same_use.find(|held| relation(&held.range, beside).overlaps())
    };
    let wide = owner(wide, &ranges[narrow])?;
    let narrow = owner(narrow, &wide.range)?;
    Some((
        format!("{} and {} overlap", say(wide), say(narrow)),
        format!(
            "{}, stated by {}, and {}, stated by {}, overlap.",
            capital(&say(wide)),
            wide.by,
            say(narrow),
            narrow.by
        ),
    ))
}

fn say(held: &UsedRange) -> String {
    match held.used_for {
        Use::Pods => format!("the pod range {}", held.range),
        Use::Services => format!("the Service range {}", held.range),
        Use::Node => format!("the address {} of {}", held.range.addr(), held.by),
    }
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// Whether the pod network doesn't cut pod addresses from spec.podCIDRs.
pub(crate) fn gives_own_addresses(world: World<'_>) -> bool {
    world.facts.cni.known().is_some_and(|cni| OWN_ADDRESSES.contains(&cni.name.as_str()))
}

/// Pod networks that don't.
const OWN_ADDRESSES: [&str; 5] = ["aws-vpc-cni", "azure-cni", "calico", "cilium", "ovn-kubernetes"];

/// Whether pods have addresses of the nodes' own network by design.
fn nodes_among_pods(world: World<'_>) -> bool {
    let cni = world.facts.cni.known();
    cni.is_some_and(|cni| matches!(cni.name.as_str(), "aws-vpc-cni" | "azure-cni"))
}

/// A node whose pod range holds fewer addresses than its kubelet takes pods, with both.
fn crowded<'a>(
    world: World<'_>,
    node: &'a Node,
    family: IpFamily,
) -> Option<(&'a Node, IpNet, u32)> {
    if gives_own_addresses(world) || node.is_virtual {
        return None;
    }
    let pods = node.max_pods?;
    let range = node
        .pod_cidrs
        .iter()
        .filter_map(|text| text.parse::<IpNet>().ok())
        .find(|range| IpFamily::of_range(range) == family)?;
    let room = 1_u128.checked_shl(u32::from(family.bits() - range.prefix_len()));
    room.is_some_and(|room| room < u128::from(pods)).then_some((node, range, pods))
}

fn overlapping(what: String) -> Failure {
    Failure::new(what)
        .reproduce([
            "kubectl get nodes -o \
             'custom-columns=NAME:.metadata.name,PODCIDRS:.spec.podCIDRs,ADDRESSES:.status.addresses[*].address'",
            "kubectl get servicecidrs  # Kubernetes 1.33 or later",
            "kubectl -n kube-system get configmap kubeadm-config -o yaml",
        ])
        .fix([
            "Give pods and Services ranges that no node, and no network that pods talk to, has \
             addresses in. A range in use can't be changed: add a ServiceCIDR with a free range and \
             make the Services again, or create the Node objects again (as node::pod_cidrs says) after \
             --cluster-cidr of kube-controller-manager was changed.",
            "If one of the places that state a range is out of date (kubeadm-config after a change by \
             hand), correct it: `kubectl -n kube-system edit configmap kubeadm-config`.",
        ])
}

fn too_small(node: &Node, range: &IpNet, pods: u32, others: &str, family: IpFamily) -> Failure {
    let name = &node.name;
    Failure::new(format!(
        "The {family} pod range {range} of node {name} has fewer addresses than the {pods} pods that its \
         kubelet allows{others}."
    ))
    .reproduce([
        "kubectl get nodes -o custom-columns=NAME:.metadata.name,PODCIDRS:.spec.podCIDRs,PODS:.status.allocatable.pods",
    ])
    .fix([
        format!(
            "Let the kubelet of {name} take fewer pods (maxPods in its configuration, --max-pods)."
        ),
        format!(
            "Or give nodes a wider range: set --node-cidr-mask-size-{} of kube-controller-manager to \
             a smaller number. {}",
            family.slug(),
            reconfigure::recreate_node(name)
        ),
    ])
}

/// The addresses of a family that pods and Services have, to look single addresses up in.
#[derive(Debug)]
pub(super) struct Occupied {
    /// Each use with its ranges, in order and apart from each other.
    uses: Vec<(&'static str, Vec<IpNet>)>,
}

impl Occupied {
    /// What is known of a family.
    pub(super) fn of(world: World<'_>, family: IpFamily) -> Self {
        let held = if nodes_among_pods(world) { Vec::new() } else { held(world, family) };
        let uses = [(Use::Pods, "pod"), (Use::Services, "Service")].map(|(used_for, name)| {
            let ranges: Vec<IpNet> = held
                .iter()
                .filter(|held| held.used_for == used_for)
                .map(|held| held.range)
                .collect();
            let mut ranges = IpNet::aggregate(&ranges);
            ranges.sort_by_key(IpNet::network);
            (name, ranges)
        });
        Self { uses: uses.into() }
    }

    /// The range that an address lies in (`the pod range 10.244.0.0/16`).
    pub(super) fn holder(&self, address: IpAddr) -> Option<String> {
        self.uses.iter().find_map(|(name, ranges)| {
            let after = ranges.partition_point(|range| range.network() <= address);
            let range = ranges.get(after.checked_sub(1)?)?;
            range.contains(&address).then(|| format!("the {name} range {range}"))
        })
    }
}
