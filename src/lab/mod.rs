//! A make-believe cluster for tests: healthy unless told otherwise, with a network that answers
//! probes packet by packet and knows nothing of how they are judged.

mod api_server;
mod changes;
mod dns;
mod egress;
mod facts;
mod fault;
mod filters;
mod fixture;
mod guarded;
mod health;
mod hosts;
mod network;
mod policies;
mod run;
#[cfg(test)]
mod scale;
mod snapshots;
mod targets;

use std::{collections::BTreeMap, net::IpAddr};

pub(crate) use facts::{facts, node};
pub(crate) use fault::Fault;
pub(crate) use run::Run;

use crate::{
    check::{REGISTRY, Status, World},
    facts::{Fact, Facts, Node},
    fixture::{
        Balanced, Endpoint, Fixture, LoadBalancing, Mesh, MeshChoice, ServiceRole, Slice, Workload,
        WorkloadState,
    },
    net::IpFamily::{self, V4, V6},
    snapshot::RoutingRule,
    suite::Suite,
};

/// The cluster, what is expected of it, and what is broken in its network.
#[derive(Clone, Debug)]
pub(crate) struct Lab {
    pub(crate) facts: Facts,
    pub(crate) fixture: Fixture,
    pub(crate) suite: Suite,
    pub(crate) faults: Vec<Fault>,
    /// Routing rules of nodes, which their snapshots show.
    pub(crate) rules: BTreeMap<String, Vec<RoutingRule>>,
}

impl Lab {
    /// A healthy cluster with these families, the primary one first, under the suite dual-stack.
    pub(crate) fn new(nodes: usize, families: &[IpFamily]) -> Self {
        Self::meshed(nodes, families, MeshChoice::Auto)
    }

    /// The same, with a mesh of one's choice.
    pub(crate) fn meshed(nodes: usize, families: &[IpFamily], choice: MeshChoice) -> Self {
        let known = facts::nodes(nodes, families);
        let names: Vec<&str> = known.iter().map(|node| node.name.as_str()).collect();
        let mesh = Mesh::new(choice, &names, &known).unwrap();
        Self {
            facts: facts(known, families),
            fixture: fixture::fixture(nodes, families, mesh),
            suite: Suite::load("dual-stack").unwrap(),
            faults: Vec::new(),
            rules: BTreeMap::new(),
        }
        .served()
    }

    /// The same cluster with every node trying every other.
    #[must_use]
    pub(crate) fn full(mut self) -> Self {
        self.fixture.mesh = Mesh::default();
        self.served()
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

    /// The same cluster, whose families' times may lie so far apart.
    #[must_use]
    pub(crate) fn within(mut self, gap: &str) -> Self {
        self.suite = self.suite.with_family_gap(Some(gap.parse().unwrap()));
        self
    }

    /// The same cluster, of which only these checks are run.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn only(mut self, checks: &[&str]) -> Self {
        self.suite.checks = checks.iter().map(ToString::to_string).collect();
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
        let families = IpFamily::ALL
            .into_iter()
            .filter(|family| self.fixture.probes.iter().any(|pod| pod.address(*family).is_some()));
        self.fixture.egress = egress::destinations(&self.faults, families);
        let fixture = self.fixture.clone();
        for service in &mut self.fixture.services {
            let families = IpFamily::ALL.into_iter();
            let written = families.filter(|&family| {
                let off = |fault: &Fault| matches!(fault, Fault::NoEndpoints { family: of } if *of == family);
                // Those of host-network pods are the run's own.
                let own = matches!(service.role, ServiceRole::HostBackend(_));
                let deleted = |fault: &Fault| matches!(fault, Fault::ManualDeleted { family: of } if *of == family);
                let off = (!own && self.faults.iter().any(off))
                    || (service.role.is_manual() && self.faults.iter().any(deleted));
                let named = service.role.is_headless() && service.families().contains(&family);
                (service.cluster_ip(family).is_some() || named) && !off
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

    /// What came of the Service that a load balancer is made for.
    pub(crate) fn balanced(&mut self) -> &mut Balanced {
        match &mut self.fixture.load_balancing {
            LoadBalancing::Asked(balanced) => balanced,
            other => panic!("the lab has a load balancer: {other:?}"),
        }
    }

    /// The provider of load balancers has no address of a family.
    pub(crate) fn without_balanced(&mut self, family: IpFamily) {
        let balanced = self.balanced();
        balanced.ingress.retain(|&ip| IpFamily::of(ip) != family);
        balanced.waited_seconds = Some(20);
        balanced.events = vec!["metallb-controller: AllocationFailed: no available IPs".to_owned()];
    }

    /// Both pods of a node.
    pub(crate) fn pods(&mut self, node: &str) -> impl Iterator<Item = &mut Workload> {
        let pods = self.fixture.backends.iter_mut().chain(&mut self.fixture.probes);
        pods.filter(move |pod| pod.node == node)
    }

    /// The cluster with a guarded pod on every node, and the check that puts policies on them.
    #[must_use]
    pub(crate) fn guarded(mut self) -> Self {
        self.fixture.guarded = guarded::pods(&self);
        self.suite.checks.push("policy".to_owned());
        self
    }

    /// The cluster with a pod in the network of every node.
    #[must_use]
    pub(crate) fn with_hosts(mut self) -> Self {
        // Those of the cluster, the primary one first.
        let told = self.fixture.probes[0].host_ips.iter().flatten();
        let families: Vec<IpFamily> = told.map(|&ip| IpFamily::of(ip)).collect();
        let nodes = (1..=self.fixture.nodes.len()).map(|i| (i, format!("n{i}")));
        self.fixture.host_probes = nodes
            .filter_map(|(i, node)| {
                Some(Workload {
                    pod: Some(format!("host-busybox-{i}")),
                    pod_ip: Some(node_ip(i, families[0]).to_string()),
                    pod_ips: families.iter().map(|&family| node_ip(i, family)).collect(),
                    state: WorkloadState::Ready,
                    ..self.fixture.probe_on(&node)?.clone()
                })
            })
            .collect();
        // As the API server gives them to Services that were made before.
        let like = self.fixture.service(&ServiceRole::Manual).map(|it| it.families().to_vec());
        let families = like.filter(|known| !known.is_empty()).unwrap_or(families);
        let served = self.fixture.host_probes.iter().map(|pod| pod.node.clone());
        let served: Vec<String> = served.filter(|node| self.fixture.mesh.serves(node)).collect();
        for node in served {
            let place = self.fixture.services.len();
            let role = ServiceRole::HostBackend(node);
            self.fixture.services.push(fixture::service(place, role, &families));
        }
        self.served()
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
        V4 => format!("192.168.{}.{}", i / 256, i % 256),
        V6 => format!("fd00:192:168::{i}"),
    })
}

#[test]
fn the_lab_is_healthy() {
    for families in [&[V4, V6][..], &[V6, V4]] {
        for nodes in [1, 2, 3, 5] {
            let lab = Lab::new(nodes, families).with_hosts().with_target();
            let run = lab.guarded().with_changes().within("1s").run();
            assert_eq!(run.names(Status::Fail), Vec::<String>::new());
            assert_eq!(run.names(Status::Inconclusive), Vec::<String>::new());
            // Only where there is one backend alone there is no other to be sent to.
            let mut skipped = run.names(Status::Skip);
            skipped.retain(|name| nodes > 1 || !name.starts_with("service::session_affinity/"));
            assert_eq!(skipped, Vec::<String>::new());
            assert_eq!(run.record.causes, []);
            for check in REGISTRY.iter() {
                assert!(run.record.judged.iter().any(|judged| judged.case.check == check.id()));
            }
        }
    }
}
