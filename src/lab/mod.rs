//! A make-believe cluster for tests: healthy unless told otherwise, with a network that answers
//! probes packet by packet and knows nothing of how they are judged.

mod network;
mod run;

use std::{collections::BTreeMap, net::IpAddr};

pub(crate) use network::Fault;
pub(crate) use run::Run;

use crate::{
    check::{REGISTRY, Status, World},
    facts::{
        ClusterDns, Cni, DnsPod, Fact, Facts, KubeProxy, Node, NodeAddress, Readiness, Server,
    },
    fixture::{
        Allocation, Endpoint, Fixture, SelectedNode, Service, ServiceRole, Slice, Workload,
        WorkloadState,
    },
    net::IpFamily::{self, V4, V6},
    suite::Suite,
};

/// The cluster, what is expected of it, and what is broken in its network.
#[derive(Clone, Debug)]
pub(crate) struct Lab {
    pub(crate) facts: Facts,
    pub(crate) fixture: Fixture,
    pub(crate) suite: Suite,
    pub(crate) faults: Vec<Fault>,
}

impl Lab {
    /// A healthy cluster with these families, the primary one first, under the suite dual-stack.
    pub(crate) fn new(nodes: usize, families: &[IpFamily]) -> Self {
        Self {
            facts: facts(nodes, families),
            fixture: fixture(nodes, families),
            suite: Suite::load("dual-stack").unwrap(),
            faults: Vec::new(),
        }
        .served()
    }

    /// Three nodes, both families, IPv4 first.
    pub(crate) fn dual() -> Self {
        Self::new(3, &[V4, V6])
    }

    #[must_use]
    pub(crate) fn under(mut self, suite: &str) -> Self {
        self.suite = Suite::load(suite).unwrap();
        self
    }

    #[must_use]
    pub(crate) fn with(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self.served()
    }

    /// The cluster after some change to what it says of itself.
    #[must_use]
    pub(crate) fn changed(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self.served()
    }

    /// The cluster after its control plane has written what pods stand behind each Service.
    fn served(mut self) -> Self {
        let fixture = self.fixture.clone();
        for service in &mut self.fixture.services {
            let families = IpFamily::ALL.into_iter();
            let written = families.filter(|&family| {
                let off = |fault: &Fault| matches!(fault, Fault::NoEndpoints { family: of } if *of == family);
                service.cluster_ip(family).is_some() && !self.faults.iter().any(off)
            });
            let slices = written.map(|family| Slice {
                name: format!("{}-{}", service.name, family.slug()),
                family: Some(family),
                endpoints: fixture
                    .backends_of(service, family)
                    .map(|backend| Endpoint {
                        address: backend.address(family).unwrap(),
                        pod: backend.pod.clone(),
                        ready: true,
                    })
                    .collect(),
            });
            service.slices = Some(slices.collect());
        }
        self
    }

    pub(crate) fn node(&mut self, name: &str) -> &mut Node {
        match &mut self.facts.nodes {
            Fact::Known { value, .. } => value.iter_mut().find(|node| node.name == name).unwrap(),
            Fact::Absent { .. } | Fact::Forbidden { .. } => panic!("the lab knows its nodes"),
        }
    }

    /// Both pods of a node.
    pub(crate) fn pods(&mut self, node: &str) -> impl Iterator<Item = &mut Workload> {
        let pods = self.fixture.backends.iter_mut().chain(&mut self.fixture.probes);
        pods.filter(move |pod| pod.node == node)
    }

    pub(crate) fn world(&self) -> World<'_> {
        World { facts: &self.facts, fixture: &self.fixture, suite: &self.suite }
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The addresses of one thing in each of the families.
fn each(families: &[IpFamily], address: impl Fn(IpFamily) -> String) -> Vec<IpAddr> {
    families.iter().map(|&family| ip(&address(family))).collect()
}

pub(crate) fn node_ip(i: usize, family: IpFamily) -> IpAddr {
    ip(&match family {
        V4 => format!("192.168.0.{i}"),
        V6 => format!("fd00:192:168::{i}"),
    })
}

fn known<T>(value: T) -> Fact<T> {
    Fact::Known { value, source: "the lab".to_owned() }
}

fn facts(nodes: usize, families: &[IpFamily]) -> Facts {
    let node = |i: usize| Node {
        name: format!("n{i}"),
        pod_cidrs: families
            .iter()
            .map(|family| match family {
                V4 => format!("10.244.{i}.0/24"),
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
        ready: Readiness { ready: true, reported: true, ..Readiness::default() },
        unschedulable: false,
        taints: Vec::new(),
        labels: BTreeMap::new(),
        os: "linux".to_owned(),
        architecture: "amd64".to_owned(),
        kubelet_version: "v1.36.3".to_owned(),
        kernel_version: "6.18".to_owned(),
        container_runtime: "containerd://2.3.7".to_owned(),
        is_virtual: false,
        provider_id: None,
        network_annotations: BTreeMap::new(),
    };
    let dns_pod = |name: &str, node: usize| DnsPod {
        namespace: "kube-system".to_owned(),
        name: name.to_owned(),
        node: Some(format!("n{node}")),
        ready: true,
        tcp_port: 53,
    };
    Facts {
        server: Server {
            context: Some("lab".to_owned()),
            url: "https://192.168.0.1:6443".to_owned(),
            version: "v1.36.3".to_owned(),
        },
        nodes: known((1..=nodes).map(node).collect()),
        pod_ranges: Vec::new(),
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
        }),
        cni: known(Cni { name: "kindnet".to_owned(), version: None }),
        cluster_dns: known(ClusterDns {
            cluster_ips: each(&families[..1], |family| match family {
                V4 => "10.96.0.10".to_owned(),
                V6 => "fd00:10:96::a".to_owned(),
            }),
            pods: vec![dns_pod("coredns-a", 1), dns_pod("coredns-b", 2.min(nodes))],
            domain: Some("cluster.local".to_owned()),
        }),
    }
}

fn fixture(nodes: usize, families: &[IpFamily]) -> Fixture {
    let pod = |name: String, i: usize, host: usize| {
        let pod_ips = each(families, |family| match family {
            V4 => format!("10.244.{i}.{host}"),
            V6 => format!("fd00:10:244:{i}::{host}"),
        });
        Workload {
            node: format!("n{i}"),
            pod: Some(name),
            pod_ip: pod_ips.first().map(ToString::to_string),
            pod_ips,
            state: WorkloadState::Ready,
        }
    };
    let mut roles = vec![
        ServiceRole::Default,
        ServiceRole::Ipv4,
        ServiceRole::Ipv6,
        ServiceRole::PreferDualStack,
        ServiceRole::RequireDualStackIpv4First,
        ServiceRole::RequireDualStackIpv6First,
        ServiceRole::NodePort,
    ];
    roles.extend((1..=nodes).map(|i| ServiceRole::Backend(format!("n{i}"))));
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
        ..Fixture::default()
    }
}

/// A Service as an API server with these Service ranges makes it.
fn service(k: usize, role: ServiceRole, cluster: &[IpFamily]) -> Service {
    let name = match &role {
        ServiceRole::Backend(node) => format!("backend-{}", node.trim_start_matches('n')),
        role => role.to_string(),
    };
    let asked = role.requested_families();
    let families = match &role {
        _ if !asked.is_empty() => asked,
        ServiceRole::Default => &cluster[..1],
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
            cluster_ips: each(families, |family| match family {
                V4 => format!("10.96.1.{k}"),
                V6 => format!("fd00:10:96::1{k:02}"),
            }),
            ip_families: families.to_vec(),
            ip_family_policy: match &role {
                ServiceRole::Default | ServiceRole::Ipv4 | ServiceRole::Ipv6 => "SingleStack",
                ServiceRole::RequireDualStackIpv4First | ServiceRole::RequireDualStackIpv6First => {
                    "RequireDualStack"
                }
                _ => "PreferDualStack",
            }
            .to_owned(),
            port: 80,
            node_port: matches!(role, ServiceRole::NodePort | ServiceRole::Backend(_))
                .then(|| 30_000 + u16::try_from(k).unwrap()),
        }
    };
    Service::new(role, name, allocation)
}

#[test]
fn the_lab_is_healthy() {
    for families in [&[V4, V6][..], &[V6, V4]] {
        for nodes in [1, 2, 3, 5] {
            let run = Lab::new(nodes, families).run();
            assert_eq!(run.names(Status::Fail), Vec::<String>::new());
            assert_eq!(run.names(Status::Inconclusive), Vec::<String>::new());
            assert_eq!(run.names(Status::Skip), Vec::<String>::new());
            assert_eq!(run.record.causes, []);
            for check in REGISTRY {
                assert!(run.record.judged.iter().any(|judged| judged.case.check == check.id()));
            }
        }
    }
}
