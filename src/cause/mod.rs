//! Causes: what one fault lies behind many red cases. Pure functions over what was found.
//!
//! A verdict says that a path is dead; a cause says that kube-proxy on one node drops IPv6, and
//! that this explains these eleven cases. One small file per cause, which the
//! registry below puts in order.

mod address_duplicate;
mod affinity_off;
mod api_server_without_pods;
mod backend_filtered;
mod backend_hung;
mod backend_not_listening;
mod both_families;
mod certificate_without_service;
mod client_address_lost;
mod cluster_ip_dead;
mod component_stopped;
mod connections_limited;
mod connections_untracked;
mod diagnostics;
mod distribution;
mod dns_other_domain;
mod dns_port_unpublished;
mod dns_records_failing;
mod dns_server_not_responding;
mod dns_slow;
mod dns_unreachable;
mod dns_without_endpoints;
mod dns_without_names;
mod dns_without_records;
mod dns_without_reverse;
mod dns_wrong_records;
mod egress_dead;
mod endpoints_missing;
mod evidence;
mod family_slow;
mod flows_stale;
mod forward_filtered;
mod gateway_silent;
mod hairpin_off;
mod host_ports_filtered;
mod host_to_pods_filtered;
mod host_without_own_pods;
mod isolation;
mod kube_proxy_family_unhealthy;
mod kube_proxy_not_running;
mod kubelet_not_responding;
mod kubelet_unreached;
mod kubernetes_service_dead;
mod load_balancer_unrouted;
mod load_balancer_without_family;
mod local_policy_ignored;
mod loopback_node_ports_closed;
mod lossy_path;
mod manual_slices_deleted;
mod model;
mod named;
mod neighbour_entry_wrong;
mod network_agent_not_running;
mod node_address_filtered;
mod node_cut_off;
mod node_not_forwarding;
mod node_not_ready;
mod node_port_dead;
mod node_port_input_filtered;
mod node_port_not_masqueraded;
mod node_port_way_back;
mod node_without_internal_ip;
mod node_without_pod_cidr;
mod not_up;
mod open;
mod origin;
mod other_primary;
mod outside_without_way;
mod own_address_unreached;
mod own_backends_lost;
mod own_pod_routes_missing;
mod own_pods_apart;
mod path_mtu;
mod pod_address_lost;
mod pod_gateway_silent;
mod pod_network_down;
mod pod_route_missing;
mod pod_way_missing;
mod pods_masqueraded;
mod pods_not_starting;
mod pods_outside_range;
mod pods_routed_astray;
mod pods_single_stack;
mod policies_ignored;
mod probed;
mod proof;
mod rejections_lost;
mod resolver_wrong;
mod rule;
mod rulesets;
mod search_path_wrong;
mod service_changes_refused;
mod service_proxy_down;
mod service_range_unrouted;
mod services_changed;
mod services_refused;
mod services_single_stack;
mod single_stack_cluster;
mod target_listens_on_one_family;
mod tcp_filtered;
#[cfg(test)]
pub(crate) mod tests;
mod udp_dropped;
mod unexpected_family;
mod unexplained;

pub use evidence::Evidence;
pub use model::{Cause, Confidence, Found, Judged};
pub use named::causes;
pub use rule::CauseRule;
pub use unexplained::telling_facts;

/// The rules in order: what explains more, or says more of one place, comes first. What one rule
/// has explained isn't explained again by a later one.
pub static REGISTRY: &[&dyn CauseRule] = &[
    &gateway_silent::GatewaySilent,
    &outside_without_way::OutsideWithoutWay,
    &unexpected_family::UnexpectedFamily,
    &single_stack_cluster::SingleStackCluster,
    &services_changed::ServicesChanged,
    &services_refused::ServicesRefused,
    &service_changes_refused::ServiceChangesRefused,
    &component_stopped::ComponentStopped,
    &node_not_ready::NodeNotReady,
    &kubelet_not_responding::KubeletNotResponding,
    &kubelet_unreached::KubeletUnreached,
    &network_agent_not_running::NetworkAgentNotRunning,
    &pods_not_starting::PodsNotStarting,
    &other_primary::OtherPrimary,
    &services_single_stack::ServicesSingleStack,
    &pods_single_stack::PodsSingleStack,
    &node_without_internal_ip::NodeWithoutInternalIp,
    &node_without_pod_cidr::NodeWithoutPodCidr,
    &pod_address_lost::PodAddressLost,
    &pod_way_missing::PodWayMissing,
    &pod_gateway_silent::PodGatewaySilent,
    &backend_not_listening::BackendNotListening,
    &backend_hung::BackendHung,
    &backend_filtered::BackendFiltered,
    &target_listens_on_one_family::TargetListensOnOneFamily,
    &address_duplicate::AddressDuplicate,
    &neighbour_entry_wrong::NeighbourEntryWrong,
    &own_pod_routes_missing::OwnPodRoutesMissing,
    &pods_outside_range::PodsOutsideRange,
    &pods_routed_astray::PodsRoutedAstray,
    &forward_filtered::ForwardFiltered,
    &node_not_forwarding::NodeNotForwarding,
    &node_cut_off::NodeCutOff,
    &pod_network_down::PodNetworkDown,
    &connections_limited::ConnectionsLimited,
    &connections_untracked::ConnectionsUntracked,
    &own_pods_apart::OwnPodsApart,
    &tcp_filtered::TcpFiltered,
    &pod_route_missing::PodRouteMissing,
    &lossy_path::LossyPath,
    &udp_dropped::UdpDropped,
    &path_mtu::PathMtu,
    &pods_masqueraded::PodsMasqueraded,
    &endpoints_missing::EndpointsMissing,
    &manual_slices_deleted::ManualSlicesDeleted,
    &kube_proxy_family_unhealthy::KubeProxyFamilyUnhealthy,
    &kube_proxy_not_running::KubeProxyNotRunning,
    &service_proxy_down::ServiceProxyDown,
    &service_range_unrouted::ServiceRangeUnrouted,
    &node_address_filtered::NodeAddressFiltered,
    &host_without_own_pods::HostWithoutOwnPods,
    &own_backends_lost::OwnBackendsLost,
    &cluster_ip_dead::ClusterIpDead,
    &api_server_without_pods::ApiServerWithoutPods,
    &host_to_pods_filtered::HostToPodsFiltered,
    &kubernetes_service_dead::KubernetesServiceDead,
    &certificate_without_service::CertificateWithoutService,
    &node_port_not_masqueraded::NodePortNotMasqueraded,
    &node_port_dead::NodePortDead,
    &node_port_way_back::NodePortWayBack,
    &loopback_node_ports_closed::LoopbackNodePortsClosed,
    &hairpin_off::HairpinOff,
    &affinity_off::AffinityOff,
    &local_policy_ignored::LocalPolicyIgnored,
    &client_address_lost::ClientAddressLost,
    &load_balancer_without_family::LoadBalancerWithoutFamily,
    &load_balancer_unrouted::LoadBalancerUnrouted,
    &node_port_input_filtered::NodePortInputFiltered,
    &host_ports_filtered::HostPortsFiltered,
    &own_address_unreached::OwnAddressUnreached,
    &flows_stale::FlowsStale,
    &rejections_lost::RejectionsLost,
    &egress_dead::EgressDead,
    &policies_ignored::PoliciesIgnored,
    &dns_port_unpublished::DnsPortUnpublished,
    &dns_other_domain::DnsOtherDomain,
    &dns_wrong_records::DnsWrongRecords,
    &dns_without_records::DnsWithoutRecords,
    &dns_records_failing::DnsRecordsFailing,
    &dns_without_names::DnsWithoutNames,
    &dns_without_endpoints::DnsWithoutEndpoints,
    &search_path_wrong::SearchPathWrong,
    &dns_without_reverse::DnsWithoutReverse,
    &dns_server_not_responding::DnsServerNotResponding,
    &dns_slow::DnsSlow,
    &resolver_wrong::ResolverWrong,
    &dns_unreachable::DnsUnreachable,
    &family_slow::FamilySlow,
];
