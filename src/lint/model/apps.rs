//! What runs in a cluster and has families of its own.

use crate::{
    lint::source::{Span, Spanned},
    net::IpFamily,
};

use super::{Address, RangeEntry};

/// A service mesh's settings that concern families.
#[derive(Clone, Debug)]
pub enum Mesh {
    /// Istio's two switches for dual-stack.
    Istio {
        /// That of the control plane.
        pilot: Switch,
        /// That of the proxies beside Pods.
        proxies: Switch,
    },
    /// Linkerd.
    Linkerd {
        /// `disableIPv6`.
        disable_v6: Spanned<String>,
    },
    /// A service that Istio is told of.
    ServiceEntry {
        /// The addresses and ranges that it is reached at.
        addresses: Vec<Spanned<String>>,
        /// Its endpoints, where they are told as addresses.
        endpoints: Vec<Spanned<String>>,
    },
}

/// A setting that turns something on.
#[derive(Clone, Debug)]
pub struct Switch {
    /// Its name.
    pub name: &'static str,
    /// Its value, if it is set.
    pub set: Option<Spanned<String>>,
}

impl Switch {
    /// Whether it is on.
    pub fn is_on(&self) -> bool {
        self.set.as_ref().is_some_and(|text| text.value.eq_ignore_ascii_case("true"))
    }
}

/// A subnet of Kube-OVN's.
#[derive(Clone, Debug)]
pub struct Subnet {
    /// `cidrBlock`.
    pub cidr: Spanned<String>,
    /// Its ranges.
    pub ranges: Vec<RangeEntry>,
    /// `gateway`.
    pub gateways: Vec<Address>,
}

/// What an ingress controller is told about listening in a family.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The family.
    pub family: IpFamily,
    /// Whether it is not to listen: `true`, at the setting.
    pub off: Spanned<String>,
}

/// What Envoy Gateway is told of the proxies that it makes.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// `ipFamily`.
    pub family: Option<Spanned<String>>,
    /// Where their Service is told to have both families, if it is.
    pub dual_service: Option<Span>,
}
