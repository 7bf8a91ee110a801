//! What the lab's cluster says of itself.

use std::collections::BTreeMap;

use super::{each, node_ip};
use crate::{
    facts::{
        ClusterDns, Cni, DnsPod, Fact, Facts, KubeProxy, KubernetesService, Lease, Node,
        NodeAddress, Places, Pods, ProxyPod, Readiness, Server, ServiceCidr, ServiceSlice,
        Services, Unreserved,
    },
    net::IpFamily::{self, V4, V6},
};

/// So many healthy nodes with these families.
pub(super) fn nodes(count: usize, families: &[IpFamily]) -> Vec<Node> {
    (1..=count).map(|i| numbered(i, families)).collect()
}

fn known<T>(value: T) -> Fact<T> {
    Fact::Known { value, source: "the lab".to_owned() }
}

/// A healthy Linux node that says nothing of its addresses.
pub(crate) fn node(name: &str) -> Node {
    Node {
        name: name.to_owned(),
        pod_cidrs: Vec::new(),
        addresses: Vec::new(),
        ready: Readiness { ready: true, reported: true, ..Readiness::default() },
        unschedulable: false,
        taints: Vec::new(),
        labels: BTreeMap::new(),
        os: "linux".to_owned(),
        kubelet_version: "v1.36.3".to_owned(),
        container_runtime: "containerd://2.3.7".to_owned(),
        is_virtual: false,
        same_kernel_as: None,
        provider_id: None,
        max_pods: Some(110),
        network_annotations: BTreeMap::new(),
    }
}

/// A node of a cluster with these families.
fn numbered(i: usize, families: &[IpFamily]) -> Node {
    Node {
        pod_cidrs: families
            .iter()
            .map(|family| match family {
                V4 => format!("10.{}.{}.0/24", 244 - i / 256, i % 256),
                V6 => format!("fd00:10:244:{i}::/64"),
            })
            .collect(),
        addresses: families
            .iter()
            .map(|&family| NodeAddress {
                kind: "InternalIP".to_owned(),
                address: node_ip(i, family).to_string(),
            })
            .collect(),
        ..node(&format!("n{i}"))
    }
}

fn lease(component: &str) -> Lease {
    Lease {
        component: component.to_owned(),
        holder: Some("n1_4c1".to_owned()),
        silent_seconds: Some(1),
        duration_seconds: 15,
    }
}

/// The API server's Service, which has the primary family alone, whatever the cluster has.
fn kubernetes_service(family: IpFamily) -> KubernetesService {
    let cluster_ips = each(&[family], |family| match family {
        V4 => "10.96.0.1".to_owned(),
        V6 => "fd00:10:96::1".to_owned(),
    });
    KubernetesService {
        certified: known(cluster_ips.clone()),
        cluster_ips,
        port: 443,
        slices: known(vec![ServiceSlice {
            name: "kubernetes".to_owned(),
            family: Some(family),
            endpoints: vec![node_ip(1, family)],
        }]),
    }
}

fn proxy_pod(node: &str) -> ProxyPod {
    ProxyPod {
        name: format!("kube-proxy-{node}"),
        node: Some(node.to_owned()),
        running: true,
        restarts: 0,
        waiting: None,
        ended: None,
    }
}

/// What a healthy cluster with these nodes and families says of itself.
pub(crate) fn facts(nodes: Vec<Node>, families: &[IpFamily]) -> Facts {
    let dns_pod = |name: &str, node: usize| DnsPod {
        namespace: "kube-system".to_owned(),
        name: name.to_owned(),
        node: Some(format!("n{node}")),
        ready: true,
        tcp_port: 53,
        udp_port: 53,
        pod_ips: each(families, |family| match family {
            V4 => format!("10.244.{node}.53"),
            V6 => format!("fd00:10:244:{node}::53"),
        }),
    };
    let second = 2.min(nodes.len());
    let proxy_pods = nodes.iter().map(|node| proxy_pod(&node.name)).collect();
    Facts {
        server: Server {
            context: Some("lab".to_owned()),
            url: "https://192.168.0.1:6443".to_owned(),
            version: "v1.36.3".to_owned(),
        },
        nodes: known(nodes),
        pod_ranges: vec![known(
            ["10.244.0.0/16", "fd00:10:244::/56"]
                .map(|range| range.parse().unwrap())
                .into_iter()
                .filter(|range| families.contains(&IpFamily::of_range(range)))
                .collect(),
        )],
        service_ranges: vec![known(
            ["10.96.0.0/16", "fd00:10:96::/112"]
                .map(|range| range.parse().unwrap())
                .into_iter()
                .filter(|range| families.contains(&IpFamily::of_range(range)))
                .collect(),
        )],
        kube_proxy: known(KubeProxy {
            mode: String::new(),
            cluster_cidrs: Vec::new(),
            node_port_addresses: Vec::new(),
            masquerade_all: Some(false),
            localhost_node_ports: None,
            detect_local_mode: String::new(),
            healthz_bind_address: String::new(),
        }),
        cni: known(Cni { name: "kindnet".to_owned(), version: None }),
        cluster_dns: known(ClusterDns {
            cluster_ips: each(&families[..1], |family| match family {
                V4 => "10.96.0.10".to_owned(),
                V6 => "fd00:10:96::a".to_owned(),
            }),
            pods: vec![dns_pod("coredns-a", 1), dns_pod("coredns-b", second)],
            domain: Some("cluster.local".to_owned()),
            zones: vec!["cluster.local".to_owned()],
            upstreams: Vec::new(),
            unpublished: Vec::new(),
        }),
        service_cidrs: known(vec![ServiceCidr {
            name: "kubernetes".to_owned(),
            cidrs: families
                .iter()
                .map(|family| match family {
                    V4 => "10.96.0.0/16".to_owned(),
                    V6 => "fd00:10:96::/112".to_owned(),
                })
                .collect(),
            ready: true,
            message: String::new(),
        }]),
        services: known(Services::default()),
        unreserved: known(Unreserved::new()),
        kubernetes_service: known(kubernetes_service(families[0])),
        pods: known(Pods::default()),
        leases: known(["kube-controller-manager", "kube-scheduler"].map(lease).to_vec()),
        load_balancer: known("the lab's provider".to_owned()),
        proxy_pods: known(proxy_pods),
        targets: Vec::new(),
        snapshots: Vec::new(),
        inside_pods: Vec::new(),
        gateways: Vec::new(),
        deprecated: Vec::new(),
        diagnostics: Vec::new(),
        places: Places::default(),
        rulesets: Vec::new(),
    }
}
