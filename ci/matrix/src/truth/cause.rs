//! Which causes are the right ones to name for each fault.

use testbed::{fault::Fault, spec::Family};

/// The causes of which one must be named; empty where a fault shows in ways that no one cause is
/// right for.
pub(super) fn right(fault: &Fault) -> &'static [&'static str] {
    match fault {
        Fault::InternalIpMissing(_) => &["node_without_internal_ip"],
        Fault::NodeCidrMissing(_) => &["node_without_pod_cidr", "pods_single_stack"],
        Fault::PodAddressMissing(_) => &["pods_single_stack"],
        Fault::ForwardingOff(_) => &["node_not_forwarding"],
        Fault::RouteMissing(_) | Fault::RoutesMissing(_) => &["pod_route_missing"],
        // The routes lead over the tunnel.
        Fault::FlannelLinkDown(_) | Fault::CalicoTunnelFiltered(_) => &["pod_route_missing"],
        Fault::FlannelLost(_) | Fault::CalicoLost(_) => &["network_agent_not_running"],
        Fault::CalicoPoolDisabled(_) | Fault::CalicoPoolExhausted(_) => &["pods_not_starting"],
        Fault::AddressLost(fault) if fault.family == Family::V6 => &["node_cut_off"],
        Fault::NeighboursDropped(fault) if fault.family == Family::V6 => &["node_cut_off"],
        // By its first address kubelet is reached and reaches the API server: without it the node takes no part, and
        // how long ago that began decides what the Node says of it.
        Fault::AddressLost(_)
        | Fault::NeighboursDropped(_)
        | Fault::LinkDown(_)
        | Fault::NodeFrozen(_) => &["kubelet_not_responding", "node_not_ready"],
        // It goes on by itself.
        Fault::ApiServerPaused(_) => &[],
        Fault::DefaultRouteLost(_) => &["service_range_unrouted"],
        Fault::MtuBlackHole(_) | Fault::LargeAnswersLost(_) => &["path_mtu"],
        Fault::UdpDropped(_) => &["udp_dropped"],
        Fault::OwnRoutesMissing(_) => &["own_pod_routes_missing"],
        Fault::ForwardDropped(_) => &["forward_filtered"],
        Fault::WebPortDropped(_) => &["tcp_filtered"],
        Fault::ServiceMasqueradeLost(_) => &["node_port_not_masqueraded"],
        Fault::LargePacketsOneWay(_) => &["path_mtu"],
        Fault::PacketsLost(_) => &["lossy_path"],
        Fault::ServicePolicy(_) | Fault::ExternalTrafficLocal(_) => &["services_changed"],
        Fault::KubeletStopped(_) => &["node_not_ready"],
        Fault::ControllerManagerStopped(_) | Fault::SchedulerStopped(_) => &["component_stopped"],
        Fault::DnsTransportDropped(_) | Fault::DnsFamilyRefused(_) => {
            &["dns_server_not_responding"]
        }
        Fault::DnsSlow(_) => &["dns_slow"],
        Fault::DnsEndpointsOff(_) => &["dns_without_endpoints"],
        Fault::ClusterDomainWrong(_) => &["search_path_wrong"],
        Fault::DnsReverseMissing(_) => &["dns_without_reverse"],
        Fault::PolicyChangeRefused(_) => &["service_changes_refused"],
        Fault::LoadBalancerOneFamily(_) => &["load_balancer_without_family"],
        Fault::LoadBalancerUnrouted(_) => &["load_balancer_unrouted"],
        Fault::PolicyOneFamily(_) => &["policies_ignored"],
        Fault::HairpinOff(_) => &["hairpin_off"],
        Fault::EgressDropped(_) | Fault::MasqueradeMissing(_) => &["egress_dead"],
        Fault::NginxNotListening(_) => &["backend_not_listening"],
        Fault::PodDropped(_) => &["backend_filtered"],
        Fault::ClusterIpDropped(_) => &["cluster_ip_dead"],
        Fault::KubernetesServiceDropped(_) => &["kubernetes_service_dead"],
        Fault::HostToPodsDropped(_) => &["api_server_without_pods"],
        Fault::NodePortDropped(_) | Fault::NodePortRefused(_) | Fault::NodePortAddresses(_) => {
            &["node_port_dead"]
        }
        Fault::RulesFlushed(_) => &["service_proxy_down"],
        Fault::KubeProxyStopped(_) => &["kube_proxy_not_running"],
        Fault::NodePortInputDropped(_) => &["node_port_input_filtered"],
        Fault::HostPortsDropped(_) => &["host_ports_filtered"],
        Fault::OwnAddressDropped(_) => &["own_address_unreached"],
        Fault::StaleFlows(_) => &["flows_stale"],
        Fault::KubeProxyFamilyFailing(_) => &["kube_proxy_family_unhealthy"],
        // Between two crashes its pod runs.
        Fault::KubeProxyCrashing(_) => &["kube_proxy_not_running", "service_proxy_down"],
        Fault::DnsRecordsFailing(_) => &["dns_records_failing"],
        Fault::NginxHung(_) => &["backend_hung"],
        Fault::AddressDeprecated(_) => &["egress_dead"],
        Fault::DnsRecordMissing(_) => &["dns_without_records"],
        Fault::DnsDown(_) => &["dns_unreachable"],
        Fault::AddressDuplicate(_) => &["address_duplicate"],
        Fault::CertificateWithoutService(_) => &["certificate_without_service"],
        Fault::ConnectionsSlow(_) => &["family_slow"],
        Fault::RouteLocalnetOff(_) => &["loopback_node_ports_closed"],
        Fault::ListenerOneFamily(_) => &["target_listens_on_one_family"],
    }
}

/// The causes that may be named beside a right one: those of a second thing that the fault does as well.
pub(super) const fn beside(fault: &Fault) -> &'static [&'static str] {
    match fault {
        // Its node's new pods lack addresses of a family, so that a policy that is legal shows.
        Fault::ExternalTrafficLocal(_) => &["pods_single_stack"],
        _ => &[],
    }
}
