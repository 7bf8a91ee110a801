//! `node_port::from_outside`

use std::net::{IpAddr, SocketAddr};

use super::{
    from_pod,
    ports::{detail, node, probes},
};
use crate::{
    check::{
        About, Blocked, Check, Failure, Kind, Need, Planned, Promise, Reading, Readings, State,
        Subject, Verdict, World, commands, outcome, pairs::Pairs, plan, words,
    },
    facts::{Node, Source},
    net::IpFamily,
    probe::{Aim, Attempts, Probe, Target, Vantage},
    suite::OutsidePolicy,
};

/// The kubelet's port, which every node has: whether it accepts or refuses, the node was reached.
const CONTROL_PORT: u16 = 10_250;

/// Clients outside the cluster reach NodePorts.
#[derive(Debug)]
pub(in crate::check) struct FromOutside;

/// A way from this machine to a node's NodePorts, in one family.
#[derive(Debug)]
pub(in crate::check) struct WayIn {
    to: String,
    family: IpFamily,
}

impl Check for FromOutside {
    type Subject = WayIn;

    const PROMISE: Promise = Promise {
        id: "node_port::from_outside",
        summary: "this machine reaches, at every node's address, the NodePorts that lead to the backends of \
         every node",
        why: "Clients and load balancers enter the cluster this way, and it is often broken for IPv6 only: \
             firewalls, routers and security groups have separate rules for it. If this machine reaches no node in \
             a family at all, the cluster is not judged.",
        source: "Service type NodePort, kube-proxy's nodePortAddresses; \
         https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport",
        about: About::feature("NodePortFromOutside").titled("NodePort from outside"),
        needs: &[Need::Facts(Source::Nodes)],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<WayIn>> {
        let mut cases = Vec::new();
        let pairs = Pairs::new(world);
        for family in plan::families(world.suite) {
            let some = witnesses(world, family, &pairs, &pairs.sample());
            for to in world.fixture.selected() {
                let subject = Subject::path("outside", to);
                if world.suite.outside == OutsidePolicy::Off {
                    let verdict =
                        Verdict::skip("connections from outside are not tested (--outside off)");
                    cases.push(Planned::settled(subject, family, verdict));
                    continue;
                }
                let case = Planned::probing(world, subject, family, || {
                    let probes = own(world, node(world, to)?, family, &pairs)?;
                    Ok((WayIn { to: to.to_owned(), family }, probes))
                });
                // What tells a node that is gone from one that forwards nothing.
                let own = witnesses(world, family, &pairs, &[to]);
                let more = own.iter().filter(|probe| !some.contains(probe));
                cases.push(case.beside(some.iter().chain(more)));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, way: &WayIn, readings: &Readings<'_>) -> Verdict {
        let WayIn { to, family } = way;
        let by_address = Tried::by_address(&readings.own);
        // A node may have an address for the inside and one for the outside: one that works counts.
        let best = by_address
            .iter()
            .find(|tried| tried.all_good())
            .or_else(|| by_address.iter().find(|tried| tried.reached()))
            .or_else(|| by_address.first());
        let Some(best) = best else {
            return outcome::unless_unknown(&readings.own);
        };
        let Some(detail) = detail(&best.readings) else {
            return outcome::unless_unknown(&best.readings);
        };
        let mut all = readings.own.iter().chain(&readings.witnesses);
        if all.any(Reading::proves_a_way) {
            let failure = from_pod::failure(world, "This machine", to, *family, &best.readings);
            Verdict::fail(detail, failure)
        } else {
            no_way(world, *family, best)
        }
    }
}

/// The addresses at which a node may be reached from outside.
pub(in crate::check) fn addresses(node: &Node, family: IpFamily) -> impl Iterator<Item = IpAddr> {
    let external = node
        .addresses
        .iter()
        .filter(|address| address.kind == "ExternalIP")
        .filter_map(|address| address.address.parse().ok())
        .find(|&ip| IpFamily::of(ip) == family);
    node.internal_ips(family).next().into_iter().chain(external)
}

/// The probes that a case is about: every backend's NodePort at every address of the node.
fn own(
    world: World<'_>,
    node: &Node,
    family: IpFamily,
    pairs: &Pairs<'_>,
) -> Result<Vec<Probe>, Blocked> {
    let mut all = Vec::new();
    for address in addresses(node, family) {
        all.extend(probes(world, &Vantage::Outside, node, address, &pairs.behind(&node.name))?);
    }
    if all.is_empty() {
        return Err(Blocked {
            by: Some("node::internal_ips"),
            reason: format!("node {} has no {family} address", node.name),
        });
    }
    Ok(all)
}

/// What shows that this machine reaches any node in a family: a connection to the kubelet and one
/// NodePort of each, or of a few where nodes are many.
fn witnesses(world: World<'_>, family: IpFamily, pairs: &Pairs<'_>, nodes: &[&str]) -> Vec<Probe> {
    let nodes = nodes.iter().filter_map(|name| node(world, name).ok());
    nodes
        .flat_map(|node| addresses(node, family).map(move |address| (node, address)))
        .flat_map(|(node, address)| {
            let control = Probe {
                vantage: Vantage::Outside,
                aim: Aim::Node { node: node.name.clone() },
                target: Target::Tcp { address: SocketAddr::new(address, CONTROL_PORT) },
                // Nodes have been there for long: nothing has to settle.
                attempts: Attempts { settle_ms: 0, ..plan::once(world.suite) },
            };
            let behind = pairs.behind(&node.name);
            let node_port = probes(world, &Vantage::Outside, node, address, &behind);
            let node_port = node_port.into_iter().flatten().next();
            std::iter::once(control).chain(node_port)
        })
        .collect()
}

/// What was tried at one address of a node.
struct Tried<'a> {
    address: IpAddr,
    readings: Vec<Reading<'a>>,
}

impl<'a> Tried<'a> {
    /// Readings by the address that they are of, in order.
    fn by_address(readings: &[Reading<'a>]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for reading in readings {
            let Some(address) = reading.probe.target.address().map(|to| to.ip()) else { continue };
            let reading = reading.clone();
            match all.iter_mut().find(|tried| tried.address == address) {
                Some(tried) => tried.readings.push(reading),
                None => all.push(Self { address, readings: vec![reading] }),
            }
        }
        all
    }

    fn all_good(&self) -> bool {
        self.readings.iter().all(|reading| reading.state == State::Good)
    }

    fn reached(&self) -> bool {
        self.readings.iter().any(Reading::proves_a_way)
    }
}

/// The verdict where this machine reaches no node in a family.
fn no_way(world: World<'_>, family: IpFamily, tried: &Tried<'_>) -> Verdict {
    let symptom = tried.readings.iter().find_map(Reading::symptom);
    let seen = symptom.map_or("no answer", |symptom| symptom.detail.as_str());
    let detail = format!("this machine reaches no node over {family} ({seen})");
    if world.suite.outside != OutsidePolicy::Required {
        return Verdict::inconclusive(detail);
    }
    let unreachable = symptom.is_some_and(|symptom| symptom.kind == Kind::Unreachable);
    let ip = tried.address;
    let failure = Failure::new(format!(
        "This machine reaches no node of the cluster over {family}: of the NodePorts at {ip}, {}.",
        words::list([seen])
    ))
    .reproduce([
        format!("ip {} route get {ip}", commands::flag(family)),
        format!("curl --noproxy '*' -g -k -m 2 'https://{}/'", SocketAddr::new(ip, CONTROL_PORT)),
    ])
    .fix([
        if unreachable {
            format!(
                "Give this machine an {family} address and a route to the nodes, or run dualstack \
                 where there is one."
            )
        } else {
            format!(
                "Let this machine's {family} packets through to the nodes, or run dualstack where \
                 nothing lies between."
            )
        },
        "With --outside auto these cases are inconclusive instead, with --outside off they are \
         skipped."
            .to_owned(),
    ]);
    Verdict::fail(detail, failure)
}
