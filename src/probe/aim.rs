//! What a probe is aimed at, in the fixture's own words.

use serde::{Deserialize, Serialize};

use crate::{
    facts::TargetName,
    fixture::{PolicyRule, ServiceRole, Turn},
    net::IpFamily,
};

/// What a probe is aimed at. The target says how it is reached; this says what it is, so that
/// nobody has to find it again by its address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "aim", rename_all = "snake_case")]
pub enum Aim {
    /// The nginx on a node, at its own address.
    Backend {
        /// The node.
        node: String,
    },
    /// A Service's ClusterIP.
    ClusterIp {
        /// The Service.
        service: ServiceRole,
    },
    /// A Service's NodePort at a node.
    NodePort {
        /// The node.
        node: String,
        /// The Service.
        service: ServiceRole,
    },
    /// The address that a provider of load balancers gave to a Service.
    LoadBalancer {
        /// The Service.
        service: ServiceRole,
    },
    /// A node itself, to check whether it can be reached at all.
    Node {
        /// The node.
        node: String,
    },
    /// The host-network pod on a node, at its own address and the run's port.
    HostBackend {
        /// The node.
        node: String,
    },
    /// What the kube-proxy of a node says of its health in a family.
    ProxyHealth {
        /// The node.
        node: String,
        /// The family that is asked about.
        family: IpFamily,
    },
    /// The API server's own Service, at its ClusterIP.
    KubernetesService,
    /// The pods behind a Service, of which the API server's proxy picks one each time.
    Proxied {
        /// The Service.
        service: ServiceRole,
    },
    /// What is outside the cluster, as the fixture has it for the family.
    Outside,
    /// The cluster's DNS, at a ClusterIP of its Service.
    DnsService,
    /// A DNS pod, at its own address.
    DnsPod {
        /// Its name.
        pod: String,
        /// The node it runs on, where it is known.
        node: Option<String>,
    },
    /// A name outside the cluster, which a DNS pod has to ask others for.
    Forwarded {
        /// The DNS pod.
        pod: String,
    },
    /// The name of a Service, by its address.
    Pointer {
        /// The Service.
        service: ServiceRole,
    },
    /// The records of a Service.
    Records {
        /// The Service.
        service: ServiceRole,
    },
    /// What a name leads to that is no Service's full one with ClusterIPs behind it: that of a headless
    /// Service, or a short one.
    Name {
        /// The Service.
        service: ServiceRole,
    },
    /// A Service of the operator's, at its ClusterIP.
    TargetIp {
        /// The Service.
        target: TargetName,
    },
    /// An endpoint of a Service of the operator's, at its own address.
    TargetEndpoint {
        /// The Service.
        target: TargetName,
        /// The pod, where it is one.
        pod: Option<String>,
        /// The node it runs on, where it is known.
        node: Option<String>,
    },
    /// The records of a Service of the operator's.
    TargetRecords {
        /// The Service.
        target: TargetName,
    },
    /// The ClusterIP of the Service whose endpoints change.
    Changing {
        /// What is behind it meanwhile.
        turn: Turn,
    },
    /// The guarded pod on a node, or what it connects to itself, while a NetworkPolicy holds.
    Guarded {
        /// The node.
        node: String,
        /// What holds meanwhile.
        under: PolicyRule,
    },
}

impl Aim {
    /// Whether NetworkPolicies of the run's own decide what becomes of it, so that it says nothing of the
    /// path.
    pub const fn is_guarded(&self) -> bool {
        matches!(self, Self::Guarded { .. })
    }

    /// What is behind the Service whose endpoints change, where it is about that: what becomes of it says
    /// nothing of the path.
    pub const fn turn(&self) -> Option<Turn> {
        match self {
            Self::Changing { turn } => Some(*turn),
            _ => None,
        }
    }

    /// The Service that traffic is sent to.
    pub const fn service(&self) -> Option<&ServiceRole> {
        match self {
            Self::ClusterIp { service }
            | Self::NodePort { service, .. }
            | Self::LoadBalancer { service } => Some(service),
            Self::Backend { .. }
            | Self::Node { .. }
            | Self::HostBackend { .. }
            | Self::ProxyHealth { .. }
            | Self::KubernetesService
            | Self::Outside
            | Self::DnsService
            | Self::DnsPod { .. }
            | Self::Forwarded { .. }
            | Self::Pointer { .. }
            | Self::Name { .. }
            | Self::Proxied { .. }
            | Self::TargetIp { .. }
            | Self::TargetEndpoint { .. }
            | Self::TargetRecords { .. }
            | Self::Changing { .. }
            | Self::Guarded { .. }
            | Self::Records { .. } => None,
        }
    }

    /// The node whose own address is used.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::NodePort { node, .. } | Self::Node { node } => Some(node),
            Self::Backend { .. }
            | Self::ClusterIp { .. }
            | Self::HostBackend { .. }
            | Self::LoadBalancer { .. }
            | Self::ProxyHealth { .. }
            | Self::KubernetesService
            | Self::Outside
            | Self::DnsService
            | Self::DnsPod { .. }
            | Self::Forwarded { .. }
            | Self::Pointer { .. }
            | Self::Name { .. }
            | Self::Proxied { .. }
            | Self::TargetIp { .. }
            | Self::TargetEndpoint { .. }
            | Self::TargetRecords { .. }
            | Self::Changing { .. }
            | Self::Guarded { .. }
            | Self::Records { .. } => None,
        }
    }

    /// The node of the one backend that must answer, where there is only one.
    pub fn backend(&self) -> Option<&str> {
        match (self, self.service()) {
            (Self::Backend { node }, _)
            | (_, Some(ServiceRole::Backend(node) | ServiceRole::Local(node))) => Some(node),
            _ => None,
        }
    }

    /// The Service of the operator's that it has to do with.
    pub const fn target(&self) -> Option<&TargetName> {
        match self {
            Self::TargetIp { target }
            | Self::TargetEndpoint { target, .. }
            | Self::TargetRecords { target } => Some(target),
            _ => None,
        }
    }

    /// Whether a service proxy must know our pods for an answer to come. The cluster's DNS it has
    /// known for long.
    pub const fn needs_proxy(&self) -> bool {
        self.service().is_some()
    }
}
