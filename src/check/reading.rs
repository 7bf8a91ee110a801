//! What an observation means: whether a probe got what this world promises.

use std::{collections::BTreeSet, fmt, net::IpAddr};

use super::{World, words};
use crate::{
    fixture::{Destination, Workload, listener_name},
    net::IpFamily,
    probe::{Aim, Answer, Attempt, Observation, Outcome, Probe, ProxyPage, Vantage},
};

/// The readings that a case is judged by.
#[derive(Clone, Debug, Default)]
pub struct Readings<'a> {
    /// Of its own probes, in the order in which they were planned.
    pub(crate) own: Vec<Reading<'a>>,
    /// Of the probes that it only compares with.
    pub(crate) witnesses: Vec<Reading<'a>>,
}

/// What became of a probe.
#[derive(Clone, Debug)]
pub(crate) struct Reading<'a> {
    /// The probe.
    pub(crate) probe: &'a Probe,
    /// The conclusion.
    pub(crate) state: State,
    /// Every attempt that was made.
    pub(crate) attempts: &'a [Attempt],
    /// How many attempts failed before the first that succeeded.
    pub(crate) settling: usize,
    /// The backends that answered, by pod name.
    pub(crate) answered: BTreeSet<&'a str>,
}

/// The conclusion from a probe's attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It got what it should.
    Good,
    /// It didn't.
    Bad(Symptom),
    /// It can't be told, and why.
    Unknown(String),
}

/// How a probe went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symptom {
    /// In one word.
    pub(crate) kind: Kind,
    /// Whether it had succeeded before.
    pub(crate) intermittent: bool,
    /// In a phrase (`timed out 3 times`).
    pub(crate) detail: String,
}

/// The ways in which a probe goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// RST to SYN: the path works, and nobody listens.
    Refused,
    /// Nothing came back: something drops.
    TimedOut,
    /// A router or the source itself has no way.
    Unreachable,
    /// Closed in the middle.
    Reset,
    /// Someone answered, and it was not who should.
    WrongAnswer,
    /// The right one answered, but saw the wrong client.
    WrongSource,
    /// Not every backend answered.
    Unanswered,
    /// A service proxy says that it is not well.
    Unhealthy,
    /// No DNS server answered as one should.
    DnsFailure,
    /// The DNS server doesn't have the name.
    NoSuchName,
    /// The DNS server has the name, but not the record.
    NoRecords,
    /// The DNS server has other records.
    WrongRecords,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::Unreachable => "unreachable",
            Self::Reset => "reset",
            Self::WrongAnswer => "wrong answer",
            Self::WrongSource => "wrong source address",
            Self::Unanswered => "not every backend answered",
            Self::Unhealthy => "unhealthy",
            Self::DnsFailure => "DNS failure",
            Self::NoSuchName => "no such name",
            Self::NoRecords => "no records",
            Self::WrongRecords => "wrong records",
        })
    }
}

/// What one attempt was, against what it should have been.
enum Step<'a> {
    Right(Option<&'a str>),
    Wrong(Kind, String),
    Failed(Kind, Option<&'a str>),
}

impl<'a> Reading<'a> {
    /// Reads what was observed of a probe; `None` where it was not tried.
    pub(crate) fn of(
        world: World<'a>,
        probe: &'a Probe,
        observation: Option<&'a Observation>,
    ) -> Self {
        let Some(observation) = observation else {
            let state = State::Unknown("it was not tried before the run ended".to_owned());
            return Self { probe, state, attempts: &[], settling: 0, answered: BTreeSet::new() };
        };
        let attempts = observation.attempts.as_slice();
        let judge = Expected::of(world, probe);
        let steps: Vec<Step<'a>> =
            attempts.iter().map(|attempt| judge.step(&attempt.outcome)).collect();
        let right = |step: &Step<'_>| matches!(step, Step::Right(_));
        let settling = steps.iter().position(right).unwrap_or(steps.len());
        let answered: BTreeSet<&str> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Right(pod) => *pod,
                Step::Wrong(..) | Step::Failed(..) => None,
            })
            .collect();
        let state = conclude(probe, &steps, settling, answered.len(), observation.lost.as_deref());
        let state = if says_nothing(probe, &state) {
            State::Unknown("no answer, and a server needn't answer a datagram".to_owned())
        } else {
            state
        };
        Self { probe, state, attempts, settling, answered }
    }

    /// How it went wrong, where it did.
    pub(crate) const fn symptom(&self) -> Option<&Symptom> {
        match &self.state {
            State::Bad(symptom) => Some(symptom),
            State::Good | State::Unknown(_) => None,
        }
    }

    /// Whether any attempt shows that packets get to the target and back.
    pub(crate) fn proves_a_way(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.outcome.proves_a_way())
    }

    /// The longest of its attempts that succeeded, in milliseconds.
    pub(crate) fn slowest(&self) -> Option<u32> {
        self.attempts
            .iter()
            .filter(|attempt| attempt.outcome.succeeded())
            .map(|attempt| attempt.millis)
            .max()
    }
}

/// Whether what came of a datagram to a server of somebody else's leaves open whether it arrived.
fn says_nothing(probe: &Probe, state: &State) -> bool {
    let silent = matches!(state, State::Bad(symptom) if symptom.kind == Kind::TimedOut);
    silent && probe.aim.target().is_some() && probe.target.is_udp()
}

fn conclude(
    probe: &Probe,
    steps: &[Step<'_>],
    settling: usize,
    answered: usize,
    lost: Option<&str>,
) -> State {
    let bad = |kind, intermittent, detail| State::Bad(Symptom { kind, intermittent, detail });
    // What answered wrongly did so whatever came before or after.
    let wrong = steps.iter().find_map(|step| match step {
        Step::Wrong(kind, detail) => Some((*kind, detail)),
        Step::Right(_) | Step::Failed(..) => None,
    });
    if let Some((kind, detail)) = wrong {
        return bad(kind, settling < steps.len(), detail.clone());
    }
    let after = &steps[settling..];
    let failed = after.iter().find_map(|step| match step {
        Step::Failed(kind, _) => Some(*kind),
        Step::Right(_) | Step::Wrong(..) => None,
    });
    let succeeded = after.iter().filter(|step| matches!(step, Step::Right(_))).count();
    if let Some(reason) = stumbled(probe, after) {
        return State::Unknown(reason);
    }
    // One attempt that ran out of time would have been followed by more.
    if let (Some(reason), [.., Step::Right(_), Step::Failed(Kind::TimedOut, _)]) = (lost, after)
        && succeeded + 1 == after.len()
    {
        return State::Unknown(reason.to_owned());
    }
    if let Some(kind) = failed {
        let detail = format!("{} after it had answered {}", kind, words::times(succeeded));
        return bad(kind, true, detail);
    }
    if let Some(reason) = lost {
        return State::Unknown(reason.to_owned());
    }
    let Some(last) = steps.last() else {
        return State::Unknown("no attempt was recorded".to_owned());
    };
    if let Step::Failed(kind, _) = last {
        return bad(*kind, false, tally(steps));
    }
    let wanted = probe.attempts;
    let distinct = usize::from(wanted.distinct.max(1));
    if distinct > 1 && answered < distinct {
        if after.len() > usize::from(wanted.bound) {
            let detail =
                format!("only {answered} of {distinct} answered in {succeeded} connections");
            return bad(Kind::Unanswered, false, detail);
        }
    } else if succeeded >= usize::from(wanted.successes) {
        return State::Good;
    }
    State::Unknown(format!("it ended after {}", words::count(steps.len(), "attempt")))
}

/// Why a path is doubtful that answered, ran out of time once, and then answered as often as it must: a
/// busy machine does that, and so does a network that loses packets.
fn stumbled(probe: &Probe, after: &[Step<'_>]) -> Option<String> {
    let place = after.iter().position(|step| !matches!(step, Step::Right(_)))?;
    let (late, then) = after[place..].split_first()?;
    let wanted = probe.attempts;
    let answered: BTreeSet<_> = then
        .iter()
        .map_while(|step| match step {
            Step::Right(pod) => Some(*pod),
            Step::Wrong(..) | Step::Failed(..) => None,
        })
        .collect();
    let recovered = then.len() >= usize::from(wanted.once_more())
        && then.iter().all(|step| matches!(step, Step::Right(_)))
        && answered.len() >= usize::from(wanted.distinct);
    let timed_out = matches!(late, Step::Failed(Kind::TimedOut, _));
    (timed_out && recovered).then(|| {
        format!(
            "it timed out once and then answered {} again: packets were lost, or something was busy",
            words::times(then.len())
        )
    })
}

/// Failures in the order in which they came, equal ones counted: `refused twice, timed out once`.
fn tally(steps: &[Step<'_>]) -> String {
    let mut runs: Vec<(Kind, usize, Option<&str>)> = Vec::new();
    for step in steps {
        let Step::Failed(kind, detail) = step else { continue };
        match runs.last_mut() {
            Some((last, n, latest)) if last == kind => {
                *n += 1;
                *latest = detail.or(*latest);
            }
            _ => runs.push((*kind, 1, *detail)),
        }
    }
    // A path that flaps between two failures would make a long list; its end tells the most.
    let shown = runs.iter().skip(runs.len().saturating_sub(3));
    let mut parts: Vec<String> = shown
        .map(|(kind, n, detail)| match detail {
            Some(detail) => format!("{kind} {} ({detail})", words::times(*n)),
            None => format!("{kind} {}", words::times(*n)),
        })
        .collect();
    if runs.len() > 3 {
        parts.insert(0, "…".to_owned());
    }
    parts.join(", then ")
}

/// What a probe should get.
struct Expected<'a> {
    family: IpFamily,
    /// Who may answer; empty for what no backend answers.
    answerers: Vec<&'a Workload>,
    /// The client address that the backend must see, where the network may not change it.
    source: Option<IpAddr>,
    /// The records that a name must have.
    records: Records,
    /// Who may answer outside the cluster.
    outside: Option<Outsider>,
    /// How the name begins that an address must lead to; the cluster's domain follows.
    pointer: Option<String>,
    /// The family in which a kube-proxy must be healthy.
    health: Option<IpFamily>,
}

/// The records that a name must have.
enum Records {
    /// These and no others.
    All(BTreeSet<IpAddr>),
    /// Any of these: there are more than an answer holds.
    Some(BTreeSet<IpAddr>),
    /// Whatever those are that somebody else gave it.
    Any,
}

impl Records {
    /// How many addresses an answer over UDP surely holds.
    const SURE: usize = 8;

    fn of(world: World<'_>, aim: &Aim, family: IpFamily) -> Self {
        let target = match aim {
            Aim::Records { service } => {
                let service = world.fixture.service(service);
                let ip = service.and_then(|service| service.cluster_ip(family));
                return Self::All(ip.into_iter().collect());
            }
            Aim::TargetRecords { target } => world.facts.target(target),
            _ => None,
        };
        let known = target.and_then(|target| Some((target, target.service.known()?)));
        let Some((target, service)) = known else { return Self::All(BTreeSet::new()) };
        if service.is_external() {
            return Self::Any;
        }
        if !service.is_headless() {
            return Self::All(service.cluster_ip(family).into_iter().collect());
        }
        let ready: BTreeSet<IpAddr> = target.ready(family).map(|it| it.address).collect();
        if ready.len() > Self::SURE { Self::Some(ready) } else { Self::All(ready) }
    }

    /// Whether a name may have no record.
    fn is_none(&self) -> bool {
        matches!(self, Self::All(addresses) if addresses.is_empty())
    }

    fn are(&self, found: &BTreeSet<IpAddr>) -> bool {
        match self {
            Self::All(addresses) => found == addresses,
            Self::Some(addresses) => found.is_subset(addresses),
            Self::Any => true,
        }
    }
}

/// Who may answer outside the cluster.
enum Outsider {
    /// This machine's listener, by its name and address.
    Listener { name: String, address: IpAddr },
    /// Anyone: it is a server of the operator's.
    Anyone,
}

impl<'a> Expected<'a> {
    fn of(world: World<'a>, probe: &Probe) -> Self {
        let family = probe.family();
        let fixture = world.fixture;
        let source = match (&probe.vantage, &probe.aim) {
            // Pods talk to pods without NAT: the Kubernetes network model.
            (Vantage::Pod { node }, Aim::Backend { .. }) => {
                fixture.probe_on(node).and_then(|source| source.address(family))
            }
            _ => None,
        };
        let records = Records::of(world, &probe.aim, family);
        let answerers = match &probe.aim {
            Aim::Backend { node } => fixture.backend_on(node).into_iter().collect(),
            Aim::ClusterIp { service }
            | Aim::NodePort { service, .. }
            | Aim::Proxied { service } => {
                let service = fixture.service(service).into_iter();
                service.flat_map(|service| fixture.backends_of(service, family)).collect()
            }
            Aim::Node { .. }
            | Aim::ProxyHealth { .. }
            | Aim::KubernetesService
            | Aim::Outside
            | Aim::Pointer { .. }
            | Aim::DnsService
            | Aim::DnsPod { .. }
            | Aim::TargetIp { .. }
            | Aim::TargetEndpoint { .. }
            | Aim::TargetRecords { .. }
            | Aim::Guarded { .. }
            | Aim::Records { .. } => Vec::new(),
        };
        let outside = match (&probe.aim, fixture.egress.get(&family)) {
            (Aim::Outside, Some(Destination::Listener { address })) => {
                let name = listener_name(&fixture.run);
                Some(Outsider::Listener { name, address: address.ip() })
            }
            (Aim::Outside | Aim::TargetIp { .. } | Aim::TargetEndpoint { .. }, _) => {
                Some(Outsider::Anyone)
            }
            _ => None,
        };
        let pointer = match &probe.aim {
            Aim::Pointer { service } => fixture
                .service(service)
                .map(|service| format!("{}.{}.svc.", service.name, fixture.namespace)),
            _ => None,
        };
        let health = match &probe.aim {
            Aim::ProxyHealth { family, .. } => Some(*family),
            _ => None,
        };
        Self { family, answerers, source, records, outside, pointer, health }
    }

    /// What a page of health says, where it is kube-proxy's.
    fn healthy(&self, body: &str) -> Step<'a> {
        let Some(family) = self.health else { return Step::Right(None) };
        let Some(page) = ProxyPage::read(body) else {
            let detail = "what it says is not kube-proxy's page";
            return Step::Wrong(Kind::WrongAnswer, detail.to_owned());
        };
        match page.complaint(family) {
            Some(complaint) => Step::Wrong(Kind::Unhealthy, complaint),
            None => Step::Right(None),
        }
    }

    fn step(&self, outcome: &'a Outcome) -> Step<'a> {
        match outcome {
            Outcome::Answered(answer) => self.answered(answer),
            Outcome::Connected
            | Outcome::Rejected
            | Outcome::Silent
            | Outcome::Replied
            | Outcome::Counted { .. } => Step::Right(None),
            Outcome::Health { body, .. } => self.healthy(body),
            Outcome::Records { addresses } => self.resolved(addresses),
            Outcome::Names { names } => self.named(names),
            Outcome::NoRecords if self.pointer.is_some() => {
                Step::Wrong(Kind::NoRecords, "no PTR record".to_owned())
            }
            Outcome::NoRecords if self.records.is_none() => Step::Right(None),
            // A Service's records come all at once, so this is no state on the way.
            Outcome::NoRecords => {
                Step::Wrong(Kind::NoRecords, format!("no {} record", self.family.record_type()))
            }
            Outcome::NoSuchName => Step::Failed(Kind::NoSuchName, None),
            outcome if outcome.is_an_answer() && matches!(self.outside, Some(Outsider::Anyone)) => {
                Step::Right(None)
            }
            Outcome::DnsFailure { detail } => Step::Failed(Kind::DnsFailure, Some(detail)),
            Outcome::Refused => Step::Failed(Kind::Refused, None),
            Outcome::TimedOut => Step::Failed(Kind::TimedOut, None),
            Outcome::Unreachable { detail } => Step::Failed(Kind::Unreachable, Some(detail)),
            Outcome::Reset => Step::Failed(Kind::Reset, None),
            Outcome::WrongAnswer { detail } => Step::Failed(Kind::WrongAnswer, Some(detail)),
        }
    }

    fn answered(&self, answer: &'a Answer) -> Step<'a> {
        match &self.outside {
            Some(Outsider::Listener { name, address })
                if *name != answer.pod || *address != answer.server =>
            {
                let detail = format!("{} at {} answered, not {name}", answer.pod, answer.server);
                return Step::Wrong(Kind::WrongAnswer, detail);
            }
            Some(_) => return Step::Right(Some(&answer.pod)),
            None => {}
        }
        let right = self.answerers.iter().any(|backend| {
            backend.address(self.family) == Some(answer.server)
                && backend.pod.as_ref().is_none_or(|pod| *pod == answer.pod)
        });
        if !right {
            let expected = words::list(self.answerers.iter().map(|backend| {
                let address =
                    backend.address(self.family).map_or_else(String::new, |ip| format!(" at {ip}"));
                format!("{}{address}", backend.pod.as_deref().unwrap_or("nginx"))
            }));
            return Step::Wrong(
                Kind::WrongAnswer,
                format!("{} at {} answered, not {expected}", answer.pod, answer.server),
            );
        }
        match self.source {
            Some(source) if source != answer.client => Step::Wrong(
                Kind::WrongSource,
                format!("{} saw {} as the client, not {source}", answer.pod, answer.client),
            ),
            _ => Step::Right(Some(&answer.pod)),
        }
    }

    fn named(&self, names: &[String]) -> Step<'a> {
        let Some(pointer) = &self.pointer else { return Step::Right(None) };
        if names.iter().all(|name| name.to_ascii_lowercase().starts_with(pointer)) {
            return Step::Right(None);
        }
        let right = pointer.trim_end_matches('.');
        Step::Wrong(Kind::WrongRecords, format!("{}, where {right} is right", words::list(names)))
    }

    fn resolved(&self, addresses: &[IpAddr]) -> Step<'a> {
        let found: BTreeSet<IpAddr> = addresses.iter().copied().collect();
        let expected = match &self.records {
            records if records.are(&found) => return Step::Right(None),
            Records::All(right) if !right.is_empty() => words::list(right),
            Records::Some(right) => format!("some of {}", words::count(right.len(), "address")),
            Records::All(_) | Records::Any => "none".to_owned(),
        };
        Step::Wrong(
            Kind::WrongRecords,
            format!("{}, where {expected} is right", words::list(&found)),
        )
    }
}
