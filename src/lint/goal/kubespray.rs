//! kubespray's group variables, and its playbooks.

use crate::{
    lint::model::{Installation, Model, Tool, Version},
    net::IpFamily,
};

use super::{
    lacks::Gaps,
    ranges::of_family,
    steps::{Action, Change, Step, step},
    written::Writer,
};

/// Switches the second family on: kubespray 2.16 to 2.27, and later ones where the next is not set.
const BOTH: &str = "enable_dual_stack_networks";
/// Each switches a family on, from kubespray 2.28 on.
const STACKS: [&str; 2] = ["ipv4_stack", "ipv6_stack"];
/// The first version of Kubernetes that no kubespray before 2.28 installs.
const STACKS_ONLY: Version = Version::v1(32);

/// Whether kubespray is told about the cluster.
pub(super) fn is_used(model: &Model) -> bool {
    installs(model).next().is_some()
}

fn installs(model: &Model) -> impl Iterator<Item = &Installation> {
    model.installs.iter().filter(|install| install.tool == Tool::Kubespray)
}

/// What the variables must be.
fn variables(model: &Model, lacks: &Gaps<'_>) -> Vec<(&'static str, String)> {
    let get = |name: &str| installs(model).filter_map(|own| own.settings.get(name)).last();
    let other = lacks.other();
    let added = |ranges: &str| of_family(ranges, other).to_owned();
    let on = || "true".to_owned();
    if other == IpFamily::V4 {
        let ranges = [
            ("kube_pods_subnet", added(&lacks.pod_ranges)),
            ("kube_service_addresses", added(&lacks.service_ranges)),
        ];
        let ranges = ranges.into_iter().filter(|(name, _)| get(name).is_none());
        return [(STACKS[0], on())].into_iter().chain(ranges).collect();
    }
    let old = model.version().is_some_and(|version| version < STACKS_ONLY);
    let both = get(STACKS[1]).is_none() && (get(BOTH).is_some() || old);
    let mut variables = vec![(if both { BOTH } else { STACKS[1] }, on())];
    for (name, ranges) in [
        ("kube_pods_subnet_ipv6", &lacks.pod_ranges),
        ("kube_service_addresses_ipv6", &lacks.service_ranges),
    ] {
        if get(name).is_none() {
            variables.push((name, added(ranges)));
        }
    }
    match get("kube_network_plugin").map_or("calico", |plugin| plugin.value.as_str()) {
        // It masquerades IPv6 only where it is told to, and the range is of unique local addresses.
        "calico" if variables.iter().any(|(name, _)| *name == "kube_pods_subnet_ipv6") => {
            variables.push(("nat_outgoing_ipv6", on()));
        }
        // Before 2.28 Cilium had a switch of its own alone.
        "cilium" if both || get("cilium_enable_ipv6").is_some() => {
            variables.push(("cilium_enable_ipv6", on()));
        }
        _ => {}
    }
    variables
}

/// What the files must say.
pub(super) fn changes(model: &Model, lacks: &Gaps<'_>, writer: Writer<'_>) -> Vec<Change> {
    let Some(first) = installs(model).next() else { return Vec::new() };
    let get = |name: &str| installs(model).filter_map(|own| own.settings.get(name)).last();
    let mut changes = Vec::new();
    for (name, new) in variables(model, lacks) {
        changes.extend(match get(name) {
            Some(text) if text.value.eq_ignore_ascii_case(&new) => None,
            Some(text) => Some(writer.value(text.span, name, &new)),
            None => Some(Change::add(first.at, name, new)),
        });
    }
    changes
}

/// What can be done all the same.
pub(super) fn steps(model: &Model, lacks: &Gaps<'_>) -> Vec<Step> {
    let variables = variables(model, lacks);
    let lines = variables.iter().map(|(name, value)| format!("{name}: {value}"));
    let hosts = match lacks.other() {
        IpFamily::V4 => "Each host of the inventory has an ip beside its ip6.",
        IpFamily::V6 => "Each host of the inventory has an ip6 beside its ip.",
    };
    vec![step(
        "Create a cluster of both families, and move the workloads.",
        format!(
            "{hosts} On the same machines only after reset.yml, which removes a cluster with all \
             that it holds."
        ),
        vec![
            Action::write("group_vars/k8s_cluster/k8s-cluster.yml", lines),
            Action::run("ansible-playbook -i INVENTORY -b cluster.yml"),
        ],
    )]
}
