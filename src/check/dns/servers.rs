//! `dns::servers`

use std::net::{IpAddr, SocketAddr};

use super::{
    domain, forwarded,
    heard::{deaf_over, from, transport},
};
use crate::{
    check::{
        About, Blocked, Check, DnsPlace, Failure, Kind, Need, Planned, Reading, Readings, Stage,
        Subject, Symptom, Verdict, World, commands, outcome, pairs,
        plan::{self, Source},
        pod, remedy, service, words,
    },
    facts::{ClusterDns, DnsPod, Fact, Source as Part},
    net::IpFamily,
    probe::{Aim, Outcome, Probe, Target},
};

/// How many DNS pods each node asks at most, so that a cluster with many has no more probes than one
/// with few; together the nodes ask all of them.
const EACH: usize = 8;

/// DNS over UDP and TCP at the Service.
const PORT: u16 = 53;

/// Answers that all take longer than this are slow: pods wait for it at each name they look up. A
/// healthy server takes some milliseconds, and on a busy machine one of several nodes is quick.
const SLOW: u32 = 1_500;

/// The cluster's DNS answers at all of its addresses.
#[derive(Debug)]
pub(in crate::check) struct Servers;

/// A server that is asked at its address of one family.
#[derive(Debug)]
pub(in crate::check) struct Asked {
    who: Server,
    family: IpFamily,
    ip: IpAddr,
    /// The other family of the suite, where the DNS Service has no ClusterIP of it.
    lacks: Option<IpFamily>,
    /// The nodes from which it could not be asked, with the reason.
    left_out: Vec<(String, Blocked)>,
}

/// Who is asked.
#[derive(Debug)]
enum Server {
    /// The DNS Service.
    Service,
    /// A DNS pod.
    Pod { namespace: String, name: String, node: Option<String> },
}

impl Check for Servers {
    type Subject = Asked;

    fn id(&self) -> &'static str {
        "dns::servers"
    }

    fn summary(&self) -> &'static str {
        "the DNS Service at each of its ClusterIPs, and every DNS pod at each of its addresses, answers \
         pods on every node over UDP and TCP, within 1.5 s"
    }

    fn why(&self) -> &'static str {
        "A resolver asks one server at one address over UDP, and comes back over TCP where the answer \
         doesn't fit. A replica that is deaf in one family or over one transport makes look-ups fail \
         now and then, which is the hardest kind of failure to find."
    }

    fn source(&self) -> &'static str {
        "RFC 1035 and RFC 7766 (DNS over UDP and TCP); \
         https://kubernetes.io/docs/tasks/administer-cluster/dns-debugging-resolution/"
    }

    fn about(&self) -> About {
        About::feature("DNSServers").titled("DNS servers")
    }

    fn stage(&self) -> Stage {
        Stage::Probed
    }

    fn needs(&self) -> &'static [Need] {
        &[Need::Facts(Part::ClusterDns), Need::Exec]
    }

    fn plan(&self, world: World<'_>) -> Vec<Planned<Asked>> {
        let unasked = |verdict: &Verdict| -> Vec<Planned<Asked>> {
            let families = plan::families(world.suite);
            families
                .map(|family| Planned::settled(Subject::Cluster, family, verdict.clone()))
                .collect()
        };
        let dns = match &world.facts.cluster_dns {
            Fact::Known { value, .. } => value,
            Fact::Absent { reason } => {
                return unasked(&Verdict::skip(format!("no DNS server is asked: {reason}")));
            }
            Fact::Forbidden { reason } => {
                let reason = format!("no DNS server is asked: missing permission: {reason}");
                return unasked(&Verdict::inconclusive(reason));
            }
        };
        let sources: Vec<Source<'_>> = plan::pods(world).collect();
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            if let Some(&ip) = dns.cluster_ips.iter().find(|&&ip| IpFamily::of(ip) == family) {
                cases.push(service_case(world, dns, &sources, ip));
            }
            for (place, pod) in dns.pods.iter().enumerate() {
                cases.extend(pod_case(world, dns, &sources, (place, pod), family));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, asked: &Asked, readings: &Readings<'_>) -> Verdict {
        let mut bad: Vec<(&Reading<'_>, &Symptom)> = Vec::new();
        let mut blocked = None;
        for reading in &readings.own {
            match asked.obstacle(reading, &readings.witnesses) {
                Some(obstacle) => blocked = blocked.or(Some(obstacle)),
                None => bad.extend(reading.symptom().map(|symptom| (reading, symptom))),
            }
        }
        if let Some(reason) = asked.away(world)
            && (blocked.is_some() || !bad.is_empty())
        {
            return Verdict::skip(reason);
        }
        if let Some((_, first)) = bad.first() {
            let over = deaf_over(bad.iter().map(|(reading, _)| reading.probe), nodes(readings));
            let detail = format!("deaf over {over}: {}", first.detail);
            return Verdict::fail(detail, asked.failure(world, &bad, &over));
        }
        if let Some(blocked) = blocked {
            return blocked.verdict(world.suite);
        }
        if let Some(unknown) = outcome::unknown(&readings.own) {
            return unknown;
        }
        if let Some(millis) = quickest(&readings.own).filter(|millis| *millis > SLOW) {
            let time = format!("{}.{} s", millis / 1_000, millis % 1_000 / 100);
            return Verdict::fail(
                format!("slow: the quickest answer took {time}"),
                asked.slow(world, readings, &time),
            );
        }
        let doubt = asked.left_out.iter().find(|(_, blocked)| blocked.by.is_none());
        if let Some((_, blocked)) = doubt {
            return blocked.verdict(world.suite);
        }
        Verdict::pass(asked.passed(readings))
    }
}

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

/// Whether no answer came soon.
pub(super) fn is_slow(readings: &[Reading<'_>]) -> bool {
    quickest(readings).is_some_and(|millis| millis > SLOW)
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

fn pod_case(
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
        let reason = format!("{} is not Ready, so nobody asks it", pod.name);
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

fn service_case(
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

/// How many nodes asked.
fn nodes(readings: &Readings<'_>) -> usize {
    let mut nodes: Vec<&str> =
        readings.own.iter().filter_map(|reading| from(reading.probe)).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes.len()
}

/// The time of the quickest answer to a question, in milliseconds.
fn quickest(readings: &[Reading<'_>]) -> Option<u32> {
    let attempts = readings.iter().flat_map(|reading| reading.attempts);
    attempts.filter(|it| it.outcome == Outcome::Replied).map(|it| it.millis).min()
}

impl Asked {
    /// What else explains that a probe went as it did, or makes it a matter of chance.
    fn obstacle(&self, reading: &Reading<'_>, witnesses: &[Reading<'_>]) -> Option<Blocked> {
        let node = from(reading.probe)?;
        let from_here = || witnesses.iter().filter(|witness| from(witness.probe) == Some(node));
        if let Server::Pod { .. } = self.who {
            reading.symptom()?;
            // A nginx that refuses has been reached.
            let lost = from_here().find(|witness| !witness.proves_a_way())?;
            let symptom = lost.symptom()?;
            let reason =
                format!("from {node} pods on its node aren't reached ({})", symptom.detail);
            return Some(Blocked { by: Some("pod::reachable"), reason });
        }
        // Which replica answers at the ClusterIP is chance: where one of them is deaf, so is the answer.
        let is_deaf = |witness: &&Reading<'_>| {
            matches!(witness.probe.aim, Aim::DnsPod { .. })
                && transport(witness.probe) == transport(reading.probe)
                && witness.symptom().is_some()
        };
        if let Some(deaf) = from_here().find(is_deaf) {
            let pod = match &deaf.probe.aim {
                Aim::DnsPod { pod, .. } => pod.as_str(),
                _ => "a DNS pod",
            };
            let over = transport(reading.probe);
            let reason = format!("{pod} doesn't answer over {over} from {node} at its own address");
            return Some(Blocked { by: Some("dns::servers"), reason });
        }
        reading.symptom()?;
        let services = from_here().filter(|it| matches!(it.probe.aim, Aim::ClusterIp { .. }));
        let symptom = services.filter_map(Reading::symptom).next()?;
        let reason = format!("ClusterIPs don't work from {node} ({})", symptom.detail);
        Some(Blocked { by: Some("service::cluster_ip_reachable"), reason })
    }

    /// Why nothing can be said, where the pods were replaced while they were asked.
    fn away(&self, world: World<'_>) -> Option<String> {
        let away = &world.fixture.dns_away;
        let gone = match &self.who {
            Server::Pod { name, .. } => away.iter().find(|it| *it == name),
            Server::Service => away.first(),
        };
        gone.map(|pod| format!("{pod} was replaced or not Ready while the run went on"))
    }

    fn passed(&self, readings: &Readings<'_>) -> String {
        let count = words::count(nodes(readings), "node");
        let time = quickest(&readings.own)
            .map_or_else(String::new, |millis| format!(", at best in {millis} ms"));
        let left_out = self.left_out.first().map_or_else(String::new, |(_, blocked)| {
            format!("; {} left out: {}", words::count(self.left_out.len(), "node"), blocked.reason)
        });
        let other =
            self.lacks.map_or_else(String::new, |family| format!("; it has no {family} ClusterIP"));
        format!("answers {count}{time}{left_out}{other}")
    }

    fn name(&self) -> String {
        let Self { family, ip, .. } = self;
        match &self.who {
            Server::Service => format!("The DNS Service at its {family} ClusterIP {ip}"),
            Server::Pod { name, node: Some(node), .. } => {
                format!("The DNS pod {name} on node {node} at its {family} address {ip}")
            }
            Server::Pod { name, .. } => format!("The DNS pod {name} at its {family} address {ip}"),
        }
    }

    fn look(&self, world: World<'_>) -> Vec<String> {
        let place = DnsPlace::of(world);
        match &self.who {
            Server::Service => vec![place.service(), place.slices()],
            Server::Pod { namespace, name, .. } => {
                vec![format!("kubectl -n {namespace} get pod {name} -o wide")]
            }
        }
    }

    fn failure(&self, world: World<'_>, bad: &[(&Reading<'_>, &Symptom)], over: &str) -> Failure {
        let seen = bad.first().map_or("nothing", |(_, symptom)| symptom.detail.as_str());
        let instead = match self.who {
            Server::Service => ", though its pods answer there at their own addresses",
            Server::Pod { .. } => "",
        };
        Failure::new(format!("{} does not answer over {over}{instead}: {seen}.", self.name()))
            .reproduce(commands::repeat(world, bad.iter().map(|(reading, _)| reading.probe)))
            .reproduce(self.look(world))
            .fix(self.fix(bad))
    }

    fn fix(&self, bad: &[(&Reading<'_>, &Symptom)]) -> Vec<String> {
        let family = self.family;
        let over = |wanted| bad.iter().any(|(reading, _)| transport(reading.probe) == wanted);
        let refused = bad.iter().all(|(_, symptom)| {
            symptom.kind == Kind::Refused || symptom.detail.contains("refused")
        });
        let place = match &self.who {
            Server::Pod { node: Some(node), .. } => format!("on node {node}"),
            _ => "on the nodes of the DNS pods".to_owned(),
        };
        let look = match &self.who {
            Server::Pod { node: Some(node), .. } => {
                format!(" (`{}`)", commands::on_node_as_root(node, "nft list ruleset"))
            }
            _ => String::new(),
        };
        let first = match (&self.who, over("UDP"), over("TCP")) {
            (Server::Service, ..) => {
                "See that the Service has both ports (53/UDP and 53/TCP) and that its EndpointSlices of \
                 this family name the DNS pods; then look for rules that match its ClusterIP alone."
                    .to_owned()
            }
            _ if refused => format!(
                "Refused means that nothing listens there over {family}: look in the Corefile for `bind` \
                 with addresses of one family, and take it out."
            ),
            (_, true, false) => format!(
                "Look {place} for a rule that drops UDP port 53 over {family}{look}, and for a \
                 NetworkPolicy that lets TCP alone to the DNS pods."
            ),
            (_, false, true) => format!(
                "Look {place} for a rule that drops TCP port 53 over {family}{look}, and for a \
                 NetworkPolicy that lets UDP alone to the DNS pods: both are needed."
            ),
            _ => format!(
                "Look for a NetworkPolicy that selects the DNS pods and lets in addresses of one family \
                 alone, and {place} for a rule that drops port 53 over {family}{look}."
            ),
        };
        let then = match &self.who {
            Server::Pod { namespace, name, .. } => format!(
                "If there is none, read the pod's log and replace it: `kubectl -n {namespace} delete \
                 pod {name}`."
            ),
            Server::Service => {
                "If there are none, restart kube-proxy on a node from which it is not answered."
                    .to_owned()
            }
        };
        vec![first, then]
    }

    fn slow(&self, world: World<'_>, readings: &Readings<'_>, time: &str) -> Failure {
        let asked = readings.own.iter().map(|reading| reading.probe);
        let asked = asked.filter(|probe| matches!(probe.target, Target::DnsServer { .. }));
        Failure::new(format!(
            "{} answers, but the quickest answer to any node took {time}: each look-up of a pod waits \
             as long.",
            self.name()
        ))
        .reproduce(commands::repeat(world, asked.take(1)))
        .reproduce([DnsPlace::of(world).configuration()])
        .reproduce(self.look(world))
        .fix(remedy::slow_dns(world))
    }
}
