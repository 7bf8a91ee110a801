//! Tools that install clusters.

/// A tool that installs clusters, other than kubeadm and kind, which have types of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tool {
    /// k3s, and RKE2, which reads the same settings.
    K3s,
    /// k3s, as hetzner-k3s installs it.
    HetznerK3s,
    /// k0s.
    K0s,
    /// Talos Linux.
    Talos,
    /// Cluster API.
    ClusterApi,
    /// kubespray.
    Kubespray,
    /// eksctl.
    Eksctl,
    /// RKE, the first one.
    Rke,
    /// kOps.
    Kops,
    /// MicroK8s.
    MicroK8s,
    /// Canonical Kubernetes.
    CanonicalKubernetes,
    /// OpenShift.
    OpenShift,
    /// Antrea, where it gives nodes their ranges itself.
    Antrea,
    /// Gardener.
    Gardener,
    /// KubeOne.
    KubeOne,
    /// Kamaji.
    Kamaji,
    /// Kube-OVN.
    KubeOvn,
    /// OVN-Kubernetes outside OpenShift.
    OvnKubernetes,
    /// Amazon's EKS, by an operator.
    Eks,
    /// Microsoft's AKS, by an operator.
    Aks,
    /// Google's GKE, by an operator.
    Gke,
}

impl Tool {
    /// How a sentence names the program that reads its settings.
    pub const fn reader(self) -> &'static str {
        match self {
            // The file alone doesn't tell which of them it is for.
            Self::K3s => "k3s or RKE2",
            other => other.as_str(),
        }
    }

    /// How a sentence names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::K3s => "k3s",
            Self::HetznerK3s => "hetzner-k3s",
            Self::K0s => "k0s",
            Self::Talos => "Talos",
            Self::ClusterApi => "Cluster API",
            Self::Kubespray => "kubespray",
            Self::Eksctl => "eksctl",
            Self::Rke => "RKE",
            Self::Kops => "kOps",
            Self::MicroK8s => "MicroK8s",
            Self::CanonicalKubernetes => "Canonical Kubernetes",
            Self::OpenShift => "OpenShift",
            Self::Antrea => "Antrea",
            Self::Gardener => "Gardener",
            Self::KubeOne => "KubeOne",
            Self::Kamaji => "Kamaji",
            Self::KubeOvn => "Kube-OVN",
            Self::OvnKubernetes => "OVN-Kubernetes",
            Self::Eks => "EKS",
            Self::Aks => "AKS",
            Self::Gke => "GKE",
        }
    }
}
