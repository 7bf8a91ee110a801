//! What can be known of a cluster, and the permissions that it takes.

use crate::cluster::Right;

/// The namespace of Kubernetes' own components.
pub(super) const KUBE_SYSTEM: &str = "kube-system";

/// Where OpenShift's DNS Operator keeps DNS
/// (<https://docs.okd.io/latest/networking/networking_operators/dns-operator.html>).
pub(crate) const OPENSHIFT_DNS: &str = "openshift-dns";
/// The namespace of the API server's own Service.
pub(super) const DEFAULT: &str = "default";

/// A part of [`super::Facts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The nodes.
    Nodes,
    /// The pod ranges.
    PodRanges,
    /// The Service ranges.
    ServiceRanges,
    /// kube-proxy.
    KubeProxy,
    /// The pod network.
    Cni,
    /// The cluster's DNS.
    ClusterDns,
    /// The ServiceCIDRs, the Services, and how their addresses are reserved.
    ServiceAddresses,
    /// The API server's own Service.
    KubernetesService,
    /// The running pods.
    Pods,
    /// Who leads the control plane's components, and kube-proxy's pods: what causes go by.
    Components,
    /// Who gives addresses to Services of type LoadBalancer.
    LoadBalancer,
}

impl Source {
    /// Every part.
    pub const ALL: [Self; 11] = [
        Self::Nodes,
        Self::PodRanges,
        Self::ServiceRanges,
        Self::KubeProxy,
        Self::Cni,
        Self::ClusterDns,
        Self::ServiceAddresses,
        Self::KubernetesService,
        Self::Pods,
        Self::Components,
        Self::LoadBalancer,
    ];

    /// The permissions that it takes to know it. Only the nodes are indispensable.
    pub fn rights(self) -> Vec<Right> {
        let everywhere = |resource| Right::optional("list", resource, None);
        let system = |verb, resource| Right::optional(verb, resource, Some(KUBE_SYSTEM));
        let (daemon_sets, config_maps, pods) =
            (everywhere("daemonsets.apps"), system("get", "configmaps"), system("list", "pods"));
        match self {
            Self::Nodes => vec![Right::required("list", "nodes", None)],
            Self::PodRanges | Self::KubeProxy => vec![daemon_sets, config_maps, pods],
            Self::ServiceRanges => {
                vec![everywhere("servicecidrs.networking.k8s.io"), config_maps, pods]
            }
            Self::Cni => vec![daemon_sets],
            Self::ClusterDns => vec![
                config_maps,
                system("list", "endpointslices.discovery.k8s.io"),
                pods,
                system("list", "services"),
            ],
            Self::ServiceAddresses => vec![
                everywhere("servicecidrs.networking.k8s.io"),
                everywhere("ipaddresses.networking.k8s.io"),
                everywhere("services"),
            ],
            Self::KubernetesService => vec![
                Right::optional("list", "endpointslices.discovery.k8s.io", Some(DEFAULT)),
                everywhere("services"),
            ],
            Self::Pods => vec![everywhere("pods")],
            Self::LoadBalancer => {
                vec![daemon_sets, system("list", "leases.coordination.k8s.io")]
            }
            Self::Components => vec![system("list", "leases.coordination.k8s.io"), pods],
        }
    }
}
