//! What the files of a cluster must say.

use super::{
    kubespray,
    lacks::{Gaps, is_single},
    plugins,
    ranges::{COMMON_MASK, node_mask, of_family},
    steps::{Change, How},
    written::Writer,
};
use crate::{
    lint::model::{ComponentName, GateReader, Model, Owner, RangeEntry, Role, Tool, Version},
    net::IpFamily,
};

/// The feature gate that versions of Kubernetes up to 1.20 need.
const GATE: &str = "IPv6DualStack";

/// Whether a tool's settings take one range each, so that the second family has others.
const fn takes_one_range(tool: Tool) -> bool {
    matches!(
        tool,
        Tool::K0s
            | Tool::Kubespray
            | Tool::Eksctl
            | Tool::Kops
            | Tool::MicroK8s
            | Tool::Gardener
            | Tool::KubeOne
            | Tool::KubeOvn
            | Tool::Eks
            | Tool::Aks
            | Tool::Gke
    )
}

/// What the file of such a tool says for both families: settings and their values; none where there
/// is no such thing.
fn settings(tool: Tool, lacks: &Gaps<'_>) -> Vec<(&'static str, String)> {
    let (first, other) = (lacks.first, lacks.other());
    let added = |ranges: &str| of_family(ranges, other).to_owned();
    let (pods, services) = (added(&lacks.pod_ranges), added(&lacks.service_ranges));
    let v6 = other == IpFamily::V6;
    let on = || "true".to_owned();
    match tool {
        Tool::K0s if v6 => vec![
            ("dualStack.enabled", on()),
            ("dualStack.IPv6podCIDR", pods),
            ("dualStack.IPv6serviceCIDR", services),
        ],
        Tool::MicroK8s if v6 => vec![
            ("extraCNIEnv.IPv6_SUPPORT", on()),
            ("extraCNIEnv.IPv6_CLUSTER_CIDR", pods),
            ("extraCNIEnv.IPv6_SERVICE_CIDR", services),
        ],
        Tool::Gardener | Tool::Aks => vec![("ipFamilies", format!("[{first}, {other}]"))],
        Tool::KubeOne => vec![("clusterNetwork.ipFamily", format!("{first}+{other}"))],
        Tool::KubeOvn => vec![("NET_STACK", "dual_stack".to_owned())],
        Tool::Gke => vec![("stackType", "IPV4_IPV6".to_owned())],
        _ => Vec::new(),
    }
}

/// What the files must say to give Pods and Services both families.
pub(super) fn changes(model: &Model, lacks: &Gaps<'_>, writer: Writer<'_>) -> Vec<Change> {
    let other = lacks.other();
    let mut changes = Vec::new();
    for (missing, lists, new) in [
        (lacks.pods, model.pod_lists(), &lacks.pod_ranges),
        (lacks.services, model.service_lists(), &lacks.service_ranges),
        (lacks.proxy, model.proxy_lists(), &lacks.pod_ranges),
    ] {
        let several = |owner| !matches!(owner, Owner::Tool(tool) if takes_one_range(tool));
        let lists = lists.into_iter().filter(|list| missing && several(list.owner));
        for list in lists.filter(|list| is_single(list)) {
            let (at, added) = (list.text.span, of_family(new, other));
            changes.push(match list.owner {
                // A default stands nowhere yet.
                _ if list.assumed => Change::add(at, list.field, new.clone()),
                Owner::Tool(Tool::OpenShift) if list.role == Role::Pods => {
                    let length = model.node_mask(other).0;
                    let entry = format!("{{cidr: \"{added}\", hostPrefix: {length}}}");
                    Change::add(at, list.field, entry)
                }
                Owner::Tool(_) if writer.is_item(at) => writer.item(at, list.field, added),
                _ => writer.value(at, list.field, new),
            });
        }
    }
    for install in model.installs.iter().filter(|_| lacks.pods || lacks.services) {
        for (field, new) in settings(install.tool, lacks) {
            changes.push(Change::add(install.at, field, new));
        }
    }
    if lacks.pods || lacks.services {
        changes.extend(kubespray::changes(model, lacks, writer));
    }
    for kind in &model.kinds {
        if lacks.pods || lacks.services {
            let field = "networking.ipFamily";
            changes.push(match &kind.family {
                Some(family) => writer.value(family.span, field, "dual"),
                None => Change::add(kind.at, field, "dual"),
            });
        }
    }
    changes.extend(masks(model, writer));
    changes.extend(gate(model, lacks, writer));
    changes.extend(node_ports(model, lacks, writer));
    if lacks.pods {
        changes.extend(plugins::changes(model, lacks, writer));
    }
    for list in model.nodes.iter().filter_map(|node| node.node_ip.as_ref()) {
        if list.entries.iter().all(|entry| entry.family() == Some(lacks.first)) {
            let new = format!("{},<{other} of the node>", list.text.value);
            changes.push(writer.value(list.text.span, "node-ip", &new));
        }
    }
    changes
}

/// The controller manager's flag for clusters of one family, which becomes one for each family.
fn masks(model: &Model, writer: Writer<'_>) -> Vec<Change> {
    let Some(first) = model.pod_families().first().copied() else { return Vec::new() };
    let mut changes = Vec::new();
    for component in model.components(ComponentName::ControllerManager) {
        let flag = component.args.list.iter().rfind(|arg| arg.name.value == COMMON_MASK);
        let Some(flag) = flag.filter(|_| model.allocates_node_ranges()) else { continue };
        let own = |family: IpFamily| format!("{COMMON_MASK}-{}", family.slug());
        changes.push(Change {
            at: flag.name.span,
            how: How::Name,
            field: COMMON_MASK.to_owned(),
            new: own(first),
        });
        let other = first.other();
        let new = node_mask(model, other);
        // In extraArgs it is a string.
        let new = match writer.is_flag(flag.name.span) {
            true => new.to_string(),
            false => format!("\"{new}\""),
        };
        changes.push(Change::add(flag.name.span, own(other), new));
    }
    changes
}

/// Whether the version of Kubernetes has dual-stack behind a feature gate.
pub(super) fn needs_gate(model: &Model) -> bool {
    model.version().is_some_and(|version| version < Version::v1(21))
}

/// The feature gate, for versions that need it. kubeadm gives it to all components, and so does kind,
/// to kubeadm as well.
fn gate(model: &Model, lacks: &Gaps<'_>, writer: Writer<'_>) -> Option<Change> {
    if !needs_gate(model) || !(lacks.pods || lacks.services) {
        return None;
    }
    let kind = model.kinds.first().map(|kind| (GateReader::Kind, kind.at));
    let cluster = || Some((GateReader::Kubeadm, model.clusters.first()?.at));
    let (reader, at) = kind.or_else(cluster)?;
    let field = format!("featureGates.{GATE}");
    let mut all = model.gates.iter();
    match all.rfind(|gate| gate.name.value == GATE && gate.reader == reader) {
        Some(gate) if gate.enabled == Some(true) => None,
        Some(gate) => Some(writer.bare(gate.value, field, "true")),
        None => Some(Change::add(at, field, "true")),
    }
}

/// kube-proxy's nodePortAddresses of one family, which restrict only that one.
fn node_ports(model: &Model, lacks: &Gaps<'_>, writer: Writer<'_>) -> Vec<Change> {
    let other = lacks.other();
    let mut changes = Vec::new();
    for proxy in model.proxies.iter().filter(|_| lacks.pods || lacks.proxy) {
        let own = |entry: &&_| RangeEntry::family(entry) == Some(lacks.first);
        if let Some(entry) = proxy.node_ports.iter().find(own)
            && proxy.node_ports.iter().all(|entry| own(&entry))
        {
            let new = format!("<{other} range of the nodes>");
            let field = match kubespray::is_used(model) {
                true => "kube_proxy_nodeport_addresses",
                false => "nodePortAddresses",
            };
            changes.push(writer.item(entry.text.span, field, &new));
        }
    }
    changes
}
