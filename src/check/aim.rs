//! What a probe of ours aims at, found again from its target, and who may answer it.

use crate::{
    fixture::{Service, Workload},
    net::IpFamily,
    probe::{BACKEND_PORT, Probe, Target},
};

use super::World;

/// What a probe aims at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim<'a> {
    /// A backend's own address.
    Backend(&'a Workload),
    /// A Service's ClusterIP.
    ClusterIp(&'a Service),
    /// A Service's NodePort at a node.
    NodePort {
        /// The node.
        node: &'a str,
        /// The Service.
        service: &'a Service,
    },
    /// A node itself, to see whether there is a way to it at all.
    Node(&'a str),
    /// The records of a Service.
    Records(&'a Service),
}

impl<'a> Aim<'a> {
    /// What `probe` aims at; `None` where it is nothing in this world.
    pub(crate) fn of(world: World<'a>, probe: &Probe) -> Option<Self> {
        let fixture = world.fixture;
        match &probe.target {
            Target::Http { address, .. } => {
                let (ip, family) = (address.ip(), probe.family());
                let service = fixture
                    .services
                    .iter()
                    .find(|service| service.cluster_ip(family) == Some(ip))
                    .map(Aim::ClusterIp);
                let backend = || {
                    fixture
                        .backends
                        .iter()
                        .filter(|_| address.port() == BACKEND_PORT)
                        .find(|backend| backend.address(family) == Some(ip))
                        .map(Aim::Backend)
                };
                let node_port = || {
                    let node = node_with(world, ip)?;
                    let service = fixture
                        .services
                        .iter()
                        .find(|service| service.node_port() == Some(address.port()))?;
                    Some(Aim::NodePort { node, service })
                };
                service.or_else(backend).or_else(node_port)
            }
            Target::Tcp { address } => node_with(world, address.ip()).map(Aim::Node),
            Target::Dns { name, .. } => {
                let (service, rest) = name.split_once('.')?;
                rest.strip_prefix(fixture.namespace.as_str())?.strip_prefix(".svc.")?;
                fixture.services.iter().find(|known| known.name == service).map(Aim::Records)
            }
        }
    }

    /// The backends that may answer in a family. Empty for what no backend answers.
    pub(crate) fn answerers(&self, world: World<'a>, family: IpFamily) -> Vec<&'a Workload> {
        match self {
            Self::Backend(backend) => vec![backend],
            Self::ClusterIp(service) | Self::NodePort { service, .. } => {
                endpoints(world, service, family)
            }
            Self::Node(_) | Self::Records(_) => Vec::new(),
        }
    }
}

/// The backends behind a Service in a family.
pub(crate) fn endpoints<'a>(
    world: World<'a>,
    service: &Service,
    family: IpFamily,
) -> Vec<&'a Workload> {
    world.fixture.backends_of(service, family).collect()
}

/// The node that has an address.
fn node_with(world: World<'_>, ip: std::net::IpAddr) -> Option<&str> {
    world
        .facts
        .nodes
        .known()?
        .iter()
        .find(|node| node.addresses.iter().any(|known| known.address.parse() == Ok(ip)))
        .map(|node| node.name.as_str())
}
