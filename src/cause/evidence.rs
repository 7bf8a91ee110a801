//! What the rules look at: every probe with where it started, what it aimed at and what became of
//! it, and the cases that want an explanation.

use std::collections::{BTreeSet, HashMap};

pub(super) use super::origin::Origin;
use super::{
    Found, Judged,
    open::{Open, wants_explanation},
};
use crate::{
    check::{Busy, Kind, Reading, State, Status, Symptom, World},
    facts::TargetName,
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Probe, ProbeId, ProbeTable, Target, Vantage},
};

/// Everything that was found, arranged for the rules.
#[derive(Debug)]
pub struct Evidence<'a> {
    pub(super) world: World<'a>,
    pub(super) judged: &'a [Judged],
    pub(super) probes: &'a ProbeTable,
    /// Which machines were kept from their work.
    pub(super) busy: Busy<'a>,
    /// Every probe of the run.
    pub(super) probed: Vec<Probed<'a>>,
    /// The places of the probes that have to do with a node: that start there, are sent to its
    /// address, or must reach the backend on it.
    by_node: HashMap<(&'a str, IpFamily), Vec<usize>>,
    /// The places of the small probes from pod to pod.
    pod_paths: HashMap<(&'a str, &'a str, IpFamily), usize>,
    /// The families in which this machine reaches any node.
    ways_in: Vec<IpFamily>,
}

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
    fn tells_of_paths(&self) -> bool {
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

    /// Whether it asks a DNS server itself, at the Service or a pod's own address.
    pub(super) const fn is_dns_server(&self) -> bool {
        matches!(self.probe.aim, Aim::DnsService | Aim::DnsPod { .. })
    }

    /// Whether a DNS server was not heard where a family is broken: one that was asked over it.
    pub(super) fn dns_unheard_over(&self, evidence: &Evidence<'_>, family: IpFamily) -> bool {
        if self.is_dns_server() {
            self.bad() && self.family == family
        } else {
            self.dns_unheard() && evidence.dns_speaks(family)
        }
    }

    /// Whether the DNS server was not heard, as against heard with a wrong answer.
    pub(super) fn dns_unheard(&self) -> bool {
        (self.is_dns() || self.names_target())
            && self.kind().is_some_and(|kind| {
                !matches!(kind, Kind::NoRecords | Kind::NoSuchName | Kind::WrongRecords)
            })
    }
}

impl<'a> Evidence<'a> {
    pub(super) fn new(world: World<'a>, judged: &'a [Judged], probes: &'a ProbeTable) -> Self {
        let busy = Busy::of(world, probes);
        let probed = probes.iter().map(|(id, probe, observation)| Probed {
            id,
            probe,
            origin: match &probe.vantage {
                Vantage::Outside => Origin::Outside,
                Vantage::Pod { node }
                | Vantage::HostNetwork { node }
                | Vantage::Guarded { node } => Origin::Node(node),
                Vantage::ApiServer => Origin::ApiServer,
                Vantage::DnsPod { pod, .. } => Origin::DnsPod(pod),
            },
            family: probe.family(),
            external: is_external(world, probe),
            large: probe.target.is_large(),
            reading: busy.read(world, probe, observation),
        });
        let probed: Vec<Probed<'a>> = probed.collect();
        let mut by_node: HashMap<(&'a str, IpFamily), Vec<usize>> = HashMap::new();
        let mut pod_paths = HashMap::new();
        for (place, probed) in probed.iter().enumerate().filter(|(_, it)| it.tells_of_paths()) {
            let nodes: BTreeSet<&'a str> =
                [probed.from(), probed.at(), probed.backend()].into_iter().flatten().collect();
            for node in nodes {
                by_node.entry((node, probed.family)).or_default().push(place);
            }
            if let (true, Some(from), Some(to)) =
                (probed.is_pod_path() && !probed.large, probed.from(), probed.backend())
            {
                pod_paths.entry((from, to, probed.family)).or_insert(place);
            }
        }
        let outside = |family| {
            probed.iter().any(|probed| {
                matches!(probed.origin, Origin::Outside)
                    && probed.family == family
                    && probed.proves_a_way()
            })
        };
        let ways_in = IpFamily::ALL.into_iter().filter(|&family| outside(family)).collect();
        Self { world, judged, probes, busy, probed, by_node, pod_paths, ways_in }
    }

    /// The probes of one family that start at a node, are sent to its address, or must reach the
    /// backend on it, in their order.
    pub(super) fn touching<'e>(
        &'e self,
        node: &'e str,
        family: IpFamily,
    ) -> impl Iterator<Item = &'e Probed<'a>> + use<'a, 'e> {
        let places = self.by_node.get(&(node, family)).into_iter().flatten();
        places.filter_map(|&place| self.probed.get(place))
    }

    /// The pairs of nodes, in the order of the nodes, between whose pods a small probe went so in one
    /// direction or the other.
    pub(super) fn pairs(
        &self,
        family: IpFamily,
        went: impl Fn(&Probed<'a>) -> bool,
    ) -> Vec<(&'a str, &'a str)> {
        let order: HashMap<&str, usize> = self.world.fixture.selected().zip(0..).collect();
        let mut pairs: Vec<(&'a str, &'a str)> = self
            .of(family)
            .filter(|probed| probed.is_pod_path() && !probed.large && went(probed))
            .filter_map(|probed| Some((probed.from()?, probed.backend()?)))
            .filter(|(a, b)| a != b && order.contains_key(a) && order.contains_key(b))
            .map(|(a, b)| if order.get(a) < order.get(b) { (a, b) } else { (b, a) })
            .collect();
        pairs.sort_by_key(|(a, b)| (order.get(a), order.get(b)));
        pairs.dedup();
        pairs
    }

    /// Whether this machine reaches any node in a family.
    pub(super) fn way_in(&self, family: IpFamily) -> bool {
        self.ways_in.contains(&family)
    }

    /// The cases that failed or could not be told, and the probes that went wrong in them.
    pub(super) fn open(&self) -> Open {
        let cases: BTreeSet<usize> =
            (0..self.judged.len()).filter(|&case| wants_explanation(&self.judged[case])).collect();
        let bad = self.bad(|_| true);
        let tried = cases.iter().flat_map(|&case| self.judged[case].case.probes.iter().copied());
        let probed = tried.filter(|id| bad.contains(id)).collect();
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

    /// What a rule finds of each node in each family.
    pub(super) fn of_each_node(
        &self,
        at_node: impl Fn(&Self, &'a str, IpFamily) -> Option<Found>,
    ) -> Vec<Found> {
        let nodes = self.nodes();
        let each = self.families().flat_map(|family| nodes.iter().map(move |node| (*node, family)));
        each.filter_map(|(node, family)| at_node(self, node, family)).collect()
    }

    /// The probes that went wrong and that a rule points at.
    pub(super) fn bad(&self, points_at: impl Fn(&Probed<'a>) -> bool) -> BTreeSet<ProbeId> {
        let all = self.probed.iter();
        all.filter(|probed| probed.bad() && points_at(probed)).map(|probed| probed.id).collect()
    }

    /// The places of the red cases of a check that a rule points at.
    pub(super) fn red(&self, check: &str, points_at: impl Fn(&Judged) -> bool) -> BTreeSet<usize> {
        (0..self.judged.len())
            .filter(|&case| {
                let judged = &self.judged[case];
                judged.case.check == check
                    && judged.verdict.status() == Status::Fail
                    && points_at(judged)
            })
            .collect()
    }

    /// The probes of one family that want an answer.
    pub(super) fn of(&self, family: IpFamily) -> impl Iterator<Item = &Probed<'a>> {
        self.probed.iter().filter(move |probed| probed.family == family && probed.tells_of_paths())
    }

    /// The probes of one family that nobody may answer.
    pub(super) fn silences(&self, family: IpFamily) -> impl Iterator<Item = &Probed<'a>> {
        let silent = |probed: &Probed<'_>| probed.wants_silence() && !probed.probe.aim.is_guarded();
        self.probed.iter().filter(move |probed| probed.family == family && silent(probed))
    }

    /// The small probe from a pod on one node to the pod on another.
    pub(super) fn pod_path(&self, from: &str, to: &str, family: IpFamily) -> Option<&Probed<'a>> {
        self.pod_paths.get(&(from, to, family)).and_then(|&place| self.probed.get(place))
    }

    /// `n1 -> n2: timed out twice`, for a list of evidence.
    pub(super) fn say_pod_path(&self, from: &str, to: &str, family: IpFamily) -> Option<String> {
        let probed = self.pod_path(from, to, family)?;
        Some(format!("pod on {from} to pod on {to} over {family}: {}", probed.seen()))
    }

    /// Whether a probe uses the pod network from one node to another, there or back. `directed`:
    /// only packets that go from `a` to pods on `b` count.
    pub(super) fn crosses(&self, probed: &Probed<'a>, a: &str, b: &str, directed: bool) -> bool {
        let backend = probed.backend();
        let one_way = |a: &str, b: &str| match &probed.probe.aim {
            Aim::Backend { node } => self.is_between(probed, node, a, b),
            // Host-network pods have no pod network around them.
            Aim::ClusterIp { service } | Aim::NodePort { service, .. }
                if matches!(service, ServiceRole::HostBackend(_)) =>
            {
                false
            }
            Aim::ClusterIp { .. } => match backend {
                Some(backend) => self.is_between(probed, backend, a, b),
                // Of a shared Service any backend may have been picked.
                None => probed.from() == Some(a) || probed.from() == Some(b),
            },
            // The node sends to the backend with its own address, and the answer back to the pod.
            Aim::NodePort { node, .. } => {
                node == a && (backend == Some(b) || probed.from() == Some(b))
            }
            Aim::DnsPod { node: Some(node), .. } | Aim::TargetEndpoint { node: Some(node), .. } => {
                self.is_between(probed, node, a, b)
            }
            Aim::TargetIp { target } => {
                self.serves(target).any(|node| self.is_between(probed, node, a, b))
            }
            Aim::Records { .. } | Aim::TargetRecords { .. } | Aim::DnsService => {
                (probed.is_dns_server() || probed.dns_unheard())
                    && self.dns_nodes().any(|dns| self.is_between(probed, dns, a, b))
            }
            Aim::Node { .. }
            | Aim::HostBackend { .. }
            | Aim::Changing { .. }
            | Aim::LoadBalancer { .. }
            | Aim::ProxyHealth { .. }
            | Aim::KubernetesService
            | Aim::Proxied { .. }
            | Aim::Outside
            | Aim::Guarded { .. }
            | Aim::Forwarded { .. }
            | Aim::Name { .. }
            | Aim::Pointer { .. }
            | Aim::TargetEndpoint { node: None, .. }
            | Aim::DnsPod { node: None, .. } => false,
        };
        one_way(a, b) || (!directed && one_way(b, a))
    }

    /// Whether a connection from where the probe started to a pod on a node has packets that go
    /// from `a` to pods on `b`: its requests, or its answers.
    fn is_between(&self, probed: &Probed<'a>, to: &str, a: &str, b: &str) -> bool {
        let from = probed.from();
        (from == Some(a) && to == b) || (from == Some(b) && to == a)
    }

    /// Whether what is sent to a Service of the operator's may go to a pod on a node.
    pub(super) fn leads_to(&self, aim: &Aim, node: &str) -> bool {
        match aim {
            Aim::TargetEndpoint { node: on, .. } => on.as_deref() == Some(node),
            Aim::TargetIp { target } => self.serves(target).any(|on| on == node),
            _ => false,
        }
    }

    /// The nodes on which the endpoints of a Service of the operator's are.
    fn serves(&self, target: &TargetName) -> impl Iterator<Item = &'a str> + use<'a> {
        let endpoints = self.world.facts.target(target).and_then(|it| it.endpoints.known());
        endpoints.into_iter().flatten().filter_map(|endpoint| endpoint.node.as_deref())
    }

    /// The nodes on which DNS pods run.
    pub(super) fn dns_nodes(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let dns = self.world.facts.cluster_dns.known();
        dns.into_iter().flat_map(|dns| &dns.pods).filter_map(|pod| pod.node.as_deref())
    }

    /// Whether an API server behind the Service kubernetes is on a node.
    pub(super) fn serves_api(&self, node: &str, family: IpFamily) -> bool {
        let facts = self.world.facts;
        let Some(slices) = facts.kubernetes_service.known().and_then(|it| it.slices.known()) else {
            return false;
        };
        let nodes = facts.nodes.known().into_iter().flatten();
        let own: Vec<_> = nodes
            .filter(|known| known.name == node)
            .flat_map(|known| known.internal_ips(family))
            .collect();
        slices.iter().flat_map(|slice| &slice.endpoints).any(|endpoint| own.contains(endpoint))
    }

    /// The same in any family.
    pub(super) fn serves_api_by_any(&self, node: &str) -> bool {
        IpFamily::ALL.into_iter().any(|family| self.serves_api(node, family))
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

/// Whether a probe asks for a Service of type ExternalName.
fn is_external(world: World<'_>, probe: &Probe) -> bool {
    let target = match &probe.aim {
        Aim::TargetRecords { target } => world.facts.target(target),
        _ => None,
    };
    target.and_then(|target| target.service.known()).is_some_and(|it| it.is_external())
}
