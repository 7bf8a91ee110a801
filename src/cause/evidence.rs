//! What the rules look at: every probe with where it started, what it aimed at and what became of
//! it, and the cases that want an explanation.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{Found, Judged};
use crate::{
    check::{Aim, Kind, Observations, Reading, State, Status, Subject, Symptom, World},
    fixture::{Service, ServiceRole},
    net::IpFamily,
    probe::{Outcome, Probe, Target, Vantage},
};

/// Everything that was found, arranged for the rules.
#[derive(Debug)]
pub struct Evidence<'a> {
    pub(super) world: World<'a>,
    pub(super) judged: &'a [Judged],
    /// Every different probe of the run.
    pub(super) probed: Vec<Probed<'a>>,
    /// For each case the probes that it is about.
    own: Vec<Vec<usize>>,
}

/// A probe and what became of it.
#[derive(Debug)]
pub(super) struct Probed<'a> {
    pub(super) probe: &'a Probe,
    pub(super) origin: Origin<'a>,
    pub(super) aim: Aim<'a>,
    pub(super) family: IpFamily,
    /// Whether it asked for a large body.
    pub(super) large: bool,
    pub(super) reading: Reading<'a>,
}

/// Where a probe started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin<'a> {
    Outside,
    /// A pod, or the host itself, on this node.
    Node(&'a str),
    /// A port-forward to this DNS pod.
    DnsPod(&'a str),
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("from outside"),
            Self::Node(node) => write!(f, "from a pod on {node}"),
            Self::DnsPod(pod) => write!(f, "{pod} itself"),
        }
    }
}

impl<'a> Probed<'a> {
    /// How it went wrong, where it did.
    pub(super) const fn symptom(&self) -> Option<&Symptom> {
        self.reading.symptom()
    }

    /// Whether nothing came back that was meant for us, from the first attempt to the last.
    pub(super) fn dead(&self) -> bool {
        let unanswered =
            |kind| !matches!(kind, Kind::WrongAnswer | Kind::WrongSource | Kind::Unanswered);
        self.symptom().is_some_and(|symptom| !symptom.intermittent && unanswered(symptom.kind))
    }

    pub(super) fn good(&self) -> bool {
        self.reading.state == State::Good
    }

    pub(super) fn bad(&self) -> bool {
        self.symptom().is_some()
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        self.symptom().map(|symptom| symptom.kind)
    }

    /// What was seen, in a phrase.
    pub(super) fn seen(&self) -> &str {
        match &self.reading.state {
            State::Good => "works",
            State::Bad(symptom) => &symptom.detail,
            State::Unknown(reason) => reason,
        }
    }

    /// The node it started on.
    pub(super) const fn from(&self) -> Option<&'a str> {
        match self.origin {
            Origin::Node(node) => Some(node),
            Origin::Outside | Origin::DnsPod(_) => None,
        }
    }

    /// The node of the one backend it must reach, where there is one.
    pub(super) fn backend(&self) -> Option<&'a str> {
        match self.aim {
            Aim::Backend(backend) => Some(&backend.node),
            Aim::ClusterIp(service) | Aim::NodePort { service, .. } => backend_of(service),
            Aim::Node(_) | Aim::Records(_) => None,
        }
    }

    /// The Service that it was sent to.
    pub(super) const fn service(&self) -> Option<&'a Service> {
        match self.aim {
            Aim::ClusterIp(service) | Aim::NodePort { service, .. } => Some(service),
            Aim::Backend(_) | Aim::Node(_) | Aim::Records(_) => None,
        }
    }

    /// The node whose own address it was sent to.
    pub(super) const fn at(&self) -> Option<&'a str> {
        match self.aim {
            Aim::NodePort { node, .. } | Aim::Node(node) => Some(node),
            Aim::Backend(_) | Aim::ClusterIp(_) | Aim::Records(_) => None,
        }
    }

    pub(super) const fn is_cluster_ip(&self) -> bool {
        matches!(self.aim, Aim::ClusterIp(_))
    }

    pub(super) const fn is_node_port(&self) -> bool {
        matches!(self.aim, Aim::NodePort { .. })
    }

    pub(super) const fn is_dns(&self) -> bool {
        matches!(self.aim, Aim::Records(_))
    }

    pub(super) const fn is_pod_path(&self) -> bool {
        matches!(self.aim, Aim::Backend(_))
    }

    /// Whether any attempt shows that packets got there and back.
    pub(super) fn proves_a_way(&self) -> bool {
        self.reading.attempts.iter().any(|attempt| {
            matches!(
                attempt.outcome,
                Outcome::Answered(_)
                    | Outcome::Connected
                    | Outcome::Refused
                    | Outcome::Reset
                    | Outcome::WrongAnswer { .. }
            )
        })
    }

    /// Whether the DNS server was not heard, as against heard with a wrong answer.
    pub(super) fn dns_unheard(&self) -> bool {
        self.is_dns()
            && self.kind().is_some_and(|kind| {
                !matches!(kind, Kind::NoRecords | Kind::NoSuchName | Kind::WrongRecords)
            })
    }
}

fn backend_of(service: &Service) -> Option<&str> {
    match &service.role {
        ServiceRole::Backend(node) => Some(node),
        _ => None,
    }
}

/// What still wants an explanation.
#[derive(Debug)]
pub(super) struct Open {
    probed: BTreeSet<usize>,
    cases: BTreeSet<usize>,
}

impl<'a> Evidence<'a> {
    pub(super) fn new(
        world: World<'a>,
        judged: &'a [Judged],
        observations: &'a Observations,
    ) -> Self {
        let mut places: BTreeMap<&Probe, Option<usize>> = BTreeMap::new();
        let mut probed = Vec::new();
        let mut own = Vec::new();
        for judged in judged {
            let mut mine = Vec::new();
            for probe in &judged.case.probes {
                let place = *places.entry(probe).or_insert_with(|| {
                    let found = Probed::of(world, observations, probe)?;
                    probed.push(found);
                    Some(probed.len() - 1)
                });
                if let Some(place) = place
                    && is_about(&judged.case.subject, &probed[place])
                {
                    mine.push(place);
                }
            }
            own.push(mine);
        }
        Self { world, judged, probed, own }
    }

    /// The cases that failed or could not be told, and the probes that went wrong in them.
    pub(super) fn open(&self) -> Open {
        let cases: BTreeSet<usize> = (0..self.judged.len())
            .filter(|&case| {
                matches!(self.judged[case].verdict.status, Status::Fail | Status::Inconclusive)
            })
            .collect();
        let probed = cases
            .iter()
            .flat_map(|&case| self.own[case].iter().copied())
            .filter(|&place| self.probed[place].bad())
            .collect();
        Open { probed, cases }
    }

    /// The nodes that take part.
    pub(super) fn nodes(&self) -> Vec<&'a str> {
        self.world.fixture.selected().collect()
    }

    /// The families that the suite expects.
    pub(super) fn families(&self) -> impl Iterator<Item = IpFamily> + use<'a> {
        let suite = self.world.suite;
        IpFamily::ALL.into_iter().filter(|family| suite.families.contains(family))
    }

    /// The places of the probes that went wrong and that a rule points at.
    pub(super) fn bad(&self, points_at: impl Fn(&Probed<'a>) -> bool) -> BTreeSet<usize> {
        let all = self.probed.iter().enumerate();
        all.filter(|(_, probed)| probed.bad() && points_at(probed))
            .map(|(place, _)| place)
            .collect()
    }

    /// The places of the red cases of a check that a rule points at.
    pub(super) fn red(&self, check: &str, points_at: impl Fn(&Judged) -> bool) -> BTreeSet<usize> {
        (0..self.judged.len())
            .filter(|&case| {
                let judged = &self.judged[case];
                judged.case.check == check
                    && judged.verdict.status == Status::Fail
                    && points_at(judged)
            })
            .collect()
    }

    /// The probes of one family.
    pub(super) fn of(&self, family: IpFamily) -> impl Iterator<Item = &Probed<'a>> {
        self.probed.iter().filter(move |probed| probed.family == family)
    }

    /// The small probe from a pod on one node to the pod on another.
    pub(super) fn pod_path(&self, from: &str, to: &str, family: IpFamily) -> Option<&Probed<'a>> {
        self.of(family).find(|probed| {
            probed.is_pod_path()
                && !probed.large
                && probed.from() == Some(from)
                && probed.backend() == Some(to)
        })
    }

    /// `n1 -> n2: timed out twice`, for a list of evidence.
    pub(super) fn say_pod_path(&self, from: &str, to: &str, family: IpFamily) -> Option<String> {
        let probed = self.pod_path(from, to, family)?;
        Some(format!("pod on {from} to pod on {to} over {family}: {}", probed.seen()))
    }

    /// Whether a probe uses the pod network from one node to another, there or back. `directed`:
    /// only packets that go from `a` to pods on `b` count.
    pub(super) fn crosses(&self, probed: &Probed<'a>, a: &str, b: &str, directed: bool) -> bool {
        let one_way = |a: &str, b: &str| match probed.aim {
            Aim::Backend(backend) => self.is_between(probed, &backend.node, a, b),
            Aim::ClusterIp(service) => match backend_of(service) {
                Some(backend) => self.is_between(probed, backend, a, b),
                // Of a shared Service any backend may have been picked.
                None => probed.from() == Some(a) || probed.from() == Some(b),
            },
            // The node sends to the backend with its own address, and the answer back to the pod.
            Aim::NodePort { node, service } => {
                node == a && (backend_of(service) == Some(b) || probed.from() == Some(b))
            }
            Aim::Records(_) => {
                probed.dns_unheard()
                    && self.dns_nodes().any(|dns| self.is_between(probed, dns, a, b))
            }
            Aim::Node(_) => false,
        };
        one_way(a, b) || (!directed && one_way(b, a))
    }

    /// Whether a connection from where the probe started to a pod on a node has packets that go
    /// from `a` to pods on `b`: its requests, or its answers.
    fn is_between(&self, probed: &Probed<'a>, to: &str, a: &str, b: &str) -> bool {
        let from = probed.from();
        (from == Some(a) && to == b) || (from == Some(b) && to == a)
    }

    /// The nodes on which DNS pods run.
    pub(super) fn dns_nodes(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let dns = self.world.facts.cluster_dns.known();
        dns.into_iter().flat_map(|dns| &dns.pods).filter_map(|pod| pod.node.as_deref())
    }

    /// Whether DNS is asked in a family, as far as the facts tell.
    pub(super) fn dns_speaks(&self, family: IpFamily) -> bool {
        self.world
            .facts
            .cluster_dns
            .known()
            .is_none_or(|dns| dns.cluster_ips.iter().any(|&ip| IpFamily::of(ip) == family))
    }
}

impl<'a> Probed<'a> {
    fn of(world: World<'a>, observations: &'a Observations, probe: &'a Probe) -> Option<Self> {
        let origin = match &probe.vantage {
            Vantage::Outside => Origin::Outside,
            Vantage::Pod { node } | Vantage::HostNetwork { node } => Origin::Node(node),
            Vantage::DnsPod { pod, .. } => Origin::DnsPod(pod),
        };
        Some(Self {
            probe,
            origin,
            aim: Aim::of(world, probe)?,
            family: probe.family(),
            large: matches!(probe.target, Target::Http { payload: 1.., .. }),
            reading: Reading::of(world, observations, probe),
        })
    }
}

/// Whether a case is about a probe, and doesn't only compare with it.
fn is_about(subject: &Subject, probed: &Probed<'_>) -> bool {
    match (subject, probed.origin, probed.at()) {
        (Subject::Path { to, .. }, Origin::Outside, Some(at)) => to == at && probed.is_node_port(),
        _ => true,
    }
}

impl Open {
    /// Closes what a rule explains, and names the cases.
    pub(super) fn explain(&mut self, evidence: &Evidence<'_>, found: &Found) -> Vec<String> {
        let mut names = Vec::new();
        for (case, own) in evidence.own.iter().enumerate() {
            let by_probe = self.cases.contains(&case)
                && own
                    .iter()
                    .any(|place| self.probed.contains(place) && found.probed.contains(place));
            let by_case = self.cases.contains(&case) && found.cases.contains(&case);
            if by_probe || by_case {
                names.push(evidence.judged[case].case.name());
            }
        }
        self.probed.retain(|place| !found.probed.contains(place));
        self.cases.retain(|case| !found.cases.contains(case));
        names
    }
}
