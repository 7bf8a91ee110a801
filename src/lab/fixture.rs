//! What stands in the lab's cluster.

use std::net::IpAddr;

use super::{each, node_ip};
use crate::{
    fixture::{
        Allocation, Balanced, Change, Fixture, LoadBalancing, Mesh, Port, SelectedNode, Service,
        ServiceRole, Workload, WorkloadState,
    },
    net::IpFamily::{self, V4, V6},
};

/// The fixture on so many nodes of a cluster with these families.
pub(super) fn fixture(nodes: usize, families: &[IpFamily], mesh: Mesh) -> Fixture {
    let pod = |name: String, i: usize, host: usize| {
        let pod_ips = each(families, |family| match family {
            V4 => format!("10.{}.{}.{host}", 244 - i / 256, i % 256),
            V6 => format!("fd00:10:244:{i}::{host}"),
        });
        Workload {
            node: format!("n{i}"),
            pod: Some(name),
            pod_ip: pod_ips.first().map(ToString::to_string),
            pod_ips,
            host_ips: Some(families.iter().map(|&family| node_ip(i, family)).collect()),
            state: WorkloadState::Ready,
        }
    };
    let mut roles = ServiceRole::SHARED.to_vec();
    roles.push(ServiceRole::NoEndpoints);
    let served = || (1..=nodes).map(|i| format!("n{i}")).filter(|node| mesh.serves(node));
    roles.extend(served().map(ServiceRole::Backend));
    roles.extend(served().map(ServiceRole::Probe));
    roles.extend([ServiceRole::Manual, ServiceRole::SessionAffinity, ServiceRole::Sctp]);
    roles.push(ServiceRole::HealthCheck);
    roles.extend(served().map(ServiceRole::Local));
    roles.push(ServiceRole::PolicyChange);
    roles.extend([ServiceRole::LoadBalancer, ServiceRole::ExternalName]);
    roles.extend([ServiceRole::Headless, ServiceRole::HeadlessManual]);
    Fixture {
        run: "ab3de".to_owned(),
        namespace: "dualstack-ab3de".to_owned(),
        nodes: (1..=nodes)
            .map(|i| SelectedNode { name: format!("n{i}"), excluded: None })
            .collect(),
        backends: (1..=nodes).map(|i| pod(format!("nginx-{i}-xyz"), i, 10)).collect(),
        probes: (1..=nodes).map(|i| pod(format!("busybox-{i}"), i, 11)).collect(),
        services: roles
            .into_iter()
            .enumerate()
            .map(|(k, role)| service(k, role, families))
            .collect(),
        mesh: mesh.clone(),
        load_balancing: LoadBalancing::Asked(Balanced {
            provider: Some("the lab's provider".to_owned()),
            ingress: each(families, |family| match family {
                V4 => "198.51.100.1".to_owned(),
                V6 => "fd00:198:51::1".to_owned(),
            }),
            ..Balanced::default()
        }),
        ..Fixture::default()
    }
}

fn cluster_ips_of(k: usize, families: &[IpFamily]) -> Vec<IpAddr> {
    each(families, |family| match family {
        V4 => format!("10.96.1.{k}"),
        V6 => format!("fd00:10:96::1{k:02}"),
    })
}

/// A Service as an API server with these Service ranges makes it.
pub(super) fn service(k: usize, role: ServiceRole, cluster: &[IpFamily]) -> Service {
    let name = match &role {
        ServiceRole::Backend(node) => format!("backend-{}", node.trim_start_matches('n')),
        ServiceRole::Probe(node) => format!("probe-{}", node.trim_start_matches('n')),
        ServiceRole::HostBackend(node) => {
            format!("host-backend-{}", node.trim_start_matches('n'))
        }
        ServiceRole::Local(node) => format!("local-{}", node.trim_start_matches('n')),
        role => role.to_string(),
    };
    let asked = role.requested_families();
    let families = match &role {
        _ if !asked.is_empty() => asked,
        ServiceRole::Default | ServiceRole::PolicyChange => &cluster[..1],
        _ => cluster,
    };
    let refused = families.iter().any(|family| !cluster.contains(family));
    let allocation = if refused {
        let message = format!(
            "Service \"{name}\" is invalid: spec.ipFamilies: Invalid value: not configured on this cluster"
        );
        Allocation::Refused { message }
    } else {
        Allocation::Accepted {
            cluster_ips: match &role {
                ServiceRole::ExternalName | ServiceRole::Headless | ServiceRole::HeadlessManual => {
                    Vec::new()
                }
                _ => cluster_ips_of(k, families),
            },
            ip_families: match &role {
                ServiceRole::ExternalName => Vec::new(),
                _ => families.to_vec(),
            },
            ip_family_policy: match &role {
                ServiceRole::Default
                | ServiceRole::Ipv4
                | ServiceRole::Ipv6
                | ServiceRole::PolicyChange => "SingleStack",
                ServiceRole::RequireDualStackIpv4First | ServiceRole::RequireDualStackIpv6First => {
                    "RequireDualStack"
                }
                _ => "PreferDualStack",
            }
            .to_owned(),
            port: 80,
            node_port: matches!(
                role,
                ServiceRole::NodePort
                    | ServiceRole::NoEndpoints
                    | ServiceRole::SessionAffinity
                    | ServiceRole::Backend(_)
                    | ServiceRole::Local(_)
                    | ServiceRole::Probe(_)
                    | ServiceRole::HostBackend(_)
            )
            .then(|| 30_000 + u16::try_from(k).unwrap()),
        }
    };
    let mut service = Service::new(role, name, allocation);
    match &service.role {
        ServiceRole::SessionAffinity => {
            service.requested.session_affinity = "ClientIP".to_owned();
        }
        ServiceRole::HealthCheck => service.health_check_node_port = Some(32_000),
        ServiceRole::Local(_) => {
            service.requested.internal_traffic_policy = "Local".to_owned();
            service.requested.external_traffic_policy = "Local".to_owned();
        }
        _ => {}
    }
    if service.role == ServiceRole::PolicyChange {
        let ips = cluster_ips_of(k, cluster);
        service.changes = Change::expected(&service.allocation, cluster.to_vec(), ips);
    }
    service.actual = service.requested.clone();
    service.ports = match &service.allocation {
        Allocation::Accepted { port, .. } if service.role == ServiceRole::Sctp => {
            vec![Port { protocol: "SCTP".to_owned(), port: *port, node_port: None }]
        }
        Allocation::Accepted { port, node_port, .. } => [("TCP", 0), ("UDP", 1_000)]
            .map(|(protocol, more)| Port {
                protocol: protocol.to_owned(),
                port: *port,
                node_port: node_port.map(|port| port + more),
            })
            .to_vec(),
        Allocation::Refused { .. } => Vec::new(),
    };
    service
}
