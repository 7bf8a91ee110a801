//! The steps for a cluster whose components' flags can be changed in place: kubeadm's.

use crate::{
    lint::model::{ComponentName, Model, NodeObject, Version},
    net::IpFamily,
};

use super::{
    lacks::{Gaps, is_single},
    plugins,
    ranges::{COMMON_MASK, node_mask, of_family},
    steps::{Action, Step, step},
};

/// Where the steps are written.
pub(super) const SOURCES: [&str; 4] = [
    "https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/dual-stack-support/",
    "https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-reconfigure/",
    "https://kubernetes.io/docs/tasks/network/validate-dual-stack/",
    "https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/563-dual-stack",
];
/// The first version in which dual-stack is stable.
const STABLE: Version = Version::v1(23);
/// How many names a sentence lists.
const NAMES: usize = 12;

/// A list of names that stays readable.
fn names(all: &[&str]) -> String {
    let shown = all.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Says how many nodes are not named, if there are any.
fn more(count: usize) -> String {
    match count.saturating_sub(NAMES) {
        0 => String::new(),
        more => format!(" And so for {more} more."),
    }
}

fn name(node: &NodeObject) -> &str {
    &node.name.value
}

/// What can't be changed in place.
pub(super) fn fixed(model: &Model, lacks: &Gaps<'_>) -> Vec<String> {
    let (first, other) = (lacks.first, lacks.other());
    let mut fixed = vec![format!(
        "{first} stays the first family: the ClusterIPs of existing Services, and the API server's \
         own, are of it."
    )];
    if lacks.pods || !lacks.without_range.is_empty() {
        fixed.push(
            "A Node keeps the pod ranges that it first got (spec.podCIDRs): if the network plugin assigns Pods' \
             addresses from them, the Node objects must be deleted and created again."
                .to_owned(),
        );
        fixed.push(format!("A running Pod gets no {other} address: Pods are created again."));
    }
    if model.version().is_some_and(|version| version < STABLE) {
        let text = "Dual-stack is stable from Kubernetes 1.23 on: upgrade first.";
        fixed.push(text.to_owned());
    }
    fixed
}

/// What is to be done, in order.
pub(super) fn steps(model: &Model, lacks: &Gaps<'_>) -> Vec<Step> {
    let mut steps = vec![addresses(model, lacks)];
    if lacks.pods || lacks.services {
        steps.push(control_plane(model, lacks));
    }
    if lacks.pods || lacks.proxy {
        steps.extend(proxy(model, lacks));
    }
    if lacks.pods {
        steps.push(plugins::running(model, lacks));
    }
    steps.extend(node_ips(model, lacks));
    if lacks.pods || !lacks.without_range.is_empty() {
        steps.extend(nodes(model, lacks));
        steps.push(pods(lacks));
    }
    steps.push(services(lacks));
    steps.push(step(
        "Check that it works.",
        "Every node, Pod, Service and path, in both families.",
        vec![
            Action::run("dualstack lint --live --goal dual-stack"),
            Action::run("dualstack run --suite dual-stack"),
        ],
    ));
    steps
}

fn addresses(model: &Model, lacks: &Gaps<'_>) -> Step {
    let other = lacks.other();
    let lacking: Vec<&str> = lacks.without_address.iter().map(|node| name(node)).collect();
    let all = model.node_objects.len();
    let who = match lacking.len() {
        0 if all > 0 => format!("All nodes have an {other} address already."),
        0 => format!("Every node needs an {other} address that the other nodes reach."),
        count if count == all => format!("None of the {all} nodes has an {other} address yet."),
        _ => format!("Without an {other} InternalIP: {}.", names(&lacking)),
    };
    let services = of_family(&lacks.service_ranges, other);
    let number = number(other);
    let key = match other {
        IpFamily::V4 => "net.ipv4.ip_forward",
        IpFamily::V6 => "net.ipv6.conf.all.forwarding",
    };
    let mut text = format!(
        "{who} Each must forward {other} for its Pods, and needs a default route of {other}, or one \
         for the Service range to any interface: without it its own processes reach no ClusterIP of \
         that family."
    );
    if other == IpFamily::V6 {
        text.push_str(
            " If the default route comes from router advertisements, accept_ra must then be 2.",
        );
    }
    step(
        format!("On every node: an {other} address, a route and forwarding."),
        text,
        vec![
            Action::Run(format!("echo '{key} = 1' >/etc/sysctl.d/90-dual-stack.conf")),
            Action::run("sysctl --system"),
            Action::Run(format!(
                "ip -{number} route get {} || ip -{number} route add {services} dev INTERFACE",
                address_of(services),
            )),
        ],
    )
}

/// The number of a family, as `ip` takes it.
const fn number(family: IpFamily) -> u8 {
    match family {
        IpFamily::V4 => 4,
        IpFamily::V6 => 6,
    }
}

/// The address of a range.
fn address_of(range: &str) -> &str {
    range.split_once('/').map_or(range, |(address, _)| address)
}

fn control_plane(model: &Model, lacks: &Gaps<'_>) -> Step {
    let mut edits = vec!["networking:".to_owned()];
    if lacks.pods {
        edits.push(format!("  podSubnet: {}", lacks.pod_ranges));
    }
    if lacks.services {
        edits.push(format!("  serviceSubnet: {}", lacks.service_ranges));
    }
    edits.extend(extra_args(model, lacks));
    let mut actions = vec![
        Action::run(
            "kubectl -n kube-system get configmap kubeadm-config -o \
             jsonpath='{.data.ClusterConfiguration}' >kubeadm.yaml",
        ),
        Action::write("kubeadm.yaml", edits),
        Action::run("kubeadm init phase upload-config kubeadm --config kubeadm.yaml"),
    ];
    actions.extend(["apiserver", "controller-manager"].map(|component| {
        Action::run(format!("kubeadm init phase control-plane {component} --config kubeadm.yaml"))
    }));
    // The old one answers until the kubelet has seen the new manifest.
    actions.push(Action::run("sleep 30; until kubectl get --raw /readyz; do sleep 2; done"));
    step(
        "Give the control plane the ranges of both families.",
        "kubeadm upgrade does not change ranges: change them in kubeadm's own configuration, and regenerate the \
         manifests of the API server and the controller manager from it, on one control plane node after \
         another; the API server is unavailable until it has restarted. The ranges of the new family are \
         proposals, unused as far as the documents show.",
        actions,
    )
}

/// What becomes of the flags in kubeadm's extraArgs that override its ranges, or that fit clusters of
/// one family only.
fn extra_args(model: &Model, lacks: &Gaps<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, section) in [
        (ComponentName::ApiServer, "apiServer"),
        (ComponentName::ControllerManager, "controllerManager"),
    ] {
        let mut own = Vec::new();
        for component in model.components(name).filter(|component| component.extra) {
            let lists = component.ranges.iter();
            for list in lists.filter(|list| is_single(list)) {
                let flag = list.field.trim_start_matches('-');
                own.push(format!("  # without {flag}, which overrides networking"));
            }
            if let Some(mask) = component.args.get(COMMON_MASK) {
                let (first, other) = (lacks.first, lacks.other());
                own.push(format!("  # without {COMMON_MASK}, and with these in its place:"));
                own.push(format!("  # {COMMON_MASK}-{}: {}", first.slug(), mask.value));
                let length = node_mask(model, other);
                own.push(format!("  # {COMMON_MASK}-{}: {length}", other.slug()));
            }
        }
        if !own.is_empty() {
            lines.push(format!("{section}.extraArgs:"));
            lines.extend(own);
        }
    }
    lines
}

fn proxy(model: &Model, lacks: &Gaps<'_>) -> Option<Step> {
    let set = !model.proxy_lists().is_empty();
    // Without a ConfigMap of kube-proxy's in a live cluster something else carries Services.
    if !set && model.asked.live && model.proxies.is_empty() {
        return None;
    }
    let mut text = if set {
        format!("Its clusterCIDR becomes {}.", lacks.pod_ranges)
    } else {
        format!("If its configuration has a clusterCIDR, that becomes {}.", lacks.pod_ranges)
    };
    if model.proxies.iter().any(|proxy| !proxy.node_ports.is_empty()) {
        text.push_str(
            " nodePortAddresses gets a range of that family as well: without one NodePorts are open \
             on every address of it.",
        );
    }
    Some(step(
        "Tell kube-proxy.",
        text,
        vec![
            Action::run("kubectl -n kube-system edit configmap kube-proxy"),
            Action::run("kubectl -n kube-system rollout restart daemonset kube-proxy"),
        ],
    ))
}

/// The kubelets' node-ip, of nodes that have one family.
fn node_ips(model: &Model, lacks: &Gaps<'_>) -> Option<Step> {
    let (first, other) = (lacks.first, lacks.other());
    let known = !model.node_objects.is_empty();
    if known && lacks.without_address.is_empty() {
        return None;
    }
    let mut lines = Vec::new();
    for node in lacks.without_address.iter().take(NAMES) {
        let own = node.internal_ips.iter().find(|address| address.family() == Some(first));
        let own = own.map_or("<its address>", |address| address.text.value.as_str());
        lines.push(format!("--node-ip={own},<{other} of {}>   # on {}", name(node), name(node)));
    }
    if lines.is_empty() {
        lines.push(format!("--node-ip=<{first} of the node>,<{other} of the node>"));
    }
    Some(step(
        "Set the addresses of the kubelets.",
        format!(
            "{first} comes first. With an external cloud provider the provider sets them.{}",
            more(lacks.without_address.len())
        ),
        vec![
            Action::write(
                "KUBELET_KUBEADM_ARGS of /var/lib/kubelet/kubeadm-flags.env, on each",
                lines,
            ),
            Action::run("systemctl restart kubelet   # on each"),
        ],
    ))
}

/// Whether Pods get their addresses from the Node's ranges, as far as is known.
fn uses_node_ranges(model: &Model) -> bool {
    !plugins::is_cluster_pool(model) && model.calico_cni.is_empty() && model.pools.is_empty()
}

fn nodes(model: &Model, lacks: &Gaps<'_>) -> Option<Step> {
    if !uses_node_ranges(model) {
        return None;
    }
    let other = lacks.other();
    let mut commands = Vec::new();
    // The API server is there as long as it can be.
    let (last, first): (Vec<_>, Vec<_>) =
        lacks.without_range.iter().partition(|node| node.control_plane);
    for node in first.into_iter().chain(last).take(NAMES) {
        let name = name(node);
        commands.push(format!("kubectl drain {name} --ignore-daemonsets --delete-emptydir-data"));
        commands.push(format!(
            "kubectl get node {name} -o yaml >{name}.yaml; kubectl delete node {name}"
        ));
        let mark = if node.control_plane { "; kubeadm init phase mark-control-plane" } else { "" };
        commands.push(format!("systemctl restart kubelet{mark}   # on {name}"));
    }
    if commands.is_empty() {
        commands = vec![
            "kubectl drain NODE --ignore-daemonsets --delete-emptydir-data".to_owned(),
            "kubectl delete node NODE".to_owned(),
            "systemctl restart kubelet   # on it".to_owned(),
        ];
    }
    Some(step(
        format!("Create the Nodes again, one after the other, for a pod range of {other}."),
        format!(
            "The kubelet registers its Node again, and the controller manager gives it a range of \
             each family; that of {} may differ from before. Labels and taints that were set manually are lost \
             with the object: they are in the saved file. kubeadm init phase mark-control-plane sets the control \
             plane's label and taint again, the taint even if it had been removed.{}",
            lacks.first,
            more(lacks.without_range.len())
        ),
        commands.into_iter().map(Action::Run).collect(),
    ))
}

fn pods(lacks: &Gaps<'_>) -> Step {
    let other = lacks.other();
    step(
        format!("Create the Pods again that have no {other} address yet."),
        "Draining has done so for most; DaemonSets and Pods that were not drained remain.",
        vec![
            Action::run(
                "kubectl get pods -A -o jsonpath='{range .items[?(@.spec.hostNetwork!=true)]}\
             {.metadata.namespace}/{.metadata.name} {.status.podIPs[*].ip}{\"\\n\"}{end}'",
            ),
            Action::run("kubectl -n NAMESPACE rollout restart deployment,daemonset,statefulset"),
        ],
    )
}

fn services(lacks: &Gaps<'_>) -> Step {
    let (first, other) = (lacks.first, lacks.other());
    let all: Vec<&str> = lacks.single.iter().map(|service| service.name.as_str()).collect();
    let which = match all.len() {
        0 => String::new(),
        count => format!(" {count} have one family: {}.", names(&all)),
    };
    let mut commands = Vec::new();
    for service in all.iter().take(NAMES) {
        let (namespace, name) = service.split_once('/').unwrap_or(("default", service));
        commands.push(format!(
            "kubectl -n {namespace} patch service {name} -p \
             '{{\"spec\":{{\"ipFamilyPolicy\":\"PreferDualStack\"}}}}'"
        ));
    }
    if commands.is_empty() {
        commands.push(
            "kubectl -n NAMESPACE patch service NAME -p \
             '{\"spec\":{\"ipFamilyPolicy\":\"PreferDualStack\"}}'"
                .to_owned(),
        );
    }
    step(
        format!("Add {other} to the Services that need it."),
        format!(
            "Services keep their families until their policy is changed; {first} stays the first.{which} \
             The application behind one must listen on both."
        ),
        commands.into_iter().map(Action::Run).collect(),
    )
}
