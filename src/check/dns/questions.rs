//! Which DNS servers are asked, from where.

use std::net::{IpAddr, SocketAddr};

use super::{
    asked::{Asked, Server},
    domain, forwarded,
};
use crate::{
    check::{
        Blocked, Planned, Subject, Verdict, World, pairs,
        plan::{self, Source},
        pod, service,
    },
    facts::{ClusterDns, DnsPod},
    net::IpFamily,
    probe::{Aim, Probe, Target},
};

/// How many DNS pods each node asks at most, so that a cluster with many has no more probes than one
/// with few; together the nodes ask all of them.
const EACH: usize = 8;

/// DNS over UDP and TCP at the Service.
const PORT: u16 = 53;

/// The probes of a server from a node, over UDP and TCP.
fn probes(
    world: World<'_>,
    source: &Source<'_>,
    aim: &Aim,
    ip: IpAddr,
    [udp, tcp]: [u16; 2],
) -> [Probe; 2] {
    // Every cluster has this one, and whatever a server says of it, it has answered.
    let name = format!("kubernetes.default.svc.{}.", domain::of(world));
    let server = SocketAddr::new(ip, udp);
    let address = SocketAddr::new(ip, tcp);
    // A datagram may be lost: one answer is enough.
    let attempts = plan::once(world.suite);
    [Target::DnsServer { server, name }, Target::Tcp { address }]
        .map(|target| source.probe(aim.clone(), target, attempts))
}

/// The probes of a DNS pod at its own address, from the nodes that ask it.
fn of_pod(
    world: World<'_>,
    dns: &ClusterDns,
    sources: &[Source<'_>],
    (place, pod): (usize, &DnsPod),
    ip: IpAddr,
) -> Vec<Probe> {
    let aim = Aim::DnsPod { pod: pod.name.clone(), node: pod.node.clone() };
    asking(sources, place, dns.pods.len())
        .filter(|source| source.address(IpFamily::of(ip)).is_ok())
        .flat_map(|source| probes(world, source, &aim, ip, [pod.udp_port, pod.tcp_port]))
        .collect()
}

/// A question to a DNS pod from one node, for others to compare with.
pub(super) fn example(world: World<'_>, pod: &DnsPod) -> Option<Probe> {
    let dns = world.facts.cluster_dns.known()?;
    let place = dns.pods.iter().position(|it| it.name == pod.name)?;
    let sources: Vec<Source<'_>> = plan::pods(world).collect();
    plan::families(world.suite).find_map(|family| {
        of_pod(world, dns, &sources, (place, pod), pod.address(family)?).into_iter().next()
    })
}

/// The questions over UDP of a node to every DNS pod that it asks, for others to compare with.
pub(super) fn asked_from(world: World<'_>, source: &Source<'_>) -> Vec<Probe> {
    let Some(dns) = world.facts.cluster_dns.known() else { return Vec::new() };
    let sources: Vec<Source<'_>> = plan::pods(world).collect();
    let mut all = Vec::new();
    for family in plan::families(world.suite) {
        let ready = dns.pods.iter().enumerate().filter(|(_, pod)| pod.ready);
        let pods = ready.filter_map(|(place, pod)| {
            Some(of_pod(world, dns, &sources, (place, pod), pod.address(family)?))
        });
        all.extend(pods.flatten().filter(|probe| {
            probe.vantage == source.vantage && matches!(probe.target, Target::DnsServer { .. })
        }));
    }
    all
}

/// The nodes that ask the DNS pod of this place among so many: all of them where there are few pods,
/// and otherwise each another [`EACH`].
fn asking<'s, 'a>(
    sources: &'s [Source<'a>],
    place: usize,
    pods: usize,
) -> impl Iterator<Item = &'s Source<'a>> {
    let asks = move |turn: usize| {
        let first = turn * EACH % pods.max(1);
        pods <= EACH || (place + pods - first) % pods < EACH
    };
    sources.iter().enumerate().filter(move |(turn, _)| asks(*turn)).map(|(_, source)| source)
}

/// A DNS pod at its address of this family; `None` where it has none.
pub(super) fn pod_case(
    world: World<'_>,
    dns: &ClusterDns,
    sources: &[Source<'_>],
    (place, pod): (usize, &DnsPod),
    family: IpFamily,
) -> Option<Planned<Asked>> {
    let ip = pod.address(family)?;
    let on = pod.node.clone();
    let subject = Subject::Pod {
        workload: pod.name.clone(),
        node: on.clone().unwrap_or_else(|| "no node".to_owned()),
    };
    if !pod.ready {
        let reason = format!("{} is not Ready, so it gets no queries", pod.name);
        return Some(Planned::settled(subject, family, Verdict::skip(reason)));
    }
    let sources: Vec<Source<'_>> = asking(sources, place, dns.pods.len()).cloned().collect();
    let who = Server::Pod {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        node: pod.node.clone(),
    };
    let case =
        case(world, subject, &sources, who, ip, || of_pod(world, dns, &sources, (0, pod), ip));
    // Where the network doesn't get to that node either, DNS is not at fault.
    let beside = on.and_then(|node| world.fixture.backend_on(&node)).into_iter();
    let beside = beside
        .flat_map(|nginx| sources.iter().filter_map(|from| pod::tcp(world, from, nginx, family)));
    let first = plan::families(world.suite).find(|&it| pod.address(it).is_some());
    let forwarded = first.filter(|&first| first == family);
    let forwarded = forwarded.and_then(|_| forwarded::probe(world, dns, pod, ip, &sources));
    Some(case.beside(&beside.chain(forwarded).collect::<Vec<_>>()))
}

/// The DNS Service at one of its ClusterIPs.
pub(super) fn service_case(
    world: World<'_>,
    dns: &ClusterDns,
    sources: &[Source<'_>],
    ip: IpAddr,
) -> Planned<Asked> {
    let family = IpFamily::of(ip);
    let subject = Subject::Service { name: "kube-dns".to_owned() };
    let case = case(world, subject, sources, Server::Service, ip, || {
        let able = sources.iter().filter(|source| source.address(family).is_ok());
        able.flat_map(|source| probes(world, source, &Aim::DnsService, ip, [PORT; 2])).collect()
    });
    let ready = dns.pods.iter().enumerate().filter(|(_, pod)| pod.ready);
    let pods = ready.filter_map(|(place, pod)| {
        Some(of_pod(world, dns, sources, (place, pod), pod.address(family)?))
    });
    let services = sources.iter().filter_map(|source| {
        service::tcp(world, source, pairs::nearest(world, &source.pod.node), family)
    });
    case.beside(&pods.flatten().chain(services).collect::<Vec<_>>())
}

fn case(
    world: World<'_>,
    subject: Subject,
    sources: &[Source<'_>],
    who: Server,
    ip: IpAddr,
    probes: impl FnOnce() -> Vec<Probe>,
) -> Planned<Asked> {
    let family = IpFamily::of(ip);
    Planned::probing(world, subject, family, || {
        let blocked =
            |source: &Source<'_>| Some((source.pod.node.clone(), source.address(family).err()?));
        let left_out: Vec<(String, Blocked)> = sources.iter().filter_map(blocked).collect();
        if left_out.len() == sources.len()
            && let Some((_, blocked)) = left_out.first()
        {
            return Err(blocked.clone());
        }
        let other = family.other();
        let cluster_ips = world.facts.cluster_dns.known().map(|dns| dns.cluster_ips.as_slice());
        let has = cluster_ips.unwrap_or_default().iter().any(|&ip| IpFamily::of(ip) == other);
        let is_service = matches!(who, Server::Service);
        let wanted = is_service && !has && world.suite.families.contains(&other);
        let lacks = wanted.then_some(other);
        Ok((Asked { who, family, ip, lacks, left_out }, probes()))
    })
}
