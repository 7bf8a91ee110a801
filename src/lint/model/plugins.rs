//! What network plugins other than Calico are told.

use crate::{
    lint::source::{Edit, Span, Spanned},
    net::IpFamily,
};

use super::{Address, Args, RangeEntry};

/// Cilium's settings, from its Helm values or its ConfigMap.
#[derive(Clone, Debug)]
pub struct Cilium {
    /// Where they begin.
    pub at: Span,
    /// The settings by the names that they have in the ConfigMap `cilium-config`.
    pub settings: Args,
    /// The ranges of its cluster pool.
    pub pools: Vec<RangeEntry>,
    /// Whether they are the ConfigMap's, and no values of the chart.
    pub config_map: bool,
}

/// What Calico announces by BGP, or to whom.
#[derive(Clone, Debug)]
pub enum CalicoBgp {
    /// Services whose addresses are in one of these ranges.
    Services {
        /// The setting's name, such as `serviceClusterIPs`.
        field: &'static str,
        /// The ranges.
        ranges: Vec<RangeEntry>,
    },
    /// A neighbour at an address.
    Peer {
        /// The address, perhaps with a port.
        address: Spanned<String>,
        /// Its family, where it is an address.
        family: Option<IpFamily>,
    },
    /// Neighbours of both families: nodes, by a selector, or those of another daemon than BIRD.
    Selected,
}

/// flannel's `net-conf.json`.
#[derive(Clone, Debug)]
pub struct Flannel {
    /// Where it stands.
    pub at: Span,
    /// Why it is not JSON, and where, if it is not.
    pub broken: Option<Spanned<String>>,
    /// Its fields, in lower case, as its reader ignores the case; `backend.type` among them.
    pub settings: Args,
    /// What puts `EnableIPv6` before `IPv6Network`, where that can be written into the file.
    pub enable: Option<Edit>,
    /// The names of the fields whose value is a text.
    pub texts: Vec<String>,
}

/// kube-router's flags.
#[derive(Clone, Debug)]
pub struct KubeRouter {
    /// Where its command stands.
    pub at: Span,
    /// Its flags.
    pub args: Args,
}

/// Antrea's agent, as far as it concerns Services.
#[derive(Clone, Debug)]
pub struct AntreaAgent {
    /// Where its configuration begins.
    pub at: Span,
    /// Where AntreaProxy is turned off, if it is.
    pub proxy_off: Option<Span>,
    /// `serviceCIDR`.
    pub services: Option<RangeEntry>,
    /// `serviceCIDRv6`.
    pub services_v6: Option<RangeEntry>,
}

/// A CNI network whose IPAM plugin gives Pods addresses of ranges that stand in its configuration.
#[derive(Clone, Debug)]
pub struct CniNetwork {
    /// Where the IPAM plugin's section is.
    pub at: Span,
    /// Whether it is a node's configuration, and so the network of all Pods.
    pub main: bool,
    /// Whether the plugin is host-local, which is stricter than whereabouts.
    pub host_local: bool,
    /// Sets of ranges; a Pod gets an address of each set.
    pub sets: Vec<Vec<CniRange>>,
    /// Where the sets are, if they are ranges and not lists of ranges.
    pub flat: Option<Span>,
    /// The destinations of its routes.
    pub routes: Vec<RangeEntry>,
}

/// A range of a CNI network.
#[derive(Clone, Debug)]
pub struct CniRange {
    /// The range.
    pub subnet: RangeEntry,
    /// The first and the last address of it that are given away, as far as they are set.
    pub ends: Vec<Address>,
}
