//! `dns::records`

use crate::{
    check::{
        Aim, Blocked, Case, Check, Failure, Observations, Stage, Subject, Verdict, World, commands,
        outcome, plan,
        reading::{Kind, Reading},
        words,
    },
    facts::{ClusterDns, DnsPod, Fact},
    fixture::{Service, ServiceRole},
    net::IpFamily,
    probe::{Probe, Target, Vantage},
};

/// The cluster domain, unless a cluster chose another.
const DEFAULT_DOMAIN: &str = "cluster.local";

/// DNS has the records that Services have ClusterIPs for.
#[derive(Debug)]
pub(in crate::check) struct Records;

impl Check for Records {
    fn id(&self) -> &'static str {
        "dns::records"
    }

    fn summary(&self) -> &'static str {
        "every Service's A and AAAA records are its ClusterIPs, and a family that it lacks is \
         answered without records, asked from a pod on every node and from every DNS pod"
    }

    fn why(&self) -> &'static str {
        "Clients learn families from DNS alone: without its AAAA record a dual-stack Service is \
         IPv4 to everyone. A Service of one family must be answered with no records in the other, \
         and never with NXDOMAIN, which tells resolvers that the name doesn't exist in any family."
    }

    fn source(&self) -> &'static str {
        "Kubernetes DNS-Based Service Discovery specification, 2.3.1; RFC 2308 (NODATA and \
         NXDOMAIN); https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/"
    }

    fn stage(&self) -> Stage {
        Stage::Probed
    }

    fn needs(&self) -> &'static [&'static str] {
        &["list services in kube-system", "list pods in kube-system"]
    }

    fn plan(&self, world: World<'_>) -> Vec<Case> {
        let mut cases = Vec::new();
        for family in IpFamily::ALL {
            for source in plan::pods(world) {
                let subject = Subject::Path { from: source.label.clone(), to: "DNS".to_owned() };
                let blocked = source.down();
                cases.push(self.case(world, family, subject, source.vantage, blocked));
            }
            match &world.facts.cluster_dns {
                Fact::Known { value, .. } => {
                    for pod in &value.pods {
                        let node = pod.node.clone().unwrap_or_else(|| "no node".to_owned());
                        let subject = Subject::Pod { workload: pod.name.clone(), node };
                        cases.push(self.case(world, family, subject, vantage(pod), None));
                    }
                }
                Fact::Absent { .. } | Fact::Forbidden { .. } => cases.push(Case {
                    check: self.id().to_owned(),
                    subject: Subject::Cluster,
                    family: Some(family),
                    probes: Vec::new(),
                    blocked: None,
                }),
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, case: &Case, observations: &Observations) -> Verdict {
        let dns = world.facts.cluster_dns.known();
        match (&case.subject, &world.facts.cluster_dns) {
            (Subject::Cluster, Fact::Absent { reason }) => {
                return Verdict::skip(format!("no DNS pod is asked: {reason}"));
            }
            (Subject::Cluster, Fact::Forbidden { reason }) => {
                return Verdict::inconclusive(format!("no DNS pod is asked: no right to {reason}"));
            }
            (Subject::Pod { workload, .. }, _) if !is_ready(dns, workload) => {
                return Verdict::skip(format!("{workload} is not Ready, so nobody asks it"));
            }
            _ => {}
        }
        let Some(family) = case.family else {
            return Verdict::inconclusive("this is no case of a family");
        };
        if case.probes.is_empty() {
            return Verdict::inconclusive("there is no Service to ask for");
        }
        let readings: Vec<Reading<'_>> =
            case.probes.iter().map(|probe| Reading::of(world, observations, probe)).collect();
        let verdict = match Wrong::first(world, case, family, &readings) {
            None => outcome::unknown(&readings).unwrap_or_else(|| {
                Verdict::pass(format!("{} right", words::count(readings.len(), "name")))
            }),
            Some(wrong) if wrong.may_be_another_domain() => Verdict::inconclusive(format!(
                "no name is known under {DEFAULT_DOMAIN}, and the cluster's domain could not be read"
            )),
            Some(wrong) => Verdict::fail(wrong.detail(), wrong.failure()),
        };
        verdict.after(outcome::attempts(&readings))
    }
}

impl Records {
    fn case(
        &self,
        world: World<'_>,
        family: IpFamily,
        subject: Subject,
        vantage: Vantage,
        blocked: Option<Blocked>,
    ) -> Case {
        let named: Vec<&Service> = world
            .fixture
            .services
            .iter()
            .filter(|service| !matches!(service.role, ServiceRole::Backend(_)))
            .filter(|service| IpFamily::ALL.iter().any(|&f| service.cluster_ip(f).is_some()))
            .collect();
        let expected = world.suite.families.contains(&family);
        let none_has_it = !named.iter().any(|service| service.cluster_ip(family).is_some());
        let blocked = blocked.or_else(|| {
            (expected && none_has_it).then(|| Blocked {
                by: Some("service::cluster_ips".to_owned()),
                reason: format!("no Service has an {family} ClusterIP"),
            })
        });
        let probes = if blocked.is_some() {
            Vec::new()
        } else {
            let probe = |service: &&Service| Probe {
                vantage: vantage.clone(),
                target: Target::Dns { name: name(world, service), family },
                attempts: match vantage {
                    // One server, asked directly, says the same each time.
                    Vantage::DnsPod { .. } => plan::once(world.suite),
                    _ => plan::single(world.suite),
                },
            };
            named.iter().map(probe).collect()
        };
        Case { check: self.id().to_owned(), subject, family: Some(family), probes, blocked }
    }
}

fn vantage(pod: &DnsPod) -> Vantage {
    Vantage::DnsPod { namespace: pod.namespace.clone(), pod: pod.name.clone(), port: pod.tcp_port }
}

fn is_ready(dns: Option<&ClusterDns>, pod: &str) -> bool {
    dns.is_some_and(|dns| dns.pods.iter().any(|known| known.name == pod && known.ready))
}

fn known_domain(world: World<'_>) -> Option<&str> {
    world.facts.cluster_dns.known()?.domain.as_deref()
}

/// A Service's name in full.
fn name(world: World<'_>, service: &Service) -> String {
    let domain = known_domain(world).unwrap_or(DEFAULT_DOMAIN).trim_end_matches('.');
    format!("{}.{}.svc.{domain}.", service.name, world.fixture.namespace)
}

/// What went wrong in a case.
struct Wrong<'a> {
    world: World<'a>,
    case: &'a Case,
    family: IpFamily,
    /// The probes that went wrong, with their Service, in the order of the case.
    bad: Vec<(&'a Probe, &'a str, Kind)>,
    /// The first one's symptom.
    seen: String,
}

impl<'a> Wrong<'a> {
    fn first(
        world: World<'a>,
        case: &'a Case,
        family: IpFamily,
        readings: &[Reading<'_>],
    ) -> Option<Self> {
        let symptoms = case.probes.iter().zip(readings);
        let bad: Vec<_> = symptoms
            .filter_map(|(probe, reading)| {
                let service = match Aim::of(world, probe) {
                    Some(Aim::Records(service)) => service.name.as_str(),
                    _ => "a Service",
                };
                Some((probe, service, reading.symptom()?.kind))
            })
            .collect();
        let seen = readings.iter().find_map(Reading::symptom)?.detail.clone();
        Some(Self { world, case, family, bad, seen })
    }

    /// Whether every name is unknown and we had to guess the domain.
    fn may_be_another_domain(&self) -> bool {
        known_domain(self.world).is_none()
            && self.bad.len() == self.case.probes.len()
            && self.bad.iter().all(|(_, _, kind)| *kind == Kind::NoSuchName)
    }

    fn detail(&self) -> String {
        let share = outcome::share(self.bad.len(), self.case.probes.len(), "name", &self.seen);
        match self.bad.as_slice() {
            [(_, service, _)] => format!("{service}: {}", self.seen),
            _ => share,
        }
    }

    fn failure(&self) -> Failure {
        let Self { world, case, family, bad, seen } = self;
        let record = family.record_type();
        let who = match &case.subject {
            Subject::Path { from, .. } => format!("DNS, asked from a pod on node {from},"),
            Subject::Pod { workload, node } => format!("The DNS pod {workload} on node {node}"),
            _ => "DNS".to_owned(),
        };
        let services = words::list(bad.iter().map(|(_, service, _)| service));
        let kind = bad.first().map_or(Kind::DnsFailure, |(_, _, kind)| *kind);
        let what = match kind {
            Kind::NoRecords => format!(
                "{who} has no {record} record for {services}, though each has an {family} ClusterIP."
            ),
            Kind::NoSuchName => format!(
                "{who} says that the names of {services} don't exist (NXDOMAIN) when asked for \
                 {record}."
            ),
            Kind::WrongRecords => {
                format!("{who} gives wrong {record} records for {services}: {seen}.")
            }
            _ => format!("{who} does not answer for the {record} records of {services}: {seen}."),
        };
        let dns = "kubectl -n kube-system get configmap coredns -o yaml";
        let log = "kubectl -n kube-system logs -l k8s-app=kube-dns --tail=50";
        Failure::new(what)
            .reproduce(commands::repeat(*world, bad.iter().map(|(probe, _, _)| *probe)))
            .reproduce([dns, log])
            .fix(self.fix(kind))
    }

    fn fix(&self, kind: Kind) -> Vec<String> {
        let record = self.family.record_type();
        match kind {
            Kind::NoRecords | Kind::WrongRecords => vec![
                format!(
                    "Look in the Corefile for what answers {record} queries itself before the \
                     kubernetes plugin does (template, rewrite, dns64, acl), take it out, and restart \
                     the DNS pods: `kubectl -n kube-system rollout restart deployment coredns`."
                ),
                "If only some DNS pods answer so, they run with an old configuration or have lost \
                 their watch on the API server: delete them."
                    .to_owned(),
                "If a cache stands between (NodeLocal DNSCache), do the same there.".to_owned(),
            ],
            Kind::NoSuchName => vec![
                "See that the Corefile's kubernetes plugin serves the cluster's domain and this \
                 namespace, and that CoreDNS may list Services and EndpointSlices (its log says)."
                    .to_owned(),
            ],
            _ => vec![
                "See that DNS pods run and are Ready: `kubectl -n kube-system get pods -l \
                 k8s-app=kube-dns -o wide`."
                    .to_owned(),
                match &self.case.subject {
                    Subject::Path { from, .. } => format!(
                        "If pods on other nodes get answers, the way from {from} to the ClusterIP of \
                         kube-dns or to the DNS pods is at fault: see pod::reachable and \
                         service::cluster_ip_reachable from {from}."
                    ),
                    _ => "See the pod's log.".to_owned(),
                },
            ],
        }
    }
}
