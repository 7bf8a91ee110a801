//! What became of a client of a Service with local traffic policies.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{
    check::{
        Blocked, Failure, Reading, Readings, State, Verdict, World, commands, outcome, remedy,
        service::asked::tried_by,
    },
    facts::Node,
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Outcome, Target},
};

/// A client of a Service whose only backend is on one node, in one family.
#[derive(Debug)]
pub(in crate::check) struct Client {
    pub(super) from: Origin,
    /// The node of the backend.
    pub(super) owner: String,
    pub(super) family: IpFamily,
}

/// Where a client is.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::check) enum Origin {
    /// A pod on this node.
    Pod(String),
    /// This machine.
    Outside,
}

/// How the detail of a failure begins where the client's address was changed.
pub(crate) const SOURCE_LOST: &str = "source address lost";

pub(super) fn verdict(world: World<'_>, client: &Client, readings: &Readings<'_>) -> Verdict {
    let own = chosen(readings);
    let (silences, answers): (Vec<_>, Vec<_>) = own.iter().partition(|it| wants_silence(it));
    if let Some((reading, _)) = silences.iter().find_map(|it| Some((it, it.symptom()?))) {
        let at = reading.probe.aim.node().map_or(client.from.node(), Some).unwrap_or_default();
        let detail = format!("{at}, a node without a backend, answers");
        return Verdict::fail(detail, client.answered(world, reading, at));
    }
    let reached = |reading: &Reading<'_>| witness(reading, readings).map(|it| &it.state);
    for reading in &answers {
        let Some(symptom) = reading.symptom() else { continue };
        if let Some(State::Bad(other)) = reached(reading) {
            return blocked(world, reading, &other.detail);
        }
        let failure = client.unanswered(world, reading, &symptom.detail);
        return Verdict::fail(symptom.detail.clone(), failure);
    }
    let seen = answers.iter().find_map(|reading| Some((reading, client.lost(world, reading)?)));
    if let Some((reading, address)) = seen {
        match client.is_here(world, readings) {
            RunsOnNode::No => {
                let detail = format!("{SOURCE_LOST}: nginx saw {address} as the client");
                return Verdict::fail(detail, client.masqueraded(world, reading, address));
            }
            RunsOnNode::Perhaps => {
                let detail = "answered; whether it sees this machine's address is unknown, because that may be \
                              the node's own";
                return outcome::unknown(&own).unwrap_or_else(|| Verdict::pass(detail));
            }
        }
    }
    if let Some(unknown) = outcome::unknown(&own) {
        return unknown;
    }
    // Silence says something only where another Service is answered.
    for reading in silences {
        match reached(reading) {
            Some(State::Good) => {}
            Some(State::Bad(other)) => return blocked(world, reading, &other.detail),
            Some(State::Unknown(reason)) => return Verdict::inconclusive(reason.clone()),
            None => {
                return Verdict::inconclusive("no other Service was probed there to compare with");
            }
        }
    }
    outcome::unless_unknown(&answers.into_iter().cloned().collect::<Vec<_>>())
}

fn blocked(world: World<'_>, reading: &Reading<'_>, detail: &str) -> Verdict {
    let reason = format!("other Services are not reached either ({detail})");
    Blocked { by: Some(tried_by(reading.probe)), reason }.verdict(world.suite)
}

const fn wants_silence(reading: &Reading<'_>) -> bool {
    matches!(reading.probe.target, Target::Unanswered { .. })
}

/// Of several addresses of a node those at which other Services are reached, or else the first.
fn chosen<'a>(readings: &Readings<'a>) -> Vec<Reading<'a>> {
    let mut chosen: Vec<Reading<'a>> = Vec::new();
    let works = |reading: &Reading<'_>| {
        witness(reading, readings).is_some_and(|it| it.state == State::Good)
    };
    for reading in &readings.own {
        match chosen.iter_mut().find(|it| it.probe.aim == reading.probe.aim) {
            Some(other) if !works(other) && works(reading) => *other = reading.clone(),
            Some(_) => {}
            None => chosen.push(reading.clone()),
        }
    }
    chosen
}

/// The same way to a Service without such policies.
fn witness<'r, 'a>(reading: &Reading<'_>, readings: &'r Readings<'a>) -> Option<&'r Reading<'a>> {
    let ip = |reading: &Reading<'_>| reading.probe.target.address().map(|address| address.ip());
    readings.witnesses.iter().find(|other| {
        let same = match (reading.probe.aim.node(), other.probe.aim.node()) {
            (Some(node), Some(entry)) => node == entry && ip(reading) == ip(other),
            (None, None) => true,
            _ => false,
        };
        same && matches!(other.probe.aim.service(), Some(ServiceRole::Backend(_)))
    })
}

/// Whether the machine that runs us is the node whose address a backend saw.
enum RunsOnNode {
    No,
    Perhaps,
}

impl Origin {
    fn node(&self) -> Option<&str> {
        match self {
            Self::Pod(node) => Some(node),
            Self::Outside => None,
        }
    }
}

/// The clients that a backend saw.
fn clients(reading: &Reading<'_>) -> impl Iterator<Item = IpAddr> {
    reading.attempts.iter().filter_map(|attempt| match &attempt.outcome {
        Outcome::Answered(answer) => Some(answer.client),
        _ => None,
    })
}

impl Client {
    /// The address that the backend saw in place of the client's, where it is certain that its node
    /// put it there: one of the node's own.
    fn lost(&self, world: World<'_>, reading: &Reading<'_>) -> Option<IpAddr> {
        // What a pod sends to another node may be masqueraded by its own; at a ClusterIP nothing is
        // promised here.
        reading.probe.aim.node()?;
        let own = |node: &str| world.fixture.probe_on(node)?.address(self.family);
        let pod = self.from.node().and_then(own);
        clients(reading).find(|&seen| Some(seen) != pod && self.is_owners(world, seen))
    }

    /// Whether an address is of the backend's node: its own, or in the range that its pods have.
    fn is_owners(&self, world: World<'_>, address: IpAddr) -> bool {
        let Some(node) = world.facts.node(&self.owner) else { return false };
        let is_own = node.internal_ips(self.family).any(|ip| ip == address);
        is_own || self.pod_range(world, node).is_some_and(|range| range.contains(&address))
    }

    /// The range of a node's pods, where its pods and those of the client's node have their addresses
    /// from there: some pod networks have ranges of their own.
    fn pod_range(&self, world: World<'_>, node: &Node) -> Option<IpNet> {
        let ranges = node.pod_cidrs.iter().filter_map(|range| range.parse::<IpNet>().ok());
        let pod = world.fixture.backend_on(&node.name)?.address(self.family)?;
        let range = ranges.into_iter().find(|range| range.contains(&pod))?;
        let strangers = world.fixture.backends.iter().filter(|other| other.node != node.name);
        let mut strangers = strangers.filter_map(|other| other.address(self.family));
        strangers.all(|other| !range.contains(&other)).then_some(range)
    }

    /// Whether the client may be the backend's node itself: then another node sees it as the client.
    fn is_here(&self, world: World<'_>, readings: &Readings<'_>) -> RunsOnNode {
        if self.from != Origin::Outside {
            return RunsOnNode::No;
        }
        let others = readings
            .witnesses
            .iter()
            .filter(|it| matches!(it.probe.aim.service(), Some(ServiceRole::Local(_))));
        let mut seen = others.flat_map(clients).peekable();
        let comparable = seen.peek().is_some();
        if comparable && !seen.any(|client| self.is_owners(world, client)) {
            RunsOnNode::No
        } else {
            RunsOnNode::Perhaps
        }
    }

    fn who(&self) -> String {
        match &self.from {
            Origin::Pod(node) => format!("A pod on node {node}"),
            Origin::Outside => "This machine".to_owned(),
        }
    }

    fn answered(&self, world: World<'_>, reading: &Reading<'_>, at: &str) -> Failure {
        let Self { owner, family, .. } = self;
        let field = if reading.probe.aim.node().is_some() {
            "externalTrafficPolicy"
        } else {
            "internalTrafficPolicy"
        };
        let what = format!(
            "{} is answered over {family} at {} by a Service with {field} Local, though its only \
             backend is on node {owner}: node {at} sends it there all the same.",
            self.who(),
            reading.probe.target
        );
        self.failure(world, reading, at, what).fix([format!(
            "Check that the service proxy on {at} is of a version that implements {field} for {family}, \
             and that it has read the Service as it is now."
        )])
        .fix(remedy::service_proxy(world, *family, at))
    }

    fn unanswered(&self, world: World<'_>, reading: &Reading<'_>, detail: &str) -> Failure {
        let Self { owner, family, .. } = self;
        let what = format!(
            "{} gets no answer over {family} at {} from a Service with local traffic policies, though \
             its backend is on node {owner} itself: {detail}. Other Services are reached there.",
            self.who(),
            reading.probe.target
        );
        self.failure(world, reading, owner, what).fix([format!(
            "Check that the service proxy on {owner} knows the backend as one of its own node: the node's \
             name must be the nodeName of the endpoint (`--hostname-override` of kube-proxy and kubelet \
             must agree)."
        )])
        .fix(remedy::service_proxy(world, *family, owner))
    }

    fn masqueraded(&self, world: World<'_>, reading: &Reading<'_>, seen: IpAddr) -> Failure {
        let Self { owner, family, .. } = self;
        let what = format!(
            "{} reaches a Service with externalTrafficPolicy Local at {} over {family}, and its backend \
             on node {owner} sees {seen}, an address of that node, instead of the client's.",
            self.who(),
            reading.probe.target
        );
        self.failure(world, reading, owner, what).fix([
            format!(
                "Look on {owner} for rules that masquerade {family} on its way to pods, before or after \
                 the service proxy's own: `{}`.",
                commands::rules(owner)
            ),
            "If a firewall, the pod network or an IP masquerade agent does it, let it leave out what \
             comes for the node's own pods."
                .to_owned(),
        ])
    }

    fn failure(
        &self,
        world: World<'_>,
        reading: &Reading<'_>,
        node: &str,
        what: String,
    ) -> Failure {
        Failure::new(what)
            .reproduce(commands::repeat(world, [reading.probe]))
            .reproduce(remedy::inspect_service(world, self.family, node, reading.probe))
    }
}
