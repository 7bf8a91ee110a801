//! The shapes themselves.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::kind::Shape;
use crate::{
    spec::{ClusterDns, Cni, Family, ProxyMode, Spec},
    version::KubernetesMinor,
};

const V4: Family = Family::V4;
const V6: Family = Family::V6;

/// A shape that every machine can hold and that the suites say all of.
const fn shape(name: &'static str, what: &'static str, change: fn(Spec) -> Spec) -> Shape {
    Shape { name, what, besides: "", cannot_run: "", change }
}

/// The shapes of the default Kubernetes; the first is the default.
pub static SHAPES: &[Shape] = &[
    shape("dual-stack", "both families, IPv4 first", |spec| spec),
    shape("dual-stack-ipv6-primary", "both families, IPv6 first", |spec| {
        spec.with_families(&[V6, V4])
    }),
    shape("single-stack-ipv4", "IPv4 alone, on nodes without an IPv6 address", |spec| {
        spec.with_families(&[V4])
    }),
    shape("single-stack-ipv6", "IPv6 alone, on nodes without an IPv4 address", |spec| {
        spec.with_families(&[V6])
    }),
    Shape {
        besides: "pods reach each other in both families; a Service that asks for IPv6 is refused",
        ..shape("services-ipv4", "Services of IPv4 alone over dual-stack pods and nodes", |spec| {
            services_of(spec, V4)
        })
    },
    Shape {
        besides: "pods reach each other in both families; a Service that asks for IPv4 is refused",
        ..shape("services-ipv6", "Services of IPv6 alone over dual-stack pods and nodes", |spec| {
            services_of(spec, V6)
        })
    },
    Shape {
        besides: "Services are given IPv6 ClusterIPs, behind which there is nobody",
        ..shape("pods-ipv4", "pods of IPv4 alone under dual-stack Services", |spec| {
            pods_of(spec, V4)
        })
    },
    Shape {
        besides: "Services are given IPv4 ClusterIPs, behind which there is nobody",
        ..shape("pods-ipv6", "pods of IPv6 alone under dual-stack Services, IPv6 first", |spec| {
            pods_of(spec.with_families(&[V6, V4]), V6)
        })
    },
    shape(
        "own-cidrs",
        "both families, IPv4 first, in ranges of unusual places and sizes",
        |spec| Spec {
            pod_cidrs: vec![v4(10, 128, 14), v6(0x789a, 48)],
            service_cidrs: vec![v4(100, 64, 20), v6(0x789b, 108)],
            ..spec
        },
    ),
    shape("nftables", "kube-proxy in its mode nftables", |spec| Spec {
        proxy_mode: ProxyMode::Nftables,
        ..spec
    }),
    Shape {
        cannot_run: "kernels without CONFIG_IP_VS: `up` says so and touches nothing",
        ..shape("ipvs", "kube-proxy in its mode ipvs", |spec| Spec {
            proxy_mode: ProxyMode::Ipvs,
            ..spec
        })
    },
    Shape {
        besides: "the DNS Service answers at an address of each family",
        ..shape("dns-dual", "the Service kube-dns of both families", |spec| Spec {
            dns: ClusterDns::Dual,
            ..spec
        })
    },
    shape("three-control-planes", "three control planes behind a TCP balancer", |spec| Spec {
        control_planes: 3,
        ..spec
    }),
    shape("three-control-planes-ipv6", "the same in IPv6 alone", |spec| {
        Spec { control_planes: 3, ..spec }.with_families(&[V6])
    }),
];

/// The default shape in each minor of Kubernetes that can be had, the newest first.
pub static VERSIONS: &[Shape] = &[
    shape("kubernetes-1.37", "the default shape in Kubernetes 1.37", |spec| of_minor(spec, 37)),
    shape("kubernetes-1.36", "the default shape in Kubernetes 1.36", |spec| of_minor(spec, 36)),
    shape("kubernetes-1.35", "the default shape in Kubernetes 1.35", |spec| of_minor(spec, 35)),
    shape("kubernetes-1.34", "the default shape in Kubernetes 1.34", |spec| of_minor(spec, 34)),
];

/// The default shape over each pod network that isn't the testbed's own.
pub static NETWORKS: &[Shape] = &[
    shape("flannel", "flannel's backend vxlan in both families as the pod network", |spec| Spec {
        cni: Cni::Flannel,
        ..spec
    }),
    shape(
        "calico",
        "Calico with VXLAN in both families and its own IPAM as the pod network",
        |spec| Spec { cni: Cni::Calico, ..spec },
    ),
];

fn services_of(mut spec: Spec, family: Family) -> Spec {
    spec.service_cidrs.retain(|range| Family::of_range(range) == family);
    spec
}

fn pods_of(mut spec: Spec, family: Family) -> Spec {
    spec.pod_cidrs.retain(|range| Family::of_range(range) == family);
    spec
}

fn of_minor(spec: Spec, minor: u16) -> Spec {
    Spec { kubernetes: KubernetesMinor::new(minor), ..spec }
}

fn v4(first: u8, second: u8, length: u8) -> IpNet {
    Ipv4Net::new_assert(Ipv4Addr::new(first, second, 0, 0), length).into()
}

/// A range below fd12:3456::/32.
fn v6(third: u16, length: u8) -> IpNet {
    Ipv6Net::new_assert(Ipv6Addr::new(0xfd12, 0x3456, third, 0, 0, 0, 0, 0), length).into()
}
