//! Faults: real ways to break a running cluster, each exactly undone.
//!
//! Every fault is one small file: what it reads before, how it breaks things, how it puts them
//! back, and what becomes of packets and paths meanwhile ([`Fault::outcome`]), which is thought
//! from the network alone and never from what a tool says. What it found is journalled on disk
//! before anything is touched, so that a killed process leaves nothing that can't be undone. Caches
//! (neighbours, connection tracking) are left as the fault leaves them: a real one would. Only
//! where they would hide a fault for half a minute are they emptied.

mod about;
mod address_deprecated;
mod address_duplicate;
mod address_lost;
mod api_server_paused;
mod calico;
mod calico_lost;
mod calico_pool_disabled;
mod calico_pool_exhausted;
mod calico_tunnel_filtered;
mod catalogue;
mod certificate_without_service;
mod cluster_domain_wrong;
mod cluster_ip_dropped;
mod connections_slow;
mod controller_manager_stopped;
mod corefile;
mod daemon_set;
mod default_route_lost;
mod dns_down;
mod dns_endpoints_off;
mod dns_family_refused;
mod dns_record_missing;
mod dns_records_failing;
mod dns_reverse_missing;
mod dns_slow;
mod dns_transport_dropped;
mod egress_dropped;
mod external_traffic_local;
mod filter;
mod flannel;
mod flannel_link_down;
mod flannel_lost;
mod forward_dropped;
mod forwarding_off;
mod hairpin_off;
mod host_ports_dropped;
mod host_to_pods_dropped;
mod internal_ip_missing;
mod journal;
mod json;
mod kind;
mod kube_proxy;
mod kube_proxy_crashing;
mod kube_proxy_family_failing;
mod kube_proxy_stopped;
mod kubectl;
mod kubelet_stopped;
mod kubernetes_service_dropped;
mod large_answers_lost;
mod large_packets_one_way;
mod link;
mod link_down;
mod listener_one_family;
mod load_balancer_one_family;
mod load_balancer_unrouted;
mod masquerade_missing;
mod mtu_black_hole;
mod neighbours;
mod neighbours_dropped;
mod nginx;
mod nginx_hung;
mod nginx_not_listening;
mod node_cidr_missing;
mod node_frozen;
mod node_port_addresses;
mod node_port_dropped;
mod node_port_input_dropped;
mod node_port_refused;
mod own_address_dropped;
mod own_routes_missing;
mod packets_lost;
mod pod_address_missing;
mod pod_dropped;
mod policy;
mod policy_change_refused;
mod policy_one_family;
mod route_localnet_off;
mod route_missing;
mod routes;
mod routes_missing;
mod rules_flushed;
mod ruleset;
mod scheduler_stopped;
mod service_masquerade_lost;
mod service_policy;
mod stale_flows;
mod static_pod;
mod summary;
mod truth;
mod tunnels;
mod udp_dropped;
mod web_port_dropped;

pub use self::{
    about::About,
    address_deprecated::AddressDeprecated,
    address_duplicate::AddressDuplicate,
    address_lost::AddressLost,
    api_server_paused::ApiServerPaused,
    calico_lost::CalicoLost,
    calico_pool_disabled::CalicoPoolDisabled,
    calico_pool_exhausted::CalicoPoolExhausted,
    calico_tunnel_filtered::CalicoTunnelFiltered,
    catalogue::Fault,
    certificate_without_service::CertificateWithoutService,
    cluster_domain_wrong::ClusterDomainWrong,
    cluster_ip_dropped::ClusterIpDropped,
    connections_slow::ConnectionsSlow,
    controller_manager_stopped::ControllerManagerStopped,
    default_route_lost::DefaultRouteLost,
    dns_down::DnsDown,
    dns_endpoints_off::DnsEndpointsOff,
    dns_family_refused::DnsFamilyRefused,
    dns_record_missing::DnsRecordMissing,
    dns_records_failing::DnsRecordsFailing,
    dns_reverse_missing::DnsReverseMissing,
    dns_slow::DnsSlow,
    dns_transport_dropped::DnsTransportDropped,
    egress_dropped::EgressDropped,
    external_traffic_local::ExternalTrafficLocal,
    flannel_link_down::FlannelLinkDown,
    flannel_lost::FlannelLost,
    forward_dropped::ForwardDropped,
    forwarding_off::ForwardingOff,
    hairpin_off::HairpinOff,
    host_ports_dropped::HostPortsDropped,
    host_to_pods_dropped::HostToPodsDropped,
    internal_ip_missing::InternalIpMissing,
    journal::{Active, Injection, active, inject, injected, revert, revert_abandoned, revert_all},
    kind::FaultKind,
    kube_proxy_crashing::KubeProxyCrashing,
    kube_proxy_family_failing::KubeProxyFamilyFailing,
    kube_proxy_stopped::KubeProxyStopped,
    kubelet_stopped::KubeletStopped,
    kubernetes_service_dropped::KubernetesServiceDropped,
    large_answers_lost::LargeAnswersLost,
    large_packets_one_way::LargePacketsOneWay,
    link_down::LinkDown,
    listener_one_family::ListenerOneFamily,
    load_balancer_one_family::LoadBalancerOneFamily,
    load_balancer_unrouted::LoadBalancerUnrouted,
    masquerade_missing::MasqueradeMissing,
    mtu_black_hole::MtuBlackHole,
    neighbours_dropped::NeighboursDropped,
    nginx_hung::NginxHung,
    nginx_not_listening::NginxNotListening,
    node_cidr_missing::NodeCidrMissing,
    node_frozen::NodeFrozen,
    node_port_addresses::NodePortAddresses,
    node_port_dropped::NodePortDropped,
    node_port_input_dropped::NodePortInputDropped,
    node_port_refused::NodePortRefused,
    own_address_dropped::OwnAddressDropped,
    own_routes_missing::OwnRoutesMissing,
    packets_lost::PacketsLost,
    pod_address_missing::PodAddressMissing,
    pod_dropped::PodDropped,
    policy_change_refused::PolicyChangeRefused,
    policy_one_family::PolicyOneFamily,
    route_localnet_off::RouteLocalnetOff,
    route_missing::RouteMissing,
    routes_missing::RoutesMissing,
    rules_flushed::RulesFlushed,
    scheduler_stopped::SchedulerStopped,
    service_masquerade_lost::ServiceMasqueradeLost,
    service_policy::ServicePolicy,
    service_policy::Sets,
    stale_flows::StaleFlows,
    summary::failures,
    udp_dropped::UdpDropped,
    web_port_dropped::WebPortDropped,
};
