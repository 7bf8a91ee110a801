//! Faults: real ways to break a running cluster, each exactly undone.
//!
//! Every fault is one small file: what it reads before, how it breaks things, how it puts them
//! back, and what becomes of packets and paths meanwhile ([`Fault::outcome`]), which is thought
//! from the network alone and never from what a tool says. What it found is journalled on disk
//! before anything is touched, so that a killed process leaves nothing that can't be undone. Caches
//! (neighbours, connection tracking) are left as the fault leaves them: a real one would. Only
//! where they would hide a fault for half a minute are they emptied.

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
mod filter;
mod forwarding_off;
mod hairpin_off;
mod internal_ip_missing;
mod journal;
mod json;
mod kind;
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
mod summary;
mod truth;

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
    kind::FaultKind,
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
    summary::failures,
};
