//! A probe as the rules see it: where it started, what it aimed at and what became of it.

use super::origin::Origin;
use crate::{
    check::{Kind, Reading, State, Symptom},
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Outcome, Probe, ProbeId, Target, Vantage},
};

/// A probe and what became of it.
#[derive(Debug)]
pub(super) struct Probed<'a> {
    id: ProbeId,
    pub(super) probe: &'a Probe,
    pub(super) origin: Origin<'a>,
    pub(super) family: IpFamily,
    /// Whether it asks for a name that servers outside the cluster answer for.
    external: bool,
    /// Whether it asked for a large body.
    pub(super) large: bool,
    pub(super) reading: Reading<'a>,
}

impl<'a> Probed<'a> {
    pub(super) fn new(id: ProbeId, probe: &'a Probe, external: bool, reading: Reading<'a>) -> Self {
        let origin = match &probe.vantage {
            Vantage::Outside => Origin::Outside,
            Vantage::Pod { node } | Vantage::HostNetwork { node } | Vantage::Guarded { node } => {
                Origin::Node(node)
            }
            Vantage::ApiServer => Origin::ApiServer,
            Vantage::DnsPod { pod, .. } => Origin::DnsPod(pod),
        };
        let (family, large) = (probe.family(), probe.target.is_large());
        Self { id, probe, origin, family, external, large, reading }
    }

    /// How it went wrong, where it did.
    pub(super) const fn symptom(&self) -> Option<&Symptom> {
        self.reading.symptom()
    }

    /// Whether nothing came back that was meant for us, from the first attempt to the last.
    pub(super) fn dead(&self) -> bool {
        let unanswered = |kind| {
            use Kind::{Unanswered, Unhealthy, WrongAnswer, WrongSource};
            !matches!(kind, WrongAnswer | WrongSource | Unanswered | Unhealthy)
        };
        self.symptom().is_some_and(|symptom| !symptom.intermittent && unanswered(symptom.kind))
    }

    pub(super) fn good(&self) -> bool {
        self.reading.state == State::Good
    }

    pub(super) fn bad(&self) -> bool {
        self.symptom().is_some()
    }

    /// Whether it is not known what became of it: it says nothing for a fault, nor against one.
    pub(super) const fn unknown(&self) -> bool {
        matches!(self.reading.state, State::Unknown(_))
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

    /// Where it started, in a phrase.
    pub(super) fn whence(&self) -> String {
        match &self.probe.vantage {
            Vantage::HostNetwork { node } => format!("from the host network of {node}"),
            _ => self.origin.to_string(),
        }
    }

    /// `from a pod on n1 at 10.0.0.1:80: timed out twice`, for a list of evidence.
    pub(super) fn told(&self) -> String {
        format!("{} at {}: {}", self.whence(), self.probe.target, self.seen())
    }

    pub(super) const fn id(&self) -> ProbeId {
        self.id
    }

    /// The node it started on.
    pub(super) const fn from(&self) -> Option<&'a str> {
        match self.origin {
            Origin::Node(node) => Some(node),
            Origin::Outside | Origin::ApiServer | Origin::DnsPod(_) => None,
        }
    }

    /// The node of the one backend it must reach, where there is one.
    pub(super) fn backend(&self) -> Option<&'a str> {
        self.probe.aim.backend()
    }

    /// The node of the host-network pod that it must reach, where it is sent to one.
    pub(super) fn host_backend(&self) -> Option<&'a str> {
        match (&self.probe.aim, self.service()) {
            (Aim::HostBackend { node }, _) | (_, Some(ServiceRole::HostBackend(node))) => {
                Some(node)
            }
            _ => None,
        }
    }

    /// The Service that it was sent to.
    pub(super) const fn service(&self) -> Option<&'a ServiceRole> {
        self.probe.aim.service()
    }

    /// The node whose own address it was sent to.
    pub(super) fn at(&self) -> Option<&'a str> {
        self.probe.aim.node()
    }

    /// Whether it sends datagrams. What the rules say of ClusterIPs, NodePorts and pods is of TCP.
    pub(super) const fn udp(&self) -> bool {
        self.probe.target.is_udp()
    }

    /// Whether nobody may answer it: its silence says nothing of the path.
    pub(super) const fn wants_silence(&self) -> bool {
        matches!(self.probe.target, Target::Unanswered { .. })
    }

    /// Whether what comes of it tells of the paths from, to and at a node.
    pub(super) fn tells_of_paths(&self) -> bool {
        !self.wants_silence()
            && !self.is_loopback()
            && !self.probe.aim.is_guarded()
            && self.probe.aim.turn().is_none()
            && !matches!(
                self.probe.aim,
                Aim::ProxyHealth { .. } | Aim::Forwarded { .. } | Aim::LoadBalancer { .. }
            )
    }

    pub(super) const fn is_cluster_ip(&self) -> bool {
        matches!(self.probe.aim, Aim::ClusterIp { .. }) && !self.udp()
    }

    /// Whether it is sent to a ClusterIP behind which every backend stands, so that any of them may have been
    /// picked.
    pub(super) fn is_shared(&self) -> bool {
        let shared = self.service().is_some_and(|role| {
            use ServiceRole::{Manual, PolicyChange, SessionAffinity};
            ServiceRole::SHARED.contains(role)
                || matches!(role, Manual | PolicyChange | SessionAffinity)
        });
        shared && self.is_cluster_ip()
    }

    /// Whether it must reach a backend on such a node, or may have been sent to one, as to any.
    pub(super) fn may_meet(&self, node: impl FnOnce(&str) -> bool) -> bool {
        self.backend().map_or_else(|| self.is_shared(), node)
    }

    /// Whether it starts in the node's own network.
    pub(super) const fn by_host(&self) -> bool {
        matches!(self.probe.vantage, Vantage::HostNetwork { .. })
    }

    /// Whether it opens a connection to the API server by the Service kubernetes.
    pub(super) const fn is_api_server(&self) -> bool {
        matches!(self.probe.aim, Aim::KubernetesService)
    }

    /// Whether the API server connects to a pod.
    pub(super) const fn is_proxied(&self) -> bool {
        matches!(self.probe.aim, Aim::Proxied { .. })
    }

    /// Whether it is to be translated at a node: not answered, or refused, by the node itself.
    pub(super) fn is_node_port(&self) -> bool {
        let translated =
            !matches!(self.probe.target, Target::Health { .. } | Target::Closed { .. });
        let node_port = matches!(self.probe.aim, Aim::NodePort { .. });
        node_port && translated && !self.udp() && !self.is_loopback()
    }

    /// Whether a node asks itself at 127.0.0.1, which says nothing of its own address.
    pub(super) fn is_loopback(&self) -> bool {
        self.probe.target.address().is_some_and(|address| address.ip().is_loopback())
    }

    pub(super) const fn is_dns(&self) -> bool {
        matches!(self.probe.aim, Aim::Records { .. })
    }

    /// Whether it is sent to a ClusterIP of a Service of the operator's.
    pub(super) const fn is_target_ip(&self) -> bool {
        matches!(self.probe.aim, Aim::TargetIp { .. })
    }

    /// Whether it asks for a Service of the operator's that has addresses in the cluster. The name of
    /// any other is for servers elsewhere to answer.
    pub(super) const fn names_target(&self) -> bool {
        matches!(self.probe.aim, Aim::TargetRecords { .. }) && !self.external
    }

    pub(super) const fn is_pod_path(&self) -> bool {
        matches!(self.probe.aim, Aim::Backend { .. }) && !self.udp()
    }

    /// Whether any attempt shows that packets got there and back.
    pub(super) fn proves_a_way(&self) -> bool {
        self.reading.proves_a_way()
    }

    /// Whether a NodePort led through the node it is on. A refusal before the end is the node's own, whose proxy has
    /// yet to open the port; one in the end may be a backend's.
    pub(super) fn leads_through(&self) -> bool {
        let mut outcomes = self.reading.attempts.iter().map(|attempt| &attempt.outcome);
        outcomes.next_back().is_some_and(Outcome::proves_a_way)
            || outcomes.any(|outcome| outcome.proves_a_way() && *outcome != Outcome::Refused)
    }

    /// Whether a NodePort was refused before the end.
    pub(super) fn refused_at_first(&self) -> bool {
        let mut outcomes = self.reading.attempts.iter().map(|attempt| &attempt.outcome);
        outcomes.next_back();
        outcomes.any(|outcome| *outcome == Outcome::Refused)
    }

    /// Whether it asks a DNS server itself, at the Service or a pod's own address.
    pub(super) const fn is_dns_server(&self) -> bool {
        matches!(self.probe.aim, Aim::DnsService | Aim::DnsPod { .. })
    }

    /// Whether the DNS server was not heard, as against heard with a wrong answer.
    pub(super) fn dns_unheard(&self) -> bool {
        (self.is_dns() || self.names_target())
            && self.kind().is_some_and(|kind| {
                !matches!(kind, Kind::NoRecords | Kind::NoSuchName | Kind::WrongRecords)
            })
    }
}
