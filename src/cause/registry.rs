//! The rules in their order, and what they find together.

use super::{
    Cause, CauseRule, Evidence, Judged, address_duplicate, affinity_off, api_server_without_pods,
    backend_filtered, backend_not_listening, both_families, client_address_lost, cluster_ip_dead,
    component_stopped, dns_server_deaf, dns_slow, dns_unreachable, dns_without_names,
    dns_without_records, dns_without_reverse, dns_wrong_records, egress_dead, endpoints_missing,
    forward_filtered, hairpin_off, kube_proxy_not_running, kubernetes_service_dead,
    local_policy_ignored, lossy_path, node_cut_off, node_not_forwarding, node_port_dead,
    node_port_not_masqueraded, node_port_way_back, node_without_internal_ip, node_without_pod_cidr,
    other_primary, outside_without_way, own_pod_routes_missing, path_mtu, pod_network_down,
    pod_route_missing, pods_masqueraded, pods_single_stack, rejections_lost, service_proxy_down,
    service_range_unrouted, services_changed, services_refused, services_single_stack,
    single_stack_cluster, target_listens_on_one_family, tcp_filtered, udp_dropped,
    unexpected_family,
};
use crate::{check::World, probe::ProbeTable};

/// The rules in order: what explains more, or says more of one place, comes first. What one rule
/// has explained isn't explained again by a later one.
pub static REGISTRY: &[&dyn CauseRule] = &[
    &outside_without_way::OutsideWithoutWay,
    &unexpected_family::UnexpectedFamily,
    &single_stack_cluster::SingleStackCluster,
    &services_changed::ServicesChanged,
    &services_refused::ServicesRefused,
    &component_stopped::ComponentStopped,
    &other_primary::OtherPrimary,
    &services_single_stack::ServicesSingleStack,
    &pods_single_stack::PodsSingleStack,
    &node_without_internal_ip::NodeWithoutInternalIp,
    &node_without_pod_cidr::NodeWithoutPodCidr,
    &backend_not_listening::BackendNotListening,
    &backend_filtered::BackendFiltered,
    &target_listens_on_one_family::TargetListensOnOneFamily,
    &address_duplicate::AddressDuplicate,
    &own_pod_routes_missing::OwnPodRoutesMissing,
    &forward_filtered::ForwardFiltered,
    &node_not_forwarding::NodeNotForwarding,
    &node_cut_off::NodeCutOff,
    &pod_network_down::PodNetworkDown,
    &tcp_filtered::TcpFiltered,
    &pod_route_missing::PodRouteMissing,
    &lossy_path::LossyPath,
    &udp_dropped::UdpDropped,
    &path_mtu::PathMtu,
    &pods_masqueraded::PodsMasqueraded,
    &endpoints_missing::EndpointsMissing,
    &kube_proxy_not_running::KubeProxyNotRunning,
    &service_proxy_down::ServiceProxyDown,
    &service_range_unrouted::ServiceRangeUnrouted,
    &cluster_ip_dead::ClusterIpDead,
    &api_server_without_pods::ApiServerWithoutPods,
    &kubernetes_service_dead::KubernetesServiceDead,
    &node_port_not_masqueraded::NodePortNotMasqueraded,
    &node_port_dead::NodePortDead,
    &node_port_way_back::NodePortWayBack,
    &hairpin_off::HairpinOff,
    &affinity_off::AffinityOff,
    &local_policy_ignored::LocalPolicyIgnored,
    &client_address_lost::ClientAddressLost,
    &rejections_lost::RejectionsLost,
    &egress_dead::EgressDead,
    &dns_wrong_records::DnsWrongRecords,
    &dns_without_records::DnsWithoutRecords,
    &dns_without_names::DnsWithoutNames,
    &dns_without_reverse::DnsWithoutReverse,
    &dns_server_deaf::DnsServerDeaf,
    &dns_slow::DnsSlow,
    &dns_unreachable::DnsUnreachable,
];

/// What lies behind the cases that failed or could not be told, in the order of the rules.
pub fn causes(world: World<'_>, judged: &[Judged], probes: &ProbeTable) -> Vec<Cause> {
    let evidence = Evidence::new(world, judged, probes);
    let mut open = evidence.open();
    let mut causes = Vec::new();
    for rule in REGISTRY {
        let mut of_rule = Vec::new();
        for found in rule.find(&evidence) {
            let explains = open.explain(&evidence, &found);
            if explains.is_empty() {
                continue;
            }
            let cause = Cause {
                id: rule.id().to_owned(),
                what: found.what,
                confidence: found.confidence,
                why: rule.why().to_owned(),
                evidence: found.evidence,
                reproduce: found.reproduce,
                fix: found.fix,
                explains,
            };
            both_families::add(&mut of_rule, cause);
        }
        causes.append(&mut of_rule);
    }
    causes
}
