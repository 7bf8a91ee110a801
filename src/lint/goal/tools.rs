//! Which tool or provider a cluster is of, and what its documentation says about changing families.

use crate::lint::model::{Model, Tool};

use super::{
    changes::needs_gate,
    kubespray,
    lacks::Gaps,
    steps::{Action, Step, step},
};

/// Kubernetes' own page.
pub(super) const CONCEPT: &str =
    "https://kubernetes.io/docs/concepts/services-networking/dual-stack/";

/// Who set a cluster up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Installer {
    /// kubeadm, or whoever writes the same flags.
    Kubeadm,
    /// kind.
    Kind,
    /// Another tool with files of its own.
    Other(Tool),
    /// Amazon's EKS.
    Eks,
    /// Google's GKE.
    Gke,
    /// Microsoft's AKS.
    Aks,
}

/// The tool or the provider, by the documents and by what the nodes say.
pub(super) fn of(model: &Model) -> Installer {
    let nodes = &model.node_objects;
    let version = |mark: &str| nodes.iter().any(|node| node.kubelet_version.contains(mark));
    let provider = |mark: &str| nodes.iter().any(|node| node.provider.starts_with(mark));
    let aks = || nodes.iter().any(|node| node.name.value.starts_with("aks-"));
    if version("-eks-") {
        Installer::Eks
    } else if version("-gke.") {
        Installer::Gke
    } else if provider("azure:") && aks() {
        Installer::Aks
    } else if provider("kind:") || !model.kinds.is_empty() {
        Installer::Kind
    } else if version("+k3s") || version("+rke2") {
        Installer::Other(Tool::K3s)
    } else if version("+k0s") {
        Installer::Other(Tool::K0s)
    } else if let Some(install) = model.installs.first() {
        match install.tool {
            Tool::Eksctl | Tool::Eks => Installer::Eks,
            Tool::Aks => Installer::Aks,
            Tool::Gke => Installer::Gke,
            tool => Installer::Other(tool),
        }
    } else {
        Installer::Kubeadm
    }
}

impl Installer {
    /// Its name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Kubeadm => "kubeadm",
            Self::Kind => "kind",
            Self::Other(Tool::K3s) => "k3s or RKE2",
            Self::Other(tool) => tool.as_str(),
            Self::Eks => "EKS",
            Self::Gke => "GKE",
            Self::Aks => "AKS",
        }
    }

    /// Why a cluster of it can't be made dual-stack as it is, and the page that says so; nothing
    /// where the flags of its components can be changed in place.
    pub(super) fn rebuild(self) -> Option<(String, &'static str)> {
        let (why, page) = match self {
            Self::Kubeadm => return None,
            Self::Kind => (
                "kind sets the families when it creates a cluster.",
                "https://kind.sigs.k8s.io/docs/user/configuration/#ip-family",
            ),
            Self::Other(Tool::K3s) => (
                "k3s and RKE2: dual-stack must be configured when the cluster is first created; it \
                 can't be enabled on a cluster that was started with one family.",
                "https://docs.k3s.io/networking/basic-network-options#dual-stack-ipv4--ipv6-networking",
            ),
            Self::Other(Tool::HetznerK3s) => (
                "hetzner-k3s sets one address as a node's node-ip, so k3s exits if its ranges have both families.",
                "https://github.com/vitobotta/hetzner-k3s/blob/main/templates/master_install_script.sh",
            ),
            Self::Other(Tool::K0s) => (
                "k0s' page on dual-stack is about new clusters; no procedure is known for a running \
                 cluster.",
                "https://docs.k0sproject.io/stable/dual-stack/",
            ),
            Self::Other(Tool::Talos) => (
                "Talos takes the ranges of Pods and Services when a cluster is bootstrapped; no procedure is \
                 known for a running cluster.",
                "https://github.com/siderolabs/docs/issues/91",
            ),
            Self::Other(Tool::ClusterApi) => (
                "Cluster API replaces machines instead of changing them, and documents no change of \
                 spec.clusterNetwork for a running cluster.",
                "https://cluster-api.sigs.k8s.io/",
            ),
            Self::Other(Tool::Kubespray) => (
                "kubespray takes both families in its variables for new clusters; no playbook is known for a \
                 running cluster. Its clusters use kubeadm underneath.",
                "https://github.com/kubernetes-sigs/kubespray/blob/master/docs/ansible/vars.md",
            ),
            Self::Other(Tool::Rke) => (
                "RKE takes the ranges of Pods and Services when a cluster is set up; no procedure is known for a \
                 running cluster.",
                "https://rke.docs.rancher.com/config-options/dual-stack",
            ),
            Self::Other(Tool::Antrea) => (
                "Antrea gives nodes ranges from its own configuration; its documentation \
                 describes no change of those of existing nodes.",
                "https://antrea.io/docs/main/docs/antrea-ipam/",
            ),
            Self::Other(Tool::KubeOvn | Tool::OvnKubernetes) => (
                "the pod network has its own ranges, which its components read at startup; no \
                 procedure to add a family to a running cluster is documented.",
                "https://kubeovn.github.io/docs/stable/en/guide/dual-stack/",
            ),
            Self::Other(Tool::KubeOne) => (
                "KubeOne takes both families when it provisions a cluster; no procedure is known for a running \
                 cluster.",
                "https://docs.kubermatic.com/kubeone/main/guides/dual-stack/",
            ),
            Self::Other(Tool::Kamaji) => (
                "Kamaji takes the ranges of Pods and Services when it creates a control plane; no procedure is known \
                 for a running cluster.",
                "https://kamaji.clastix.io/reference/api/",
            ),
            Self::Other(Tool::Gardener) => (
                "Gardener owns the control plane and the nodes: where the infrastructure can have \
                 both families, it changes a Shoot whose spec.networking.ipFamilies lists both.",
                "https://gardener.cloud/docs/gardener/networking/dual-stack-networking-migration/",
            ),
            Self::Other(Tool::Kops) => (
                "kOps' clusters are IPv4, or IPv6 with nodes of both families; Pods and Services of \
                 both families are not supported.",
                "https://kops.sigs.k8s.io/networking/ipv6/",
            ),
            Self::Other(Tool::MicroK8s) => (
                "MicroK8s takes both families in the launch configuration of a new cluster; no procedure is \
                 known for a running cluster.",
                "https://microk8s.io/docs/how-to-dual-stack",
            ),
            Self::Other(Tool::CanonicalKubernetes) => (
                "Canonical Kubernetes takes both families when a cluster is bootstrapped; no procedure is known for a \
                 running cluster.",
                "https://documentation.ubuntu.com/canonical-kubernetes/main/snap/howto/networking/dualstack/",
            ),
            Self::Other(Tool::OpenShift) => (
                "OpenShift's network operator adds the second family itself, on machines whose \
                 network has both already.",
                "https://docs.redhat.com/en/documentation/openshift_container_platform/",
            ),
            Self::Other(Tool::Eksctl | Tool::Eks) | Self::Eks => (
                "EKS gives Pods and Services one family, which is chosen when the cluster is \
                 created and can't be changed; dual-stack Pods and Services are not supported.",
                "https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html",
            ),
            Self::Gke | Self::Other(Tool::Gke) => (
                "GKE owns the control plane and the nodes: it changes the stack type itself, in a \
                 subnet that has both families already.",
                "https://cloud.google.com/kubernetes-engine/docs/how-to/alias-ips",
            ),
            Self::Aks | Self::Other(Tool::Aks) => (
                "AKS owns the control plane and the nodes: its families are those of --ip-families \
                 when the cluster is created; its page says what can be changed later.",
                "https://learn.microsoft.com/azure/aks/configure-dual-stack",
            ),
        };
        let lead = match self {
            Self::Gke | Self::Aks | Self::Other(Tool::Gardener) => "Only by the provider",
            Self::Other(Tool::OpenShift) => "Only by its operator",
            _ => "Not possible in place",
        };
        Some((format!("{lead}: {why}"), page))
    }

    /// What can be done all the same.
    pub(super) fn steps(self, model: &Model, lacks: &Gaps<'_>) -> Vec<Step> {
        let (pods, services) = (&lacks.pod_ranges, &lacks.service_ranges);
        match self {
            Self::Eks | Self::Other(Tool::Eksctl | Tool::Kops) => Vec::new(),
            Self::Other(Tool::OpenShift) => vec![step(
                "Let OpenShift add the second family.",
                format!(
                    "Add to spec.clusterNetwork and spec.serviceNetwork of network.config so that \
                     Pods have {pods} and Services {services}."
                ),
                vec![Action::run("oc edit network.config.openshift.io cluster")],
            )],
            Self::Other(Tool::Gardener) => vec![step(
                "Let Gardener add the second family.",
                "Where the infrastructure's extension supports it.",
                vec![
                    Action::run("kubectl edit shoot NAME"),
                    Action::write("spec.networking", ["ipFamilies: [IPv4, IPv6]"]),
                ],
            )],
            Self::Gke => vec![step(
                "Let GKE change the stack type.",
                "The subnet must be dual-stack first. Pods and Services that exist keep one family \
                 until they are created again, or their policy is changed.",
                vec![Action::run(
                    "gcloud container clusters update CLUSTER --stack-type=ipv4-ipv6",
                )],
            )],
            Self::Aks => vec![step(
                "Create a cluster of both families, and move the workloads.",
                "Its virtual network must be dual-stack.",
                vec![Action::run("az aks create --ip-families ipv4,ipv6 …")],
            )],
            Self::Other(Tool::Kubespray) => kubespray::steps(model, lacks),
            Self::Kind => vec![step(
                "Create a cluster of both families.",
                format!(
                    "Set ipFamily: dual in the file that kind reads, and leave the ranges out or \
                     give both.{}",
                    if needs_gate(model) {
                        " Before 1.21 featureGates has IPv6DualStack: true as well."
                    } else {
                        ""
                    }
                ),
                vec![
                    Action::run("kind delete cluster"),
                    Action::run("kind create cluster --config FILE"),
                ],
            )],
            Self::Other(Tool::K3s) => vec![step(
                "Create a cluster of both families, and move the workloads.",
                "node-ip of every server and agent has an address of each family.",
                vec![Action::write(
                    "config.yaml of every server",
                    [format!("cluster-cidr: {pods}"), format!("service-cidr: {services}")],
                )],
            )],
            Self::Other(_) | Self::Kubeadm => vec![step(
                "Create a cluster of both families, and move the workloads.",
                format!("Pods of {pods}, Services of {services}."),
                Vec::new(),
            )],
        }
    }
}
