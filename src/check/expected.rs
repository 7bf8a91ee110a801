//! What a probe should get.

use std::{collections::BTreeSet, net::IpAddr};

use super::{
    World,
    step::{Kind, Step},
    words,
};
use crate::{
    fixture::{Destination, ServiceRole, Workload, listener_name},
    net::IpFamily,
    probe::{Aim, Answer, Outcome, Probe, ProxyPage, Vantage},
};

/// What a probe should get.
pub(super) struct Expected<'a> {
    family: IpFamily,
    /// Who may answer; empty for what no backend answers.
    answerers: Vec<&'a Workload>,
    /// Backends of the same Service that were given up before they came up, if they did.
    given_up: Vec<&'a str>,
    /// The client address that the backend must see, where the network may not change it.
    source: Option<IpAddr>,
    /// The records that a name must have.
    records: Records,
    /// Who may answer outside the cluster.
    outside: Option<OutsideServer>,
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
                let alias = *service == ServiceRole::ExternalName;
                let leads_to = if alias { &ServiceRole::ALIASED } else { service };
                let service = world.fixture.service(leads_to);
                let ip = service.and_then(|service| service.cluster_ip(family));
                return Self::All(ip.into_iter().collect());
            }
            Aim::Name { service } => return Self::of_name(world, service, family),
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
        Self::all_or_some(target.ready(family).map(|it| it.address).collect())
    }

    /// Of a name that leads to ClusterIPs, or to the pods of a headless Service.
    fn of_name(world: World<'_>, service: &ServiceRole, family: IpFamily) -> Self {
        let Some(known) = world.fixture.service(service) else { return Self::All(BTreeSet::new()) };
        if !service.is_headless() {
            return Self::All(known.cluster_ip(family).into_iter().collect());
        }
        let pods = world.fixture.backends_of(known, family);
        Self::all_or_some(pods.filter_map(|pod| pod.address(family)).collect())
    }

    fn all_or_some(addresses: BTreeSet<IpAddr>) -> Self {
        if addresses.len() > Self::SURE { Self::Some(addresses) } else { Self::All(addresses) }
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
enum OutsideServer {
    /// This machine's listener, by its name and address.
    Listener { name: String, address: IpAddr },
    /// Anyone: it is a server of the operator's.
    Anyone,
}

impl<'a> Expected<'a> {
    /// What a probe should get in this world.
    pub(super) fn of(world: World<'a>, probe: &Probe) -> Self {
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
        let mut given_up = Vec::new();
        let answerers = match &probe.aim {
            Aim::Backend { node } => fixture.backend_on(node).into_iter().collect(),
            Aim::Changing { turn } => fixture.changing_backend(*turn, family).into_iter().collect(),
            Aim::HostBackend { node } => fixture.host_probe_on(node).into_iter().collect(),
            Aim::ClusterIp { service }
            | Aim::NodePort { service, .. }
            | Aim::LoadBalancer { service }
            | Aim::Proxied { service } => match fixture.service(service) {
                Some(service) => {
                    given_up.extend(fixture.given_up(service, family));
                    fixture.backends_of(service, family).collect()
                }
                None => Vec::new(),
            },
            Aim::Node { .. }
            | Aim::ProxyHealth { .. }
            | Aim::KubernetesService
            | Aim::Outside
            | Aim::Name { .. }
            | Aim::Pointer { .. }
            | Aim::DnsService
            | Aim::DnsPod { .. }
            | Aim::Forwarded { .. }
            | Aim::TargetIp { .. }
            | Aim::TargetEndpoint { .. }
            | Aim::TargetRecords { .. }
            | Aim::Guarded { .. }
            | Aim::Records { .. } => Vec::new(),
        };
        let outside = match (&probe.aim, fixture.egress.get(&family)) {
            (Aim::Outside, Some(Destination::Listener { address })) => {
                let name = listener_name(&fixture.run);
                Some(OutsideServer::Listener { name, address: address.ip() })
            }
            (Aim::Outside | Aim::TargetIp { .. } | Aim::TargetEndpoint { .. }, _) => {
                Some(OutsideServer::Anyone)
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
        Self { family, answerers, given_up, source, records, outside, pointer, health }
    }

    /// What a page of health says, where it is kube-proxy's.
    fn healthy(&self, body: &str) -> Step<'a> {
        let Some(family) = self.health else { return Step::AsExpected(None) };
        let Some(page) = ProxyPage::read(body) else {
            let detail = "the response is not kube-proxy's page";
            return Step::Wrong(Kind::WrongAnswer, detail.to_owned());
        };
        match page.complaint(family) {
            Some(complaint) => Step::Wrong(Kind::Unhealthy, complaint),
            None => Step::AsExpected(None),
        }
    }

    /// What an outcome is against it.
    pub(super) fn step(&self, outcome: &'a Outcome) -> Step<'a> {
        match outcome {
            Outcome::Answered(answer) => self.answered(answer),
            Outcome::Connected
            | Outcome::Rejected
            | Outcome::Silent
            | Outcome::Replied
            | Outcome::Counted { .. } => Step::AsExpected(None),
            Outcome::Health { body, .. } => self.healthy(body),
            Outcome::Records { addresses } => self.resolved(addresses),
            Outcome::Names { names } => self.named(names),
            Outcome::NoRecords if self.pointer.is_some() => {
                Step::Wrong(Kind::NoRecords, "no PTR record".to_owned())
            }
            Outcome::NoRecords if self.records.is_none() => Step::AsExpected(None),
            // A Service's records come all at once, so this is no state on the way.
            Outcome::NoRecords => {
                Step::Wrong(Kind::NoRecords, format!("no {} record", self.family.record_type()))
            }
            Outcome::NoSuchName => Step::Failed(Kind::NoSuchName, None),
            outcome
                if outcome.is_an_answer()
                    && matches!(self.outside, Some(OutsideServer::Anyone)) =>
            {
                Step::AsExpected(None)
            }
            Outcome::DnsFailure { detail } => Step::Failed(Kind::DnsFailure, Some(detail)),
            Outcome::Refused => Step::Failed(Kind::Refused, None),
            Outcome::TimedOut => Step::Failed(Kind::TimedOut, None),
            Outcome::Unreachable { detail } => Step::Failed(Kind::Unreachable, Some(detail)),
            Outcome::Reset => Step::Failed(Kind::Reset, None),
            Outcome::WrongAnswer { detail } => Step::Failed(Kind::WrongAnswer, Some(detail)),
        }
    }

    /// The backend that answered after it had been given up, where one did.
    pub(super) fn late(&self, outcome: &Outcome) -> Option<&'a str> {
        let Outcome::Answered(answer) = outcome else { return None };
        self.given_up.iter().copied().find(|pod| *pod == answer.pod)
    }

    fn answered(&self, answer: &'a Answer) -> Step<'a> {
        match &self.outside {
            Some(OutsideServer::Listener { name, address })
                if *name != answer.pod || *address != answer.server =>
            {
                let detail = format!("{} at {} answered, not {name}", answer.pod, answer.server);
                return Step::Wrong(Kind::WrongAnswer, detail);
            }
            Some(_) => return Step::AsExpected(Some(&answer.pod)),
            None => {}
        }
        let right = self.answerers.iter().any(|backend| {
            backend.address(self.family) == Some(answer.server)
                && backend.pod.as_ref().is_none_or(|pod| *pod == answer.pod)
        });
        // Its Service leads there rightly. It stands for none of those that must answer.
        if !right && self.given_up.contains(&answer.pod.as_str()) {
            return Step::AsExpected(None);
        }
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
            _ => Step::AsExpected(Some(&answer.pod)),
        }
    }

    fn named(&self, names: &[String]) -> Step<'a> {
        let Some(pointer) = &self.pointer else { return Step::AsExpected(None) };
        if names.iter().all(|name| name.to_ascii_lowercase().starts_with(pointer)) {
            return Step::AsExpected(None);
        }
        let right = pointer.trim_end_matches('.');
        Step::Wrong(Kind::WrongRecords, format!("{}, expected {right}", words::list(names)))
    }

    fn resolved(&self, addresses: &[IpAddr]) -> Step<'a> {
        let found: BTreeSet<IpAddr> = addresses.iter().copied().collect();
        let expected = match &self.records {
            records if records.are(&found) => return Step::AsExpected(None),
            Records::All(right) if !right.is_empty() => words::list(right),
            Records::Some(right) => format!("some of {}", words::count(right.len(), "address")),
            Records::All(_) | Records::Any => "none".to_owned(),
        };
        Step::Wrong(Kind::WrongRecords, format!("{}, expected {expected}", words::list(&found)))
    }
}
