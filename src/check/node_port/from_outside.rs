//! `node_port::from_outside`

use std::net::{IpAddr, SocketAddr};

use super::{detail, from_pod, node, probes};
use crate::{
    check::{
        Blocked, Case, Check, Failure, Observations, Stage, Subject, Verdict, World, commands,
        outcome, plan,
        reading::{Kind, Reading, State},
        words,
    },
    facts::Node,
    net::IpFamily,
    probe::{Attempts, Outcome, Probe, Target, Vantage},
    suite::OutsidePolicy,
};

/// The kubelet's port, which every node has: whether it accepts or refuses, the node was reached.
const CONTROL_PORT: u16 = 10_250;

/// Clients outside the cluster reach NodePorts.
#[derive(Debug)]
pub(in crate::check) struct FromOutside;

impl Check for FromOutside {
    fn id(&self) -> &'static str {
        "node_port::from_outside"
    }

    fn summary(&self) -> &'static str {
        "this machine reaches, at every node's address, the NodePorts that lead to the backends of \
         every node"
    }

    fn why(&self) -> &'static str {
        "This is the way of clients and load balancers into the cluster, and IPv6 is the family that \
         goes missing on it: firewalls, routers and security groups have rules of their own for it. \
         Where this machine reaches no node in a family at all, nothing is said of the cluster."
    }

    fn source(&self) -> &'static str {
        "Service type NodePort, kube-proxy's nodePortAddresses; \
         https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport"
    }

    fn stage(&self) -> Stage {
        Stage::Probed
    }

    fn needs(&self) -> &'static [&'static str] {
        &["list nodes"]
    }

    fn plan(&self, world: World<'_>) -> Vec<Case> {
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            let witnesses = witnesses(world, family);
            for to in world.fixture.selected() {
                let planned = node(world, to).and_then(|node| own(world, node, family));
                let (probes, blocked) = match planned {
                    // Nothing is tried and nothing stands in the way: the operator doesn't ask.
                    _ if world.suite.outside == OutsidePolicy::Off => (Vec::new(), None),
                    Ok(own) => {
                        let others = witnesses.iter().filter(|witness| !own.contains(witness));
                        (own.iter().chain(others).cloned().collect(), None)
                    }
                    Err(blocked) => (Vec::new(), Some(blocked)),
                };
                cases.push(Case {
                    check: self.id().to_owned(),
                    subject: Subject::Path { from: "outside".to_owned(), to: to.to_owned() },
                    family: Some(family),
                    probes,
                    blocked,
                });
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, case: &Case, observations: &Observations) -> Verdict {
        let (Subject::Path { to, .. }, Some(family)) = (&case.subject, case.family) else {
            return Verdict::inconclusive("this is no case of a path and a family");
        };
        if world.suite.outside == OutsidePolicy::Off {
            return Verdict::skip("nothing is tried from outside (--outside off)");
        }
        let Ok(node) = node(world, to) else {
            return Verdict::inconclusive(format!("node {to} is not in the facts"));
        };
        let by_address: Vec<Tried<'_>> = addresses(node, family)
            .map(|address| Tried::of(world, case, observations, address))
            .filter(|tried| !tried.probes.is_empty())
            .collect();
        // A node may have an address for the inside and one for the outside: one that works counts.
        let best = by_address
            .iter()
            .find(|tried| tried.all_good())
            .or_else(|| by_address.iter().find(|tried| tried.reached()))
            .or_else(|| by_address.first());
        let Some(best) = best else {
            return Verdict::inconclusive("there is nothing to try");
        };
        let verdict = match detail(&best.readings) {
            None => outcome::unless_unknown(&best.readings),
            Some(detail) => {
                let reaches_a_node = case.probes.iter().any(|probe| {
                    observations.of(probe).is_some_and(|observation| {
                        observation.attempts.iter().any(|attempt| proves_a_way(&attempt.outcome))
                    })
                });
                if reaches_a_node {
                    let failure = from_pod::failure(
                        world,
                        "This machine",
                        to,
                        family,
                        &best.probes,
                        &best.readings,
                    );
                    Verdict::fail(detail, failure)
                } else {
                    no_way(world, family, best)
                }
            }
        };
        verdict.after(outcome::attempts(&best.readings))
    }
}

/// The addresses at which a node may be reached from outside.
fn addresses(node: &Node, family: IpFamily) -> impl Iterator<Item = IpAddr> {
    let external = node
        .addresses
        .iter()
        .filter(|address| address.kind == "ExternalIP")
        .filter_map(|address| address.address.parse().ok())
        .find(|&ip| IpFamily::of(ip) == family);
    node.internal_ips(family).next().into_iter().chain(external)
}

/// The probes that a case is about: every backend's NodePort at every address of the node.
fn own(world: World<'_>, node: &Node, family: IpFamily) -> Result<Vec<Probe>, Blocked> {
    let mut all = Vec::new();
    for address in addresses(node, family) {
        all.extend(probes(world, &Vantage::Outside, address)?);
    }
    if all.is_empty() {
        return Err(Blocked {
            by: Some("node::internal_ips".to_owned()),
            reason: format!("node {} has no {family} address", node.name),
        });
    }
    Ok(all)
}

/// What shows that this machine reaches any node in a family: a connection to the kubelet and one
/// NodePort of each. Every case has them among its probes, so that it can be judged by itself.
fn witnesses(world: World<'_>, family: IpFamily) -> Vec<Probe> {
    let nodes = world.fixture.selected().filter_map(|name| node(world, name).ok());
    nodes
        .flat_map(|node| addresses(node, family))
        .flat_map(|address| {
            let control = Probe {
                vantage: Vantage::Outside,
                target: Target::Tcp { address: SocketAddr::new(address, CONTROL_PORT) },
                // Nodes have been there for long: nothing has to settle.
                attempts: Attempts { settle_ms: 0, ..plan::once(world.suite) },
            };
            let node_port = probes(world, &Vantage::Outside, address).into_iter().flatten().next();
            std::iter::once(control).chain(node_port)
        })
        .collect()
}

/// Whether an outcome proves that packets get to the target and back.
const fn proves_a_way(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Answered(_)
            | Outcome::Connected
            | Outcome::Refused
            | Outcome::Reset
            | Outcome::WrongAnswer { .. }
    )
}

/// What was tried at one address of a node.
struct Tried<'a> {
    address: IpAddr,
    probes: Vec<Probe>,
    readings: Vec<Reading<'a>>,
}

impl<'a> Tried<'a> {
    fn of(world: World<'a>, case: &Case, observations: &'a Observations, address: IpAddr) -> Self {
        let at = |probe: &&Probe| matches!(&probe.target, Target::Http { address: to, .. } if to.ip() == address);
        let probes: Vec<Probe> = case.probes.iter().filter(at).cloned().collect();
        let readings = probes.iter().map(|probe| Reading::of(world, observations, probe)).collect();
        Self { address, probes, readings }
    }

    fn all_good(&self) -> bool {
        self.readings.iter().all(|reading| reading.state == State::Good)
    }

    fn reached(&self) -> bool {
        self.readings
            .iter()
            .flat_map(|reading| reading.attempts)
            .any(|attempt| proves_a_way(&attempt.outcome))
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
