//! What can be known of a cluster, and the permissions that it takes.

use std::collections::BTreeSet;

use crate::cluster::Permission;

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

    /// What is asked of the API server to know it. What only some clusters have (ranges that a pod
    /// network keeps to itself, OpenShift's DNS) is asked for besides, where it is there.
    pub(super) const fn requests(self) -> &'static [Request] {
        match self {
            Self::Nodes => &[Request::Nodes],
            Self::PodRanges => &[
                Request::Nodes,
                Request::DaemonSets,
                Request::Kubeadm,
                Request::KubeProxy,
                Request::KubeProxyEks,
                Request::Components,
            ],
            Self::ServiceRanges => &[Request::ServiceCidrs, Request::Kubeadm, Request::Components],
            Self::KubeProxy => &[
                Request::Nodes,
                Request::DaemonSets,
                Request::KubeProxy,
                Request::KubeProxyEks,
                Request::Components,
            ],
            Self::Cni => &[Request::Nodes, Request::DaemonSets],
            Self::ClusterDns => &[
                Request::Kubeadm,
                Request::Kubelet,
                Request::CoreDns,
                Request::DnsSlices,
                Request::DnsPods,
                Request::DnsServices,
            ],
            Self::ServiceAddresses => {
                &[Request::ServiceCidrs, Request::IpAddresses, Request::Services]
            }
            Self::KubernetesService => &[Request::KubernetesSlices, Request::KubernetesService],
            Self::Pods => &[Request::Pods],
            Self::LoadBalancer => &[Request::DaemonSets, Request::Leases],
            Self::Components => &[Request::Leases, Request::ProxyPods],
        }
    }

    /// The permissions that it takes to know it. Only the nodes are indispensable, without which it is
    /// not asked for at all.
    pub fn permissions(self) -> Vec<Permission> {
        let mut permissions: Vec<Permission> = Vec::new();
        let own = |request: &&Request| self == Self::Nodes || **request != Request::Nodes;
        for permission in self.requests().iter().filter(own).map(|request| request.permission()) {
            if !permissions.iter().any(|known| known.is_same(&permission)) {
                permissions.push(permission);
            }
        }
        permissions
    }
}

/// One list, or one object, that the API server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Request {
    Nodes,
    ServiceCidrs,
    /// `kubeadm-config`.
    Kubeadm,
    /// `kube-proxy`.
    KubeProxy,
    /// Amazon's name for it.
    KubeProxyEks,
    /// `kubelet-config`.
    Kubelet,
    /// `coredns`.
    CoreDns,
    /// The static pods of the control plane, and kube-proxy where it is one.
    Components,
    DaemonSets,
    DnsServices,
    DnsSlices,
    DnsPods,
    /// The Services of all namespaces.
    Services,
    IpAddresses,
    KubernetesService,
    KubernetesSlices,
    /// The pods of all namespaces.
    Pods,
    Leases,
    ProxyPods,
}

impl Request {
    /// The permission that it takes.
    fn permission(self) -> Permission {
        let everywhere = |resource| Permission::optional("list", resource, None);
        let system = |verb, resource| Permission::optional(verb, resource, Some(KUBE_SYSTEM));
        match self {
            Self::Nodes => Permission::required("list", "nodes", None),
            Self::ServiceCidrs => everywhere("servicecidrs.networking.k8s.io"),
            Self::Kubeadm
            | Self::KubeProxy
            | Self::KubeProxyEks
            | Self::Kubelet
            | Self::CoreDns => system("get", "configmaps"),
            Self::Components | Self::DnsPods | Self::ProxyPods => system("list", "pods"),
            Self::DaemonSets => everywhere("daemonsets.apps"),
            Self::DnsServices => system("list", "services"),
            Self::DnsSlices => system("list", "endpointslices.discovery.k8s.io"),
            Self::Services => everywhere("services"),
            Self::IpAddresses => everywhere("ipaddresses.networking.k8s.io"),
            Self::KubernetesService => Permission::optional("get", "services", Some(DEFAULT)),
            Self::KubernetesSlices => {
                Permission::optional("list", "endpointslices.discovery.k8s.io", Some(DEFAULT))
            }
            Self::Pods => everywhere("pods"),
            Self::Leases => system("list", "leases.coordination.k8s.io"),
        }
    }
}

/// What is asked for to know these parts, each once.
pub(super) fn requests(sources: &[Source]) -> BTreeSet<Request> {
    sources.iter().flat_map(|source| source.requests()).copied().collect()
}

/// How many requests it takes to know these parts of a small cluster.
pub fn count(sources: &[Source]) -> usize {
    requests(sources).len()
}
