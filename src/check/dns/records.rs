//! `dns::records`

use super::{domain, questions, servers::is_slow};
use crate::{
    check::{
        About, Blocked, COREFILE_SOURCE, Check, DnsPlace, Failure, Kind, Need, Planned, Promise,
        Reading, Readings, Subject, Symptom, Verdict, World, commands, outcome, plan, words,
    },
    facts::{DnsPod, Fact, Source},
    fixture::{Allocation, Service, ServiceRole},
    net::IpFamily,
    probe::{Aim, Attempts, Probe, Target, Vantage},
};

/// DNS has the records that Services have ClusterIPs for.
#[derive(Debug)]
pub(in crate::check) struct Records;

/// Somebody who answers, asked for the records of one family.
#[derive(Debug)]
pub(in crate::check) struct Asked {
    who: Server,
    family: IpFamily,
}

/// Who is asked.
#[derive(Debug)]
enum Server {
    /// The cluster's DNS, from a pod on this node.
    Cluster { from: String },
    /// A DNS pod itself.
    Pod { name: String, node: String },
}

impl Check for Records {
    type Subject = Asked;

    const PROMISE: Promise = Promise {
        id: "dns::records",
        summary: "every Service's A and AAAA records are its ClusterIPs, those of an ExternalName are its \
                  target's, and queries for a family that it lacks get no records, asked from a pod on every \
                  node and from every DNS pod",
        why: "Clients learn families only from DNS: without its AAAA record a dual-stack Service is IPv4-only \
              to everyone. For a Service of one family, DNS must return no records in the other one, but never \
              NXDOMAIN, which tells resolvers that the name doesn't exist in any family.",
        source: "Kubernetes DNS-Based Service Discovery specification, 2.3.1; RFC 2308 (NODATA and \
         NXDOMAIN); https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/",
        about: About::core().titled("DNS"),
        knows_groups: true,
        needs: &[Need::Facts(Source::ClusterDns), Need::Exec, Need::ForwardToDns],
        ..Promise::DEFAULT
    };

    // The family is that of the records; over which one is asked, they don't say.
    fn plan(&self, world: World<'_>) -> Vec<Planned<Asked>> {
        let mut cases = Vec::new();
        for family in IpFamily::ALL {
            for source in plan::pods(world) {
                let from = source.label.clone();
                let subject = Subject::path(&from, "DNS");
                cases.push(Planned::probing(world, subject, family, || {
                    source.up()?;
                    let attempts = plan::single(world.suite);
                    let probes = questions(world, family, &source.vantage, attempts)?;
                    Ok((Asked { who: Server::Cluster { from }, family }, probes))
                }));
            }
            let unasked = |verdict| Planned::settled(Subject::Cluster, family, verdict);
            match &world.facts.cluster_dns {
                Fact::Known { value, .. } => {
                    cases.extend(value.pods.iter().map(|pod| pod_case(world, family, pod)));
                }
                Fact::Absent { reason } => {
                    let reason = format!("no DNS pod is queried: {reason}");
                    cases.push(unasked(Verdict::skip(reason)));
                }
                Fact::Forbidden { reason } => {
                    let reason = format!("no DNS pod is queried: missing permission: {reason}");
                    cases.push(unasked(Verdict::inconclusive(reason)));
                }
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, asked: &Asked, readings: &Readings<'_>) -> Verdict {
        let slow = is_slow(&readings.witnesses);
        let readings = readings.own.as_slice();
        let bad: Vec<_> = outcome::bad(readings).collect();
        let unknown = outcome::unknown(readings);
        if let Server::Pod { name, .. } = &asked.who
            && world.fixture.dns_away.contains(name)
            && (unknown.is_some() || !bad.is_empty())
        {
            return Verdict::skip(format!("{name} was replaced or not Ready during the run"));
        }
        // Over one connection a server answers one question after the other.
        if let (Server::Pod { name, .. }, Some(_), []) = (&asked.who, &unknown, bad.as_slice())
            && slow
        {
            let reason = format!("{name} answers too slowly to query all names");
            return Blocked { by: Some("dns::servers"), reason }.verdict(world.suite);
        }
        let Some((_, first)) = bad.first() else {
            return unknown.unwrap_or_else(|| {
                Verdict::pass(format!("{} correct", words::count(readings.len(), "name")))
            });
        };
        // Where every name is unknown, the domain that we had to guess may be another one.
        let all_unknown = bad.len() == readings.len()
            && bad.iter().all(|(_, symptom)| symptom.kind == Kind::NoSuchName);
        if all_unknown && domain::known(world).is_none() {
            return Verdict::inconclusive(format!(
                "no name is known under {}, and the cluster's domain could not be read",
                domain::DEFAULT
            ));
        }
        let services: Vec<String> =
            bad.iter().map(|(reading, _)| service_name(world, reading)).collect();
        let detail = match services.as_slice() {
            [service] => format!("{service}: {}", first.detail),
            _ => outcome::share(bad.len(), readings.len(), "name", &first.detail),
        };
        Verdict::fail(detail, asked.failure(world, &bad, first, &services))
    }
}

/// The case of a DNS pod that is asked itself.
fn pod_case(world: World<'_>, family: IpFamily, pod: &DnsPod) -> Planned<Asked> {
    let DnsPod { namespace, name, ready, tcp_port: port, .. } = pod;
    let node = pod.node.clone().unwrap_or_else(|| "no node".to_owned());
    let subject = Subject::Pod { workload: name.clone(), node: node.clone() };
    if !ready {
        let reason = format!("{name} is not Ready, so it gets no queries");
        return Planned::settled(subject, family, Verdict::skip(reason));
    }
    let case = Planned::probing(world, subject, family, || {
        let (namespace, pod) = (namespace.clone(), name.clone());
        let vantage = Vantage::DnsPod { namespace, pod, port: *port };
        // One server, asked directly, says the same each time.
        let probes = questions(world, family, &vantage, plan::once(world.suite))?;
        Ok((Asked { who: Server::Pod { name: name.clone(), node }, family }, probes))
    });
    case.beside(&questions::example(world, pod))
}

/// Questions for the records of a family of every shared Service.
fn questions(
    world: World<'_>,
    family: IpFamily,
    vantage: &Vantage,
    attempts: Attempts,
) -> Result<Vec<Probe>, Blocked> {
    let named: Vec<&Service> = world
        .fixture
        .services
        .iter()
        .filter(|service| service.role.is_basic())
        .filter(|service| !matches!(service.role, ServiceRole::Backend(_)))
        .filter(|service| IpFamily::ALL.iter().any(|&f| service.cluster_ip(f).is_some()))
        .collect();
    let aliased = named.iter().any(|service| service.role == ServiceRole::ALIASED);
    let alias = world.fixture.service(&ServiceRole::ExternalName).filter(|_| aliased);
    let alias = alias.filter(|alias| matches!(alias.allocation, Allocation::Accepted { .. }));
    let none_has_it = !named.iter().any(|service| service.cluster_ip(family).is_some());
    if world.suite.families.contains(&family) && none_has_it {
        let reason = format!("no Service has an {family} ClusterIP");
        return Err(Blocked { by: Some("service::cluster_ips"), reason });
    }
    if named.is_empty() {
        return Err(Blocked { by: None, reason: "there is no Service to ask for".to_owned() });
    }
    let probe = |service: &Service| asking(world, service, family, vantage.clone(), attempts);
    Ok(named.into_iter().chain(alias).map(probe).collect())
}

/// One of the questions that pods ask, for others to compare with.
pub(super) fn question(
    world: World<'_>,
    service: &Service,
    family: IpFamily,
    vantage: &Vantage,
) -> Probe {
    asking(world, service, family, vantage.clone(), plan::single(world.suite))
}

fn asking(
    world: World<'_>,
    service: &Service,
    family: IpFamily,
    vantage: Vantage,
    attempts: Attempts,
) -> Probe {
    Probe {
        vantage,
        aim: Aim::Records { service: service.role.clone() },
        target: Target::Dns { name: name(world, service), family },
        attempts,
    }
}

/// A Service's name in full.
pub(super) fn name(world: World<'_>, service: &Service) -> String {
    format!("{}.{}.svc.{}.", service.name, world.fixture.namespace, domain::of(world))
}

/// The name of the Service that a reading is about.
fn service_name(world: World<'_>, reading: &Reading<'_>) -> String {
    match &reading.probe.aim {
        Aim::Records { service } => {
            let known = world.fixture.service(service);
            known.map_or_else(|| service.to_string(), |service| service.name.clone())
        }
        _ => reading.probe.target.to_string(),
    }
}

impl Asked {
    fn failure(
        &self,
        world: World<'_>,
        bad: &[(&Reading<'_>, &Symptom)],
        first: &Symptom,
        services: &[String],
    ) -> Failure {
        let Self { who, family } = self;
        let record = family.record_type();
        let who = match who {
            Server::Cluster { from } => format!("DNS, asked from a pod on node {from},"),
            Server::Pod { name, node } => format!("The DNS pod {name} on node {node}"),
        };
        let services = words::list(services);
        let (kind, seen) = (first.kind, &first.detail);
        let what = match kind {
            Kind::NoRecords => format!(
                "{who} has no {record} record for {services}, though each has an {family} ClusterIP or refers \
                 to a Service that has one."
            ),
            Kind::NoSuchName => format!(
                "{who} says that the names of {services} don't exist (NXDOMAIN) when asked for \
                 {record}."
            ),
            Kind::WrongRecords => {
                format!("{who} returns wrong {record} records for {services}: {seen}.")
            }
            _ => format!(
                "{who} does not answer queries for the {record} records of {services}: {seen}."
            ),
        };
        let place = DnsPlace::of(world);
        Failure::new(what)
            .reproduce(commands::repeat(world, bad.iter().map(|(reading, _)| reading.probe)))
            .reproduce([place.configuration(), place.logs()])
            .fix(self.fix(place, kind))
    }

    fn fix(&self, place: DnsPlace<'_>, kind: Kind) -> Vec<String> {
        let record = self.family.record_type();
        match kind {
            Kind::NoRecords | Kind::WrongRecords => vec![
                format!(
                    "Look in the Corefile for what answers {record} queries itself before the \
                     kubernetes plugin does (template, rewrite, dns64, acl), take it out, and restart \
                     the DNS pods: `{}`.",
                    place.restart()
                ),
                COREFILE_SOURCE.to_owned(),
                "If only some DNS pods answer so, they run with an old configuration or have lost \
                 their watch on the API server: delete them."
                    .to_owned(),
                "If a cache stands between (NodeLocal DNSCache), do the same there.".to_owned(),
            ],
            Kind::NoSuchName => vec![
                "Check that the Corefile's kubernetes plugin serves the cluster's domain and this \
                 namespace, and that CoreDNS may list Services and EndpointSlices (its log says)."
                    .to_owned(),
            ],
            _ => vec![
                format!("Check that DNS pods run and are Ready: `{}`.", place.pods()),
                match &self.who {
                    Server::Cluster { from } => format!(
                        "If pods on other nodes get answers, the way from {from} to the ClusterIP of \
                         kube-dns or to the DNS pods is at fault: see pod::reachable and \
                         service::cluster_ip_reachable from {from}."
                    ),
                    Server::Pod { .. } => "See the pod's log.".to_owned(),
                },
            ],
        }
    }
}
