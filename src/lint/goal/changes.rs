//! What the files of a cluster must say.

use super::{lacks::Lacks, steps::Change};
use crate::{
    lint::model::{Model, Owner, Tool},
    net::IpFamily,
};

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
fn settings(tool: Tool, lacks: &Lacks<'_>) -> Vec<(&'static str, String)> {
    let (first, other) = (lacks.first, lacks.other());
    let added = |ranges: &str| {
        let own = |range: &&str| range.contains(':') == (other == IpFamily::V6);
        ranges.split(',').find(own).unwrap_or_default().to_owned()
    };
    let (pods, services) = (added(&lacks.pod_ranges), added(&lacks.service_ranges));
    let v6 = other == IpFamily::V6;
    let on = || "true".to_owned();
    match tool {
        Tool::K0s if v6 => vec![
            ("dualStack.enabled", on()),
            ("dualStack.IPv6podCIDR", pods),
            ("dualStack.IPv6serviceCIDR", services),
        ],
        Tool::Kubespray if v6 => vec![
            ("ipv6_stack", on()),
            ("kube_pods_subnet_ipv6", pods),
            ("kube_service_addresses_ipv6", services),
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
pub(super) fn changes(model: &Model, lacks: &Lacks<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (missing, lists, new) in [
        (lacks.pods, model.pod_lists(), &lacks.pod_ranges),
        (lacks.services, model.service_lists(), &lacks.service_ranges),
    ] {
        let several = |owner| !matches!(owner, Owner::Tool(tool) if takes_one_range(tool));
        for list in lists.into_iter().filter(|list| missing && several(list.owner)) {
            let field = list.field.to_owned();
            changes.push(Change { at: list.text.span, field, new: new.clone() });
        }
    }
    for install in model.installs.iter().filter(|_| lacks.pods || lacks.services) {
        for (field, new) in settings(install.tool, lacks) {
            changes.push(Change { at: install.at, field: field.to_owned(), new });
        }
    }
    for kind in &model.kinds {
        if lacks.pods || lacks.services {
            let at = kind.family.as_ref().map_or(kind.at, |family| family.span);
            changes.push(Change { at, field: "networking.ipFamily".into(), new: "dual".into() });
        }
    }
    let other = lacks.other();
    for list in model.nodes.iter().filter_map(|node| node.node_ip.as_ref()) {
        if list.entries.iter().all(|entry| entry.family() == Some(lacks.first)) {
            let new = format!("{},<{other} of the node>", list.text.value);
            changes.push(Change { at: list.text.span, field: "node-ip".into(), new });
        }
    }
    changes
}
