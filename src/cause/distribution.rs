//! Where a fix is made on the distribution that a cluster is of, and what can't be fixed there.

use super::Cause;
use crate::facts::{Facts, Node};

/// A way to build or buy a cluster, with places and limits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Distribution {
    K3s,
    Rke2,
    Kind,
    Eks,
    Gke,
    Aks,
    OpenShift,
    Kubeadm,
}

/// What is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The ranges and families of the whole cluster.
    Ranges,
    /// The addresses that a kubelet reports of its node.
    NodeAddresses,
    /// kube-proxy.
    KubeProxy,
    /// Settings of a node's kernel.
    Kernel,
}

/// Where what lies behind a cause is changed.
fn place(cause: &str) -> Option<Place> {
    match cause {
        "single_stack_cluster"
        | "services_single_stack"
        | "node_without_pod_cidr"
        | "pods_single_stack"
        | "other_primary" => Some(Place::Ranges),
        "node_without_internal_ip" => Some(Place::NodeAddresses),
        "service_proxy_down" | "kube_proxy_not_running" | "cluster_ip_dead" | "node_port_dead" => {
            Some(Place::KubeProxy)
        }
        "node_not_forwarding" => Some(Place::Kernel),
        _ => None,
    }
}

impl Distribution {
    /// The one that most nodes show they are of, where any does.
    fn of(facts: &Facts) -> Option<Self> {
        let nodes = facts.nodes.known()?;
        let found = nodes.iter().find_map(of_node);
        found.or_else(|| {
            // Only kubeadm writes it.
            let sources = facts.pod_ranges.iter().chain(&facts.service_ranges);
            let mut sources = sources.filter_map(|fact| match fact {
                crate::facts::Fact::Known { source, .. } => Some(source.as_str()),
                _ => None,
            });
            sources.any(|source| source.contains("kubeadm-config")).then_some(Self::Kubeadm)
        })
    }

    /// What is to be said of a place there; nothing where the general advice holds.
    const fn advice(self, place: Place) -> Option<&'static str> {
        use Place::{Kernel, KubeProxy, NodeAddresses, Ranges};
        Some(match (self, place) {
            (Self::K3s, Ranges) => {
                "k3s: cluster-cidr and service-cidr in /etc/rancher/k3s/config.yaml take a range of each \
                 family, on every server, when the cluster is made; one that was started with a single \
                 family can't be changed and has to be recreated \
                 (https://docs.k3s.io/networking/basic-network-options)."
            }
            (Self::K3s, NodeAddresses) => {
                "k3s: set node-ip in /etc/rancher/k3s/config.yaml to an address of each family, the \
                 primary one first, and restart k3s (on an agent k3s-agent)."
            }
            (Self::K3s, KubeProxy) => {
                "k3s: kube-proxy runs inside the k3s process and has no pod. `systemctl restart k3s` (on \
                 an agent k3s-agent) restarts it, `journalctl -u k3s` has its log, and kube-proxy-arg \
                 in /etc/rancher/k3s/config.yaml its flags."
            }
            (Self::Rke2, Ranges) => {
                "RKE2: cluster-cidr and service-cidr in /etc/rancher/rke2/config.yaml take a range of \
                 each family, on every server, when the cluster is made; one that was started with a \
                 single family can't be changed and has to be recreated \
                 (https://docs.rke2.io/networking/basic_network_options)."
            }
            (Self::Rke2, NodeAddresses) => {
                "RKE2: set node-ip in /etc/rancher/rke2/config.yaml to an address of each family, the \
                 primary one first, and restart rke2-server or rke2-agent."
            }
            (Self::Rke2, KubeProxy) => {
                "RKE2: kube-proxy is a static pod that the rke2 process writes; its flags are \
                 kube-proxy-arg in /etc/rancher/rke2/config.yaml, and a restart of rke2-server or \
                 rke2-agent recreates it."
            }
            (Self::Kind, Ranges) => {
                "kind: networking.ipFamily: dual (or podSubnet and serviceSubnet with two ranges) in \
                 the file of `kind create cluster --config`; a cluster that exists can't be changed: \
                 delete it and create it again (https://kind.sigs.k8s.io/docs/user/configuration/)."
            }
            (Self::Kind, NodeAddresses) => {
                "kind: nodes get addresses from the container network `kind`: `docker network inspect \
                 kind` must show EnableIPv6 true with a subnet of each family. If not, delete the \
                 cluster and the network, and create both again."
            }
            (Self::Kind, Kernel) => {
                "kind: nodes are containers; `docker exec NODE sysctl -w NAME=1` sets it until the \
                 container is started again."
            }
            (Self::Eks, Ranges) => {
                "EKS: not possible. Pods and Services have one family, chosen when the cluster is made, \
                 and dual-stack ones are not supported \
                 (https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html): test with --suite \
                 single-stack-ipv4 or single-stack-ipv6."
            }
            (Self::Eks, KubeProxy) => {
                "EKS: if kube-proxy is the managed add-on, change it as such (`aws eks update-addon \
                 --addon-name kube-proxy`); what is edited in the cluster may be overwritten."
            }
            (Self::Gke, Ranges) => {
                "GKE: the subnet and then the cluster must be of stack type IPV4_IPV6 \
                 (https://cloud.google.com/kubernetes-engine/docs/how-to/alias-ips); ranges of the \
                 nodes and pods can't be set in the cluster."
            }
            (Self::Gke, KubeProxy) => {
                "GKE: kube-proxy is managed and can't be configured; with Dataplane V2 there is none, and \
                 anetd serves Services."
            }
            (Self::Aks, Ranges) => {
                "AKS: the cluster is made with --ip-families ipv4,ipv6 in a virtual network of both \
                 families (https://learn.microsoft.com/azure/aks/configure-dual-stack); the control \
                 plane's flags can't be changed in the cluster."
            }
            (Self::Aks, KubeProxy) => {
                "AKS: kube-proxy is managed: what is edited in the cluster is overwritten; its settings \
                 are those of `az aks update`."
            }
            (Self::Eks | Self::Gke | Self::Aks, Kernel) => {
                "Nodes of a node pool are replaced: set it in the node pool's configuration (or by a \
                 DaemonSet), not on one node alone."
            }
            (Self::Eks | Self::Gke | Self::Aks, NodeAddresses) => {
                "The provider's controller sets the addresses of Nodes: its subnet and network interface \
                 must have both families, and a kubelet's --node-ip doesn't add one."
            }
            (Self::OpenShift, Ranges) => {
                "OpenShift: clusterNetwork and serviceNetwork of `oc edit network.config cluster` take a \
                 range of each family, where the platform supports it, and pods are recreated \
                 (https://docs.okd.io/latest/networking/ovn_kubernetes_network_provider/\
                 converting-to-dual-stack.html); \
                 the control plane's flags are the operators'."
            }
            (Self::OpenShift, NodeAddresses) => {
                "OpenShift: the service nodeip-configuration on each node chooses its addresses, on the \
                 interface of the default route, which must be the same in both families; what is \
                 changed by hand on a node is undone by the Machine Config Operator."
            }
            (Self::OpenShift, KubeProxy) => {
                "OpenShift: OVN-Kubernetes replaces kube-proxy; the pods ovnkube-node in \
                 openshift-ovn-kubernetes carry Services, and `oc -n openshift-ovn-kubernetes delete pod -l \
                 app=ovnkube-node --field-selector spec.nodeName=NODE` restarts the one there."
            }
            (Self::OpenShift, Kernel) => {
                "OpenShift: set it for a pool of nodes, by a MachineConfig or a Tuned object, not on one \
                 node alone."
            }
            (Self::Kubeadm, NodeAddresses) => {
                "kubeadm: node-ip is set in KUBELET_KUBEADM_ARGS in /var/lib/kubelet/kubeadm-flags.env on \
                 the node; restart kubelet after a change."
            }
            (Self::Kubeadm, Ranges) => {
                "kubeadm: `kubeadm upgrade` doesn't change ranges \
                 (https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/dual-stack-support/): \
                 they stand in /etc/kubernetes/manifests/kube-apiserver.yaml and kube-controller-manager.yaml, in \
                 the ConfigMaps kube-system/kubeadm-config and kube-system/kube-proxy, and change together."
            }
            (Self::K3s | Self::Rke2 | Self::Kubeadm, Kernel)
            | (Self::Kubeadm | Self::Kind, KubeProxy) => return None,
        })
    }
}

/// What a node shows of its distribution: in its kubelet's version, in whose cloud it is, or in labels.
fn of_node(node: &Node) -> Option<Distribution> {
    let version = node.kubelet_version.as_str();
    let cloud = node.provider_id.as_deref().unwrap_or_default();
    let label = |start: &str| node.labels.keys().any(|key| key.starts_with(start));
    if version.contains("+k3s") {
        Some(Distribution::K3s)
    } else if version.contains("+rke2") {
        Some(Distribution::Rke2)
    } else if version.contains("-eks-") || label("eks.amazonaws.com/") {
        Some(Distribution::Eks)
    } else if version.contains("-gke.") || label("cloud.google.com/gke-") {
        Some(Distribution::Gke)
    } else if label("kubernetes.azure.com/") {
        Some(Distribution::Aks)
    } else if label("node.openshift.io/os_id") {
        Some(Distribution::OpenShift)
    } else if cloud.starts_with("kind://") {
        Some(Distribution::Kind)
    } else {
        None
    }
}

/// Puts in front of what fixes each cause what is particular to the cluster's distribution.
pub(super) fn add(facts: &Facts, causes: &mut [Cause]) {
    let Some(distribution) = Distribution::of(facts) else { return };
    for cause in causes {
        let advice = place(&cause.id).and_then(|place| distribution.advice(place));
        if let Some(advice) = advice {
            cause.fix.insert(0, advice.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cause::REGISTRY,
        lab::{Fault, Lab, node},
        net::IpFamily::{V4, V6},
    };

    fn with(change: impl Fn(&mut Node)) -> Option<Distribution> {
        let mut node = node("n1");
        change(&mut node);
        of_node(&node)
    }

    #[test]
    fn a_distribution_is_told_by_what_its_nodes_show() {
        let version = |version: &str| with(|node| node.kubelet_version = version.to_owned());
        assert_eq!(version("v1.34.1+k3s1"), Some(Distribution::K3s));
        assert_eq!(version("v1.34.1+rke2r1"), Some(Distribution::Rke2));
        assert_eq!(version("v1.33.5-eks-113cf36"), Some(Distribution::Eks));
        assert_eq!(version("v1.33.4-gke.1134000"), Some(Distribution::Gke));
        assert_eq!(version("v1.36.3"), None);
        let label =
            |key: &str| with(|node| drop(node.labels.insert(key.to_owned(), String::new())));
        assert_eq!(label("kubernetes.azure.com/cluster"), Some(Distribution::Aks));
        assert_eq!(label("node.openshift.io/os_id"), Some(Distribution::OpenShift));
        let kind =
            with(|node| node.provider_id = Some("kind://docker/kind/kind-worker".to_owned()));
        assert_eq!(kind, Some(Distribution::Kind));
    }

    #[test]
    fn the_fix_names_the_distributions_own_place_first() {
        let fix = |lab: &Lab| lab.run().record.causes[0].fix[0].clone();
        let k3s = |lab: &mut Lab| {
            for name in ["n1", "n2", "n3"] {
                lab.node(name).kubelet_version = "v1.34.1+k3s1".to_owned();
            }
        };
        let proxy = Lab::dual()
            .with(Fault::ClusterIpDropped { at: "n2", family: V6 })
            .with(Fault::NodePortRefused { at: "n2", family: V6 });
        let plain = fix(&proxy);
        let there = fix(&proxy.changed(k3s));
        assert!(there.starts_with("k3s: ") && !plain.starts_with("k3s"), "{there}");
        let single = Lab::new(3, &[V4]).changed(|lab| {
            lab.node("n1").kubelet_version = "v1.33.5-eks-113cf36".to_owned();
        });
        assert!(fix(&single).starts_with("EKS: not possible"), "{}", fix(&single));
        let route = Lab::dual().with(Fault::CutOff { node: "n2", family: V6 }).changed(k3s);
        assert!(!fix(&route).starts_with("k3s"));
    }

    #[test]
    fn every_place_is_that_of_a_rule() {
        let named = [
            "single_stack_cluster",
            "services_single_stack",
            "node_without_pod_cidr",
            "pods_single_stack",
            "other_primary",
            "node_without_internal_ip",
            "service_proxy_down",
            "kube_proxy_not_running",
            "cluster_ip_dead",
            "node_port_dead",
            "node_not_forwarding",
        ];
        let placed = REGISTRY.iter().filter(|rule| place(rule.id()).is_some());
        assert_eq!(placed.count(), named.len());
        assert!(named.iter().all(|id| place(id).is_some()));
    }
}
