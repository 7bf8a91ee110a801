//! One question about a cluster.

use std::fmt;

use super::{flow::Flow, made::Made};
use crate::spec::Family;

/// One question about a cluster, whose answer is yes in a healthy one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Path {
    /// The Node object has a pod range of the family.
    PodRange {
        /// The node.
        node: String,
        /// The family.
        family: Family,
    },
    /// The Node object has an InternalIP of the family.
    InternalIp {
        /// The node.
        node: String,
        /// The family.
        family: Family,
    },
    /// A pod on the node has an address of the family.
    PodAddress {
        /// The node.
        node: String,
        /// The family.
        family: Family,
        /// When the pod was made.
        made: Made,
    },
    /// The addresses of a pod on the node that is made now are in the order of the cluster's
    /// families.
    PodOrder {
        /// The node.
        node: String,
    },
    /// A connection or an exchange of datagrams.
    Flow(Flow),
    /// A pod of the node learns the address of a Service by its name, however long it takes.
    Name {
        /// The node.
        node: String,
        /// The family of the address: an A or an AAAA record.
        family: Family,
        /// When the pod and the Service were made.
        made: Made,
    },
    /// The same, within a second and a half.
    QuickName {
        /// The node.
        node: String,
        /// The family of the address.
        family: Family,
    },
    /// A pod of the node learns the name of a Service by its address.
    Reverse {
        /// The node.
        node: String,
        /// The family of the address.
        family: Family,
    },
    /// A pod of the node learns the addresses of the pods behind a headless Service.
    Endpoints {
        /// The node.
        node: String,
        /// The family of the records.
        family: Family,
    },
    /// A pod of the node learns the records of a Service by its short name.
    ShortName {
        /// The node.
        node: String,
        /// The family of the records.
        family: Family,
        /// When the pod was made: it keeps the search path that it was given then.
        made: Made,
    },
    /// The DNS servers answer what they are asked over the family at their own addresses.
    DnsOver {
        /// The family that they are asked over.
        family: Family,
    },
    /// The DNS server on the node has the record of a Service that is made now, as seen from
    /// within its own pod.
    DnsRecord {
        /// The node.
        node: String,
        /// The family of the address: an A or an AAAA record.
        family: Family,
    },
    /// The kube-proxy of the node says that it writes the rules of the family.
    ProxyHealth {
        /// The node.
        node: String,
        /// The family.
        family: Family,
    },
    /// What a NetworkPolicy denies to and from a pod of the node is denied. Plain commands don't ask it.
    Policy {
        /// The node.
        node: String,
        /// The family.
        family: Family,
    },
    /// Datagrams of a flow from a pod of the node follow a Service to another backend. Plain commands don't
    /// ask it.
    MovedFlow {
        /// The node.
        node: String,
        /// The family.
        family: Family,
    },
    /// A Service of type LoadBalancer that is made now has an address of the family, which answers. Plain
    /// commands don't ask it.
    LoadBalancer {
        /// The family.
        family: Family,
        /// Whether the client is outside the cluster.
        outside: bool,
    },
    /// A pod of the node is told, if only by a refusal, what becomes of a connection to a port of the NodePort
    /// range at the node that ends at the node itself.
    Untranslated {
        /// The node.
        node: String,
        /// The family.
        family: Family,
    },
    /// The node reaches the NodePort of a server of its own at 127.0.0.1. Plain commands don't ask it.
    LoopbackNodePort {
        /// The node.
        node: String,
    },
    /// An application that somebody runs behind a Service of both families accepts connections over the
    /// family, at its pods and by its Service. Plain commands don't ask it.
    Application {
        /// The family.
        family: Family,
    },
    /// The ipFamilyPolicy of a Service can be changed. Plain commands don't ask it.
    FamilyPolicy,
    /// The API server's certificate is valid for the ClusterIP of its own Service. Plain commands don't ask it.
    Certificate,
    /// The API server answers within a second.
    ApiServer,
}

impl Path {
    /// The flow, if the path is one.
    pub const fn flow(&self) -> Option<&Flow> {
        match self {
            Self::Flow(flow) => Some(flow),
            _ => None,
        }
    }

    /// The family that the path is of; `None` where it is of none.
    pub const fn family(&self) -> Option<Family> {
        match self {
            Self::PodRange { family, .. }
            | Self::InternalIp { family, .. }
            | Self::PodAddress { family, .. }
            | Self::Name { family, .. }
            | Self::QuickName { family, .. }
            | Self::Reverse { family, .. }
            | Self::Endpoints { family, .. }
            | Self::ShortName { family, .. }
            | Self::Policy { family, .. }
            | Self::MovedFlow { family, .. }
            | Self::LoadBalancer { family, .. }
            | Self::Application { family }
            | Self::DnsOver { family }
            | Self::ProxyHealth { family, .. }
            | Self::Untranslated { family, .. }
            | Self::DnsRecord { family, .. } => Some(*family),
            Self::Flow(flow) => Some(flow.family),
            Self::LoopbackNodePort { .. } => Some(Family::V4),
            Self::PodOrder { .. } | Self::FamilyPolicy | Self::Certificate | Self::ApiServer => {
                None
            }
        }
    }

    /// When the pods and the Service of the path were made.
    pub const fn made(&self) -> Made {
        match self {
            Self::PodAddress { made, .. }
            | Self::Name { made, .. }
            | Self::ShortName { made, .. } => *made,
            Self::Flow(flow) => flow.made,
            Self::PodOrder { .. } | Self::DnsRecord { .. } | Self::LoadBalancer { .. } => {
                Made::After
            }
            _ => Made::Before,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PodRange { node, family } => write!(f, "{family} podCIDR of {node}"),
            Self::InternalIp { node, family } => write!(f, "{family} InternalIP of {node}"),
            Self::PodAddress { node, family, .. } => {
                write!(f, "{family} address of a pod on {node}")
            }
            Self::PodOrder { node } => write!(f, "order of a pod's addresses on {node}"),
            Self::Flow(flow) => write!(f, "{flow}"),
            Self::Name { node, family, .. } => write!(f, "{} records on {node}", record(*family)),
            Self::QuickName { node, family } => {
                write!(f, "{} records on {node} within 1.5 s", record(*family))
            }
            Self::Reverse { node, family } => write!(f, "names by {family} addresses on {node}"),
            Self::Endpoints { node, family } => {
                write!(f, "{} records of a headless Service on {node}", record(*family))
            }
            Self::ShortName { node, family, .. } => {
                write!(f, "{} records by a short name on {node}", record(*family))
            }
            Self::DnsOver { family } => write!(f, "DNS servers asked over {family}"),
            Self::DnsRecord { node, family } => {
                write!(f, "{} records of the DNS server on {node}", record(*family))
            }
            Self::ProxyHealth { node, family } => {
                write!(f, "{family} health of kube-proxy on {node}")
            }
            Self::Untranslated { node, family } => {
                write!(f, "{family} answer at an unused NodePort of {node}")
            }
            Self::MovedFlow { node, family } => {
                write!(f, "{family} flows from {node} whose backend changes")
            }
            Self::Policy { node, family } => write!(f, "{family} policies on {node}"),
            Self::LoadBalancer { family, outside } => {
                let from = if *outside { " from outside" } else { "" };
                write!(f, "{family} address of a load balancer{from}")
            }
            Self::LoopbackNodePort { node } => write!(f, "NodePort of {node} at 127.0.0.1"),
            Self::Application { family } => write!(f, "{family} at an application"),
            Self::FamilyPolicy => f.write_str("change of ipFamilyPolicy"),
            Self::Certificate => f.write_str("certificate of the API server"),
            Self::ApiServer => f.write_str("API server"),
        }
    }
}

const fn record(family: Family) -> &'static str {
    match family {
        Family::V4 => "A",
        Family::V6 => "AAAA",
    }
}
