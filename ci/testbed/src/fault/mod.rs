//! Faults: real ways to break a running cluster, each exactly undone.
//!
//! Every fault is one small file: what it looks at before, how it breaks things, how it puts them
//! back, and what a right tool says of it. What it found is journalled on disk before anything is
//! touched, so that a killed process leaves nothing that can't be undone. Caches (neighbours,
//! connection tracking) are left as the fault leaves them: a real one would. Only where they would
//! hide a fault for half a minute are they emptied.

mod about;
mod address_duplicate;
mod address_lost;
mod api_server_paused;
mod catalogue;
mod cluster_ip_dropped;
mod corefile;
mod default_route_lost;
mod dns_down;
mod dns_family_refused;
mod dns_record_missing;
mod dns_slow;
mod external_traffic_local;
mod forwarding_off;
mod hairpin_off;
mod internal_ip_missing;
mod journal;
mod kube_proxy;
mod kube_proxy_crashing;
mod kube_proxy_stopped;
mod kubectl;
mod link;
mod link_down;
mod masquerade_missing;
mod mtu_black_hole;
mod neighbours;
mod neighbours_dropped;
mod nginx_not_listening;
mod node_cidr_missing;
mod node_frozen;
mod node_port_addresses;
mod node_port_dropped;
mod node_port_refused;
mod pod_address_missing;
mod pod_dropped;
mod route_missing;
mod routes;
mod routes_missing;
mod rules_flushed;
mod ruleset;

use serde::{Deserialize as _, Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use self::{
    about::About,
    address_duplicate::AddressDuplicate,
    address_lost::AddressLost,
    api_server_paused::ApiServerPaused,
    catalogue::Fault,
    cluster_ip_dropped::ClusterIpDropped,
    default_route_lost::DefaultRouteLost,
    dns_down::DnsDown,
    dns_family_refused::DnsFamilyRefused,
    dns_record_missing::DnsRecordMissing,
    dns_slow::DnsSlow,
    external_traffic_local::ExternalTrafficLocal,
    forwarding_off::ForwardingOff,
    hairpin_off::HairpinOff,
    internal_ip_missing::InternalIpMissing,
    journal::{Active, Injection, active, inject, injected, revert, revert_abandoned, revert_all},
    kube_proxy_crashing::KubeProxyCrashing,
    kube_proxy_stopped::KubeProxyStopped,
    link_down::LinkDown,
    masquerade_missing::MasqueradeMissing,
    mtu_black_hole::MtuBlackHole,
    neighbours_dropped::NeighboursDropped,
    nginx_not_listening::NginxNotListening,
    node_cidr_missing::NodeCidrMissing,
    node_frozen::NodeFrozen,
    node_port_addresses::NodePortAddresses,
    node_port_dropped::NodePortDropped,
    node_port_refused::NodePortRefused,
    pod_address_missing::PodAddressMissing,
    pod_dropped::PodDropped,
    route_missing::RouteMissing,
    routes_missing::RoutesMissing,
    rules_flushed::RulesFlushed,
};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    spec::Family,
};

/// How one kind of fault works.
pub trait Sabotage: Sized {
    /// What the catalogue says of it.
    const ABOUT: About;

    /// What has to be known of the state before, to put it back.
    type Before: Serialize + DeserializeOwned;

    /// The fault as a test of all faults injects it into a cluster of three nodes: for `None` one
    /// that has no family, else one of the family. `None` where the kind has no such fault.
    fn example(family: Option<Family>) -> Option<Self>;

    /// What is changed, in words that are the same for two faults which would disturb each other.
    fn touches(&self) -> String;

    /// Looks at the state before, and refuses what can't be injected. Changes nothing.
    fn look(&self, cluster: &Cluster) -> Result<Self::Before>;

    /// Breaks it, and returns when it is broken. Doing it twice is doing it once.
    fn inject(&self, cluster: &Cluster, before: &Self::Before) -> Result<()>;

    /// Puts it back, wholly or half injected, and returns when it is back. Doing it twice is doing
    /// it once.
    fn revert(&self, cluster: &Cluster, before: &Self::Before) -> Result<()>;
}

/// [`Sabotage`] with what was before as plain JSON: one type for all kinds of faults.
trait Erased {
    fn about(&self) -> About;
    fn touches(&self) -> String;
    fn look(&self, cluster: &Cluster) -> Result<Value>;
    fn inject(&self, cluster: &Cluster, before: &Value) -> Result<()>;
    fn revert(&self, cluster: &Cluster, before: &Value) -> Result<()>;
}

impl<S: Sabotage> Erased for S {
    fn about(&self) -> About {
        S::ABOUT
    }

    fn touches(&self) -> String {
        Sabotage::touches(self)
    }

    fn look(&self, cluster: &Cluster) -> Result<Value> {
        serde_json::to_value(Sabotage::look(self, cluster)?).map_err(not_understood)
    }

    fn inject(&self, cluster: &Cluster, before: &Value) -> Result<()> {
        let before = S::Before::deserialize(before).map_err(not_understood)?;
        Sabotage::inject(self, cluster, &before)
    }

    fn revert(&self, cluster: &Cluster, before: &Value) -> Result<()> {
        let before = S::Before::deserialize(before).map_err(not_understood)?;
        Sabotage::revert(self, cluster, &before)
    }
}

fn not_understood(error: serde_json::Error) -> Error {
    Error::Format {
        what: "note or understand what was there before a fault".to_owned(),
        reason: error.to_string(),
    }
}

/// Refuses a cluster that has nothing left where one family is taken away.
fn require_both(cluster: &Cluster) -> Result<()> {
    let families = &cluster.record().spec.node_families;
    if families.len() < 2 {
        return Err(Error::Invalid(
            "the cluster has one family alone: without it nothing would be left".to_owned(),
        ));
    }
    Ok(())
}

/// What a command printed as JSON.
fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|e| Error::Format { what: what.to_owned(), reason: e.to_string() })
}
