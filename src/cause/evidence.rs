//! What the rules look at: every probe and what became of it, and the cases that want an explanation.

use std::collections::{BTreeSet, HashMap};

use super::{
    Found, Judged,
    open::{Open, wants_explanation},
};
pub(super) use super::{origin::Origin, probed::Probed};
use crate::{
    check::{Busy, Status, World},
    facts::TargetName,
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Probe, ProbeId, ProbeTable},
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

impl<'a> Evidence<'a> {
    pub(super) fn new(world: World<'a>, judged: &'a [Judged], probes: &'a ProbeTable) -> Self {
        let busy = Busy::of(world, probes);
        let probed = probes.iter().map(|(id, probe, observation)| {
            let reading = busy.read(world, probe, observation);
            Probed::new(id, probe, is_external(world, probe), reading)
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
        all.filter(|probed| probed.bad() && points_at(probed)).map(|probed| probed.id()).collect()
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

    /// Whether a DNS server was not heard where a family is broken: one that was asked over it.
    pub(super) fn dns_unheard_over(&self, probed: &Probed<'_>, family: IpFamily) -> bool {
        if probed.is_dns_server() {
            probed.bad() && probed.family == family
        } else {
            probed.dns_unheard() && self.dns_speaks(family)
        }
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
