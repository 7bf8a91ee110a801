//! The steps for a cluster whose components' flags can be changed in place: kubeadm's.

use crate::{
    lint::model::{Model, NodeObject, Version},
    net::IpFamily,
};

use super::{lacks::Lacks, steps::Step};

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

fn step(title: impl Into<String>, text: impl Into<String>, commands: Vec<String>) -> Step {
    Step { title: title.into(), text: text.into(), commands }
}

/// A list of names that stays readable.
fn names(all: &[&str]) -> String {
    let shown = all.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn name(node: &NodeObject) -> &str {
    &node.name.value
}

/// What can't be changed in place.
pub(super) fn fixed(model: &Model, lacks: &Lacks<'_>) -> Vec<String> {
    let (first, other) = (lacks.first, lacks.other());
    let mut fixed = vec![format!(
        "{first} stays the first family: the ClusterIPs of existing Services, and the API server's \
         own, are of it."
    )];
    if lacks.pods || !lacks.without_range.is_empty() {
        fixed.push(
            "A Node keeps the pod ranges that it got once (spec.podCIDRs): where the network plugin \
             takes Pods' addresses from them, the Node objects are deleted and created again."
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
pub(super) fn steps(model: &Model, lacks: &Lacks<'_>) -> Vec<Step> {
    let mut steps = vec![addresses(model, lacks)];
    if lacks.pods || lacks.services {
        steps.push(control_plane(lacks));
    }
    if lacks.pods || lacks.proxy {
        steps.extend(proxy(model, lacks));
    }
    if lacks.pods {
        steps.push(plugin(model, lacks));
    }
    steps.extend(node_ips(model, lacks));
    if lacks.pods || !lacks.without_range.is_empty() {
        steps.extend(nodes(model, lacks));
        steps.push(pods(lacks));
    }
    steps.push(services(lacks));
    steps.push(step(
        "See that it works.",
        "Every node, Pod, Service and path, in both families.",
        vec![
            "dualstack lint --live --goal dual-stack".to_owned(),
            "dualstack run --suite dual-stack".to_owned(),
        ],
    ));
    steps
}

fn addresses(model: &Model, lacks: &Lacks<'_>) -> Step {
    let other = lacks.other();
    let lacking: Vec<&str> = lacks.without_address.iter().map(|node| name(node)).collect();
    let all = model.node_objects.len();
    let who = match lacking.len() {
        0 if all > 0 => format!("All nodes have an {other} address already."),
        0 => format!("Every node needs an {other} address that the other nodes reach."),
        count if count == all => format!("None of the {all} nodes has an {other} address yet."),
        _ => format!("Without an {other} InternalIP: {}.", names(&lacking)),
    };
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
            " Where the default route comes from router advertisements, accept_ra must be 2 then.",
        );
    }
    step(
        format!("On every node: an {other} address, a route and forwarding."),
        text,
        vec![
            format!("echo '{key} = 1' >/etc/sysctl.d/90-dual-stack.conf"),
            "sysctl --system".to_owned(),
            format!(
                "ip -{} route get {} || ip -{} route add {} dev INTERFACE",
                number(other),
                address_of(added(&lacks.service_ranges)),
                number(other),
                added(&lacks.service_ranges),
            ),
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

fn control_plane(lacks: &Lacks<'_>) -> Step {
    let mut edits = Vec::new();
    if lacks.pods {
        edits.push(format!("podSubnet: {}", lacks.pod_ranges));
    }
    if lacks.services {
        edits.push(format!("serviceSubnet: {}", lacks.service_ranges));
    }
    let mut commands = vec![
        "kubectl -n kube-system get configmap kubeadm-config -o jsonpath='{.data.ClusterConfiguration}' \
         >kubeadm.yaml"
            .to_owned(),
        format!("$EDITOR kubeadm.yaml   # in networking: {}", edits.join("; ")),
        "kubeadm init phase upload-config kubeadm --config kubeadm.yaml".to_owned(),
    ];
    commands.extend(["apiserver", "controller-manager"].map(|component| {
        format!("kubeadm init phase control-plane {component} --config kubeadm.yaml")
    }));
    step(
        "Give the control plane the ranges of both families.",
        "kubeadm upgrade does not change ranges: they are changed in kubeadm's own configuration, \
         and the manifests of the API server and of the controller manager are written again from \
         it (the last two commands, on one control plane node after the other). The ranges of the \
         new family are proposals, free as far as the documents tell.",
        commands,
    )
}

fn proxy(model: &Model, lacks: &Lacks<'_>) -> Option<Step> {
    let set = !model.proxy_lists().is_empty();
    // Without a ConfigMap of kube-proxy's in a live cluster something else carries Services.
    if !set && model.asked.live && model.proxies.is_empty() {
        return None;
    }
    let text = if set {
        format!("Its clusterCIDR becomes {}.", lacks.pod_ranges)
    } else {
        format!("If its configuration has a clusterCIDR, that becomes {}.", lacks.pod_ranges)
    };
    Some(step(
        "Tell kube-proxy.",
        text,
        vec![
            "kubectl -n kube-system edit configmap kube-proxy".to_owned(),
            "kubectl -n kube-system rollout restart daemonset kube-proxy".to_owned(),
        ],
    ))
}

/// The range of the family that is added, of two.
fn added(ranges: &str) -> &str {
    ranges.split_once(',').map_or(ranges, |(_, added)| added)
}

fn plugin(model: &Model, lacks: &Lacks<'_>) -> Step {
    let (other, range) = (lacks.other(), added(&lacks.pod_ranges));
    if !model.flannel.is_empty() {
        let text = format!(
            "flannel: in net-conf.json \"Enable{other}\": true and \"{}\": \"{range}\".",
            if other == IpFamily::V6 { "IPv6Network" } else { "Network" }
        );
        let commands = vec![
            "kubectl -n kube-flannel edit configmap kube-flannel-cfg".to_owned(),
            "kubectl -n kube-flannel rollout restart daemonset kube-flannel-ds".to_owned(),
        ];
        return step("Tell the network plugin.", text, commands);
    }
    if !model.cilium.is_empty() {
        let slug = other.slug();
        let text =
            "Cilium: the family is switched on, and its own pool, if it has one, gets a range.";
        let commands = vec![format!(
            "helm upgrade cilium cilium/cilium -n kube-system --reuse-values --set {slug}.enabled=true \
             --set ipam.operator.clusterPool{other}PodCIDRList={range}"
        )];
        return step("Tell the network plugin.", text, commands);
    }
    if !model.calico_nodes.is_empty() || !model.pools.is_empty() || !model.calico_cni.is_empty() {
        let text = format!(
            "Calico: a pool of {range}, assign_{slug} true in its CNI configuration, and calico-node \
             with IP6 autodetect and FELIX_IPV6SUPPORT true; by its operator, a second entry of \
             calicoNetwork.ipPools is all.",
            slug = other.slug(),
        );
        let commands = vec![
            "kubectl edit installation default   # with the operator".to_owned(),
            "kubectl -n kube-system edit configmap calico-config   # without it".to_owned(),
            "kubectl -n kube-system edit daemonset calico-node".to_owned(),
        ];
        return step("Tell the network plugin.", text, commands);
    }
    let text = format!(
        "Which one the cluster has is not known here. It must give every Pod an address of each \
         family; the new range is {range}."
    );
    step("Tell the network plugin.", text, Vec::new())
}

/// The kubelets' node-ip, of nodes that have one family.
fn node_ips(model: &Model, lacks: &Lacks<'_>) -> Option<Step> {
    let (first, other) = (lacks.first, lacks.other());
    let known = !model.node_objects.is_empty();
    if known && lacks.without_address.is_empty() {
        return None;
    }
    let mut commands = Vec::new();
    for node in lacks.without_address.iter().take(NAMES) {
        let own = node.internal_ips.iter().find(|address| address.family() == Some(first));
        let own = own.map_or("<its address>", |address| address.text.value.as_str());
        commands.push(format!("--node-ip={own},<{other} of {}>   # on {}", name(node), name(node)));
    }
    if lacks.without_address.len() > NAMES {
        let more = lacks.without_address.len() - NAMES;
        commands.push(format!("…   # and on {more} more"));
    }
    if commands.is_empty() {
        commands.push(format!("--node-ip=<{first} of the node>,<{other} of the node>"));
    }
    commands.push("systemctl restart kubelet   # on each".to_owned());
    Some(step(
        "Tell the kubelets their addresses.",
        format!(
            "In KUBELET_KUBEADM_ARGS of /var/lib/kubelet/kubeadm-flags.env, {first} first. With an \
             external cloud provider the provider tells them."
        ),
        commands,
    ))
}

/// Whether Pods get their addresses from the Node's ranges, as far as is known.
fn uses_node_ranges(model: &Model) -> bool {
    let own = model
        .cilium
        .iter()
        .any(|cilium| cilium.settings.get("ipam").is_none_or(|mode| mode.value == "cluster-pool"));
    !own && model.calico_cni.is_empty() && model.pools.is_empty()
}

fn nodes(model: &Model, lacks: &Lacks<'_>) -> Option<Step> {
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
    if lacks.without_range.len() > NAMES {
        let more = lacks.without_range.len() - NAMES;
        commands.push(format!("…   # and so with {more} more nodes"));
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
        "The kubelet registers its Node again, and the controller manager gives it a range of each \
         family. Labels and taints that were set by hand are lost with the object: the saved file \
         has them. kubeadm init phase mark-control-plane sets the control plane's label and taint \
         again, the taint also where it had been taken off.",
        commands,
    ))
}

fn pods(lacks: &Lacks<'_>) -> Step {
    let other = lacks.other();
    step(
        format!("Create the Pods again that have no {other} address yet."),
        "Draining has done so with most; DaemonSets and what was not drained is left.",
        vec![
            "kubectl get pods -A -o jsonpath='{range .items[?(@.spec.hostNetwork!=true)]}\
             {.metadata.namespace}/{.metadata.name} {.status.podIPs[*].ip}{\"\\n\"}{end}'"
                .to_owned(),
            "kubectl -n NAMESPACE rollout restart deployment,daemonset,statefulset".to_owned(),
        ],
    )
}

fn services(lacks: &Lacks<'_>) -> Step {
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
        format!("Give {other} to the Services that are to have it."),
        format!(
            "Services keep their families until their policy is changed; {first} stays the first.{which} \
             The application behind one must listen on both."
        ),
        commands,
    )
}
