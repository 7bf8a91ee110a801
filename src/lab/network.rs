//! The lab's network: packets step by step, there and back.

use std::{
    cell::OnceCell,
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use super::{
    Fault, Lab, api_server, changes, dns, egress,
    filters::{self, Way},
    guarded, health, hosts, policies, targets,
};
use crate::{
    fixture::{BACKEND_PORT, Service, ServiceRole, Workload},
    net::IpFamily::{self, V4, V6},
    probe::{Aim, Answer, Attempt, Outcome, Probe, Target, Vantage},
};

/// What a large datagram gets in answer, in bytes.
const LARGE: u32 = 1_400;

/// What a packet must pass.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    /// A node translates a ClusterIP.
    ClusterIp(&'a str),
    /// A node translates a NodePort; from which node the packet comes, unless from outside.
    NodePort { at: &'a str, from: Option<&'a str> },
    /// From a node to a pod on a node.
    ToPod { at: &'a str, to: &'a str },
    /// To a node's own address, from a node or from outside.
    ToNode { from: Option<&'a str>, to: &'a str },
    /// To the outside.
    ToOutside { from: &'a str },
    /// Into nginx.
    Nginx(&'a str),
}

/// The attempts that the prober would make.
pub(super) fn attempts(lab: &Lab, probe: &Probe) -> Vec<Attempt> {
    let wanted = probe.attempts;
    let mut attempts = Vec::new();
    let behind = OnceCell::new();
    let mut seen = BTreeSet::new();
    let mut successes = 0;
    loop {
        let outcome = attempt(lab, probe, attempts.len(), &behind);
        let succeeded = outcome.succeeded();
        if let Outcome::Answered(answer) = &outcome {
            seen.insert(answer.pod.clone());
        }
        attempts.push(Attempt { millis: dns::takes(lab, probe), outcome });
        if succeeded {
            successes += 1;
            let distinct = wanted.distinct <= 1 || seen.len() >= usize::from(wanted.distinct);
            if (successes >= wanted.successes && distinct) || successes > wanted.bound {
                return attempts;
            }
        } else if successes > 0 || attempts.len() >= 3 || is_silence(&probe.target) {
            // After a success no failure is forgiven; before it, settling is over at some time.
            return attempts;
        }
    }
}

/// Whether it is tried once, whatever comes of it.
const fn is_silence(target: &Target) -> bool {
    matches!(target, Target::Unanswered { .. })
}

/// The backends behind the Service that a probe is sent to, once they are known.
type Behind<'a> = OnceCell<Vec<&'a Workload>>;

fn attempt<'a>(lab: &'a Lab, probe: &Probe, turn: usize, behind: &Behind<'a>) -> Outcome {
    let from = match &probe.vantage {
        Vantage::Outside => None,
        Vantage::ApiServer => return api_server::proxied(lab, probe, turn),
        Vantage::Pod { node } | Vantage::HostNetwork { node } | Vantage::Guarded { node } => {
            Some(node.as_str())
        }
        Vantage::DnsPod { pod, .. } => return dns::records(lab, probe, pod),
    };
    if let Some(turn) = probe.aim.turn() {
        return changes::outcome(lab, probe, from.unwrap(), turn);
    }
    if let Aim::Guarded { node, under } = &probe.aim {
        return guarded::outcome(lab, probe, node, *under);
    }
    if probe.aim == Aim::Outside {
        return egress::outcome(lab, probe, from.unwrap());
    }
    if let Some(to) = hosts::target(probe) {
        return hosts::outcome(lab, probe, from.unwrap(), to);
    }
    if matches!(probe.aim, Aim::TargetIp { .. } | Aim::TargetEndpoint { .. }) {
        return targets::outcome(lab, probe, from.unwrap(), turn);
    }
    if turn > 0 && filters::limited(lab, probe) {
        return Outcome::TimedOut;
    }
    match &probe.target {
        Target::Proxied { .. } => panic!("the API server alone asks so"),
        Target::Flow { .. } => panic!("only where endpoints change"),
        Target::Dns { .. } | Target::Pointer { .. } => {
            dns::resolve(lab, probe, from.unwrap(), turn)
        }
        Target::DnsServer { server, .. } => match dns::ask(lab, probe, from.unwrap(), turn, true) {
            Some(error @ Outcome::DnsFailure { .. }) => error,
            Some(Outcome::Refused) => {
                Outcome::DnsFailure { detail: "no server answered: Connection refused".to_owned() }
            }
            Some(_) => Outcome::DnsFailure { detail: format!("no answer from {}", server.ip()) },
            None => Outcome::Replied,
        },
        Target::Tcp { .. } if matches!(probe.aim, Aim::DnsService | Aim::DnsPod { .. }) => {
            dns::ask(lab, probe, from.unwrap(), turn, false).unwrap_or(Outcome::Connected)
        }
        Target::Tcp { .. } if probe.aim == Aim::KubernetesService => {
            api_server::reached(lab, probe, from.unwrap())
        }
        Target::Tcp { address } => {
            let Some(node) = node_at(lab, address.ip()) else { return no_route() };
            let there = [Step::ToNode { from, to: &node }];
            let back = [Step::ToOutside { from: &node }];
            exchange(lab, probe, &there, &back).unwrap_or(Outcome::Connected)
        }
        Target::Http { address, payload } => {
            http(lab, probe, from, *address, *payload, (turn, behind))
        }
        Target::Health { .. } => health::page(lab, probe),
        Target::Closed { .. } => {
            if health::untold(lab, probe) {
                return Outcome::TimedOut;
            }
            let rejected = policies::rejected(lab, probe, from.unwrap());
            let own = from.unwrap();
            let step = match &probe.aim {
                Aim::NodePort { node, .. } => Step::NodePort { at: node, from },
                _ => Step::ClusterIp(own),
            };
            match exchange(lab, probe, &[step], &[]) {
                Some(Outcome::Refused) => Outcome::Rejected,
                lost => lost.unwrap_or(rejected),
            }
        }
        Target::Unanswered { address } => {
            if !policies::local_ignored(lab, probe, from) {
                return Outcome::Silent;
            }
            let outcome = http(lab, probe, from, *address, 0, (turn, behind));
            let accepted = matches!(outcome, Outcome::Answered(_));
            if accepted { Outcome::Connected } else { outcome }.where_unanswered()
        }
        Target::Request { address, size } => {
            let lost = policies::narrow_request(lab, probe, from, *size);
            lost.unwrap_or_else(|| http(lab, probe, from, *address, 0, (turn, behind)))
        }
        Target::Udp { address, size } => {
            // A large datagram has a large answer.
            let payload = if *size < 1_000 { 0 } else { LARGE };
            filters::udp_dropped(lab, probe, from)
                .unwrap_or_else(|| http(lab, probe, from, *address, payload, (turn, behind)))
        }
        Target::Loss { address } => {
            let answer = filters::udp_dropped(lab, probe, from)
                .unwrap_or_else(|| http(lab, probe, from, *address, 0, (turn, behind)));
            match &answer {
                Outcome::Answered(_) => {
                    Outcome::Counted { trains: filters::trains(lab, probe, from) }
                }
                _ => answer,
            }
        }
    }
}

fn http<'a>(
    lab: &'a Lab,
    probe: &Probe,
    from: Option<&str>,
    address: SocketAddr,
    payload: u32,
    (turn, behind): (usize, &Behind<'a>),
) -> Outcome {
    let family = IpFamily::of(address.ip());
    if let Some(own) = from.filter(|_| address.ip().is_loopback()) {
        let off = |fault: &Fault| {
            matches!(fault, Fault::LocalnetOff { at } | Fault::ServiceMasqueradeLost { at, family: V4 }
                if *at == own)
        };
        let node = lab.fixture.nodes.iter().position(|node| node.name == own);
        let Some(node) = node.filter(|_| !lab.faults.iter().any(off)) else {
            return Outcome::TimedOut;
        };
        let address = SocketAddr::new(super::node_ip(node + 1, family), address.port());
        return http(lab, probe, from, address, payload, (turn, behind));
    }
    let service = lab.fixture.services.iter().find(|service| {
        service.cluster_ip(family) == Some(address.ip())
            || balanced(lab, service, address.ip())
            || ([service.node_port(), service.udp_node_port()].contains(&Some(address.port()))
                && address.port() != BACKEND_PORT)
    });
    let backend = match service {
        Some(service) => {
            let behind = behind.get_or_init(|| backends(lab, service, family));
            let turn = policies::turn(lab, service, probe, from, turn);
            (!behind.is_empty()).then(|| behind[turn % behind.len()])
        }
        None => backend_at(lab, address.ip()),
    };
    let Some(backend) = backend.filter(|_| !policies::unknown(lab, service, probe, from)) else {
        return Outcome::Refused;
    };
    if let Some(ServiceRole::Probe(node)) = service.map(|service| &service.role)
        && lab.faults.iter().any(|fault| matches!(fault, Fault::HairpinOff { at } if at == node))
    {
        return Outcome::TimedOut;
    }
    let to = backend.node.as_str();
    let into = Step::Nginx(to);
    let (there, back): (Vec<Step<'_>>, Vec<Step<'_>>);
    let by_node_port = service.is_some_and(|it| {
        it.cluster_ip(family) != Some(address.ip()) && !balanced(lab, it, address.ip())
    });
    let entry = node_at(lab, address.ip()).filter(|_| by_node_port);
    let role = service.map(|service| &service.role);
    let way = Way { probe, from, via: entry.as_deref(), to, service: role };
    if let Some(lost) = filters::outcome(lab, &way) {
        return lost;
    }
    let via;
    match (service, from) {
        (None, Some(from)) => {
            there = vec![Step::ToPod { at: from, to }, into];
            back = vec![Step::ToPod { at: to, to: from }];
        }
        (Some(service), Some(from)) if service.cluster_ip(family) == Some(address.ip()) => {
            there = vec![Step::ClusterIp(from), Step::ToPod { at: from, to }, into];
            back = vec![Step::ToPod { at: to, to: from }];
        }
        (Some(service), from) if balanced(lab, service, address.ip()) => {
            let dead = lab.faults.iter().any(|fault| match fault {
                Fault::LoadBalancerUnrouted { family: broken } => {
                    *broken == family && from.is_none()
                }
                Fault::LoadBalancerUnproxied { at, family: broken } => {
                    *broken == family && from == Some(*at)
                }
                _ => false,
            });
            if dead {
                return Outcome::TimedOut;
            }
            // From outside it enters at the first node.
            let at = from.unwrap_or("n1");
            there = vec![Step::ToPod { at, to }, into];
            back = match from {
                Some(from) => vec![Step::ToPod { at: to, to: from }],
                None => vec![Step::ToNode { from: Some(to), to: at }, Step::ToOutside { from: at }],
            };
        }
        (_, from) => {
            let Some(node) = node_at(lab, address.ip()) else { return no_route() };
            via = node;
            let at = via.as_str();
            there = vec![
                Step::ToNode { from, to: at },
                Step::NodePort { at, from },
                Step::ToPod { at, to },
                into,
            ];
            let answer = Step::ToNode { from: Some(to), to: at };
            let home = match from {
                Some(from) => Step::ToNode { from: Some(at), to: from },
                None => Step::ToOutside { from: at },
            };
            back = vec![answer, home];
        }
    }
    if let Some(outcome) = exchange(lab, probe, &there, &back) {
        return outcome;
    }
    let narrow = lab.faults.iter().any(|fault| match fault {
        Fault::Narrow { from: at, to: far, family: broken } => {
            *broken == family && *at == to && from == Some(*far)
        }
        Fault::NarrowOutside { at, family: broken } => {
            *broken == family
                && from.is_none()
                && node_at(lab, address.ip()).as_deref() == Some(*at)
        }
        _ => false,
    });
    if narrow && policies::too_large(payload) {
        return Outcome::TimedOut;
    }
    let client = policies::client(lab, &way);
    Outcome::Answered(Answer {
        pod: backend.pod.clone().unwrap(),
        server: backend.address(family).unwrap(),
        client,
        payload,
    })
}

/// Whether an address is a load balancer's for a Service.
fn balanced(lab: &Lab, service: &Service, ip: IpAddr) -> bool {
    let asked = lab.fixture.load_balancing.asked();
    service.role == ServiceRole::LoadBalancer && asked.is_some_and(|it| it.ingress.contains(&ip))
}

/// The backend with an address: first where the lab's numbering puts it, and otherwise anywhere.
fn backend_at(lab: &Lab, ip: IpAddr) -> Option<&Workload> {
    let family = IpFamily::of(ip);
    let i = match ip {
        IpAddr::V4(ip) => (244 - i32::from(ip.octets()[1])) * 256 + i32::from(ip.octets()[2]),
        IpAddr::V6(ip) => format!("{:x}", ip.segments()[3]).parse().unwrap_or(0),
    };
    let hint = usize::try_from(i - 1).ok().and_then(|place| lab.fixture.backends.get(place));
    let here = |pod: &&Workload| pod.address(family) == Some(ip);
    hint.filter(here).or_else(|| lab.fixture.backends.iter().find(here))
}

/// The backends among which a Service's turns go round.
fn backends<'a>(lab: &'a Lab, service: &'a Service, family: IpFamily) -> Vec<&'a Workload> {
    let astray = lab.faults.iter().find_map(|fault| match (fault, &service.role) {
        (Fault::WrongBackend { of, to }, ServiceRole::Backend(node)) if node == of => Some(*to),
        _ => None,
    });
    if let Some(to) = astray {
        return lab.fixture.backend_on(to).into_iter().collect();
    }
    let keeps = lab.faults.iter().any(|fault| matches!(fault, Fault::KeepsToOne));
    published(lab, service, family).take(if keeps { 1 } else { usize::MAX }).collect()
}

/// The backends that EndpointSlices name: proxies know nobody else.
pub(super) fn published<'a>(
    lab: &'a Lab,
    service: &'a Service,
    family: IpFamily,
) -> impl Iterator<Item = &'a Workload> {
    let slices = service.slices.iter().flatten();
    let known: BTreeSet<IpAddr> = slices.flat_map(|slice| slice.serves(family)).collect();
    let behind = lab.fixture.backends_of(service, family);
    behind.filter(move |pod| pod.address(family).is_some_and(|ip| known.contains(&ip)))
}

fn no_route() -> Outcome {
    Outcome::Unreachable { detail: "Network is unreachable".to_owned() }
}

fn node_at(lab: &Lab, ip: IpAddr) -> Option<String> {
    let i = match ip {
        IpAddr::V4(ip) => usize::from(ip.octets()[2]) * 256 + usize::from(ip.octets()[3]),
        // Written as a decimal number.
        IpAddr::V6(ip) => format!("{:x}", ip.segments()[7]).parse().ok()?,
    };
    let known = (1..=lab.fixture.nodes.len()).contains(&i);
    let own = known && [V4, V6].into_iter().any(|family| super::node_ip(i, family) == ip);
    own.then(|| format!("n{i}"))
}

/// What the client sees when a packet or its answer doesn't get through; `None` when both do.
pub(super) fn exchange(
    lab: &Lab,
    probe: &Probe,
    there: &[Step<'_>],
    back: &[Step<'_>],
) -> Option<Outcome> {
    let family = probe.family();
    // A node doesn't forward what it sends and gets itself, and what it sends doesn't come in.
    let spared = |fault: &Fault, step: &Step<'_>, answer: bool| match (fault, &probe.vantage) {
        (Fault::NotForwarding { on, .. }, Vantage::HostNetwork { node }) => {
            let comes_in = matches!(step, Step::ToPod { at, to } if at != on && to == on);
            on == node && (answer || !comes_in)
        }
        (Fault::NodePortDropped { at, .. }, Vantage::HostNetwork { node }) => at == node,
        _ => false,
    };
    let breaks = |step: &Step<'_>, answer: bool| {
        let faults = lab.faults.iter().filter(|fault| !spared(fault, step, answer));
        faults.filter_map(|fault| broken(fault, *step, family)).next()
    };
    let sent = there.iter().find_map(|step| breaks(step, false));
    sent.or_else(|| {
        // Whoever loses an answer tells the one who sent it, not the client who waits.
        back.iter().find_map(|step| breaks(step, true)).map(|_| Outcome::TimedOut)
    })
}

pub(super) fn breaks(lab: &Lab, step: Step<'_>, family: IpFamily) -> Option<Outcome> {
    lab.faults.iter().find_map(|fault| broken(fault, step, family))
}

fn broken(fault: &Fault, step: Step<'_>, packet: IpFamily) -> Option<Outcome> {
    let (family, outcome) = match (fault, step) {
        (Fault::NoRoute { at, to, family }, Step::ToPod { at: here, to: there })
            if *at == here && *to == there =>
        {
            (family, no_route())
        }
        (Fault::SilentRoute { at, to, family }, Step::ToPod { at: here, to: there })
            if *at == here && *to == there =>
        {
            (family, Outcome::TimedOut)
        }
        (Fault::NeighbourWrong { at, of, family }, Step::ToPod { at: here, to: there })
            if *at == here && *of == there =>
        {
            (family, Outcome::TimedOut)
        }
        // The answer is lost, where the other one asks.
        (Fault::NeighbourWrong { at, of, family }, Step::ToNode { from, to })
            if (from == Some(*at) && *of == to) || (from == Some(*of) && *at == to) =>
        {
            (family, Outcome::TimedOut)
        }
        (Fault::ClusterIpDropped { at, family }, Step::ClusterIp(here)) if *at == here => {
            (family, Outcome::TimedOut)
        }
        (Fault::NodePortDropped { at, family }, Step::NodePort { at: here, from })
            if *at == here || from == Some(*at) =>
        {
            (family, Outcome::TimedOut)
        }
        (Fault::NodePortRefused { at, family }, Step::NodePort { at: here, .. }) if *at == here => {
            (family, Outcome::Refused)
        }
        (Fault::NodePortFiltered { at, family }, Step::NodePort { at: here, from: None })
            if *at == here =>
        {
            (family, Outcome::TimedOut)
        }
        (Fault::NotListening { on, family }, Step::Nginx(here)) if *on == here => {
            (family, Outcome::Refused)
        }
        (Fault::PodFiltered { on, family }, Step::Nginx(here)) if *on == here => {
            (family, Outcome::TimedOut)
        }
        (Fault::NotForwarding { on, family }, Step::ToPod { at, to }) if *on == at || *on == to => {
            (family, Outcome::TimedOut)
        }
        (Fault::NotForwarding { on, family }, Step::ToNode { from: Some(from), to })
            if *on == from && *on != to =>
        {
            (family, Outcome::TimedOut)
        }
        (Fault::CutOff { node, family }, Step::ToPod { at, to })
            if (*node == at) != (*node == to) =>
        {
            (family, Outcome::TimedOut)
        }
        // What the others send there ends elsewhere, answers too.
        (Fault::AddressTaken { of, family }, Step::ToPod { at, to })
            if (*of == at) != (*of == to) =>
        {
            (family, Outcome::TimedOut)
        }
        (Fault::AddressTaken { of, family }, Step::ToNode { from, to })
            if *of == to && from != Some(*of) =>
        {
            (family, Outcome::TimedOut)
        }
        (Fault::CutOff { node, family }, Step::ToNode { from, to })
            if (Some(*node) == from) != (*node == to) =>
        {
            (family, Outcome::TimedOut)
        }
        (Fault::CutOff { node, family }, Step::ToOutside { from }) if *node == from => {
            (family, Outcome::TimedOut)
        }
        (Fault::NoWayOutside { family }, Step::ToNode { from: None, .. }) => (family, no_route()),
        _ => return None,
    };
    (*family == packet).then_some(outcome)
}
