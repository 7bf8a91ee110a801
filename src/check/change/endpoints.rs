//! `change::endpoints`

use std::net::SocketAddr;

use crate::{
    check::{
        About, Blocked, Check, Failure, Need, Planned, Promise, Reading, Readings, Subject,
        Symptom, Verdict, World, commands, outcome,
        plan::{self, Source},
        remedy, service,
    },
    fixture::{Allocation, ServiceRole, Turn},
    net::IpFamily,
    probe::{Aim, Attempt, Probe, Target},
};

/// The Service whose endpoints change.
const ROLE: ServiceRole = ServiceRole::Changing;

/// The port from which a pod sends its datagrams, below those that systems give to connections.
const FLOW_PORT: u16 = 20_000;

/// Service proxies follow endpoints that go and come back.
#[derive(Debug)]
pub(in crate::check) struct Endpoints;

/// A pod that uses the Service whose endpoints change, in one family.
#[derive(Debug)]
pub(in crate::check) struct Follower {
    node: String,
    family: IpFamily,
}

impl Check for Endpoints {
    type Subject = Follower;

    const PROMISE: Promise = Promise {
        id: "change::endpoints",
        summary: "from every node, soon after a Service's only backend is replaced, its connections reach the \
                  new backend and no longer the old one, and so do datagrams from the same port",
        why: "Every rollout replaces backends. A service proxy that follows in one family only sends the other \
              one to addresses that are gone, or reused by another pod; and a flow of datagrams that conntrack \
              still tracks goes to the old backend until the proxy deletes the entry, separately in each family.",
        source: "https://kubernetes.io/docs/reference/networking/virtual-ips/; upstream's dual-stack tests \"should \
         update endpoints\", and its tests of conntrack",
        about: About::feature("ServiceEndpointChange")
            .titled("Endpoints that change")
            .asserts(&["should update endpoints: http", "should update endpoints: udp"]),
        needs: &[Need::Exec, Need::Changes],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Follower>> {
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            for source in plan::pods(world) {
                let node = source.pod.node.clone();
                let subject = Subject::path(&node, ROLE.to_string());
                let turns = [Turn::Before, Turn::Back];
                let behind = turns
                    .into_iter()
                    .filter_map(|turn| world.fixture.changing_backend(turn, family));
                let own_services = behind.flat_map(|backend| {
                    let node = &backend.node;
                    let by_tcp = service::tcp(world, &source, node, family);
                    by_tcp.into_iter().chain(service::small(world, &source, node, family))
                });
                let witnesses: Vec<Probe> = own_services.collect();
                let case = Planned::probing(world, subject, family, || {
                    let probes = probes(world, &source, family)?;
                    Ok((Follower { node, family }, probes))
                });
                cases.push(case.beside(&witnesses));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, follower: &Follower, readings: &Readings<'_>) -> Verdict {
        let bad = || outcome::bad(&readings.own);
        let Some((reading, symptom)) = bad().next() else {
            return outcome::unknown(&readings.own)
                .unwrap_or_else(|| Verdict::pass(times(&readings.own)));
        };
        let udp = reading.probe.target.is_udp();
        let same = readings.witnesses.iter().filter(|it| it.probe.target.is_udp() == udp);
        if let Some(other) = same.filter_map(Reading::symptom).next() {
            let by = Some(if udp { "service::udp" } else { "service::cluster_ip_reachable" });
            let reason = format!("nor is the backend's own Service reached ({})", other.detail);
            return Blocked { by, reason }.verdict(world.suite);
        }
        if reading.probe.aim.turn() == Some(Turn::Before) {
            return Verdict::inconclusive(format!(
                "before anything changed its backend was not reached ({})",
                symptom.detail
            ));
        }
        Verdict::fail(symptom.detail.clone(), follower.failure(world, reading, symptom))
    }

    #[cfg(test)]
    fn broken(&self) -> Option<crate::lab::Lab> {
        let fault = crate::lab::Fault::StaleFlows { at: "n1", family: IpFamily::V6 };
        Some(crate::lab::Lab::dual().with_changes().with(fault))
    }
}

/// What is tried in each turn.
fn probes(world: World<'_>, source: &Source<'_>, family: IpFamily) -> Result<Vec<Probe>, Blocked> {
    source.address(family)?;
    if let Some(reason) = &world.fixture.manual_slices_missing {
        let reason = format!("our EndpointSlices could not be created: {reason}");
        return Err(Blocked { by: None, reason });
    }
    let found = world.fixture.service(&ROLE);
    let missing = |what: &str| Blocked {
        by: None,
        reason: format!("the Service {ROLE} has no {family} {what}"),
    };
    let service = found.ok_or_else(|| missing("ClusterIP"))?;
    let ip = service.cluster_ip(family).ok_or_else(|| missing("ClusterIP"))?;
    let udp = service.udp_port().ok_or_else(|| missing("UDP port"))?;
    if world.fixture.changing_backend(Turn::Before, family).is_none() {
        return Err(missing("backend"));
    }
    let Allocation::Accepted { port, .. } = &service.allocation else {
        return Err(missing("port"));
    };
    let address = SocketAddr::new(ip, *port);
    let flow = Target::Flow { address: SocketAddr::new(ip, udp), from: FLOW_PORT };
    let connection = Target::Http { address, payload: 0 };
    let once = plan::once(world.suite);
    let probe = |turn, target| source.probe(Aim::Changing { turn }, target, once);
    // Whether it is refused then is for service::no_endpoints to say: a kernel sends few refusals at once.
    let gone = Aim::Changing { turn: Turn::Gone };
    let gone = source.probe(gone, Target::Unanswered { address }, plan::denied(world.suite));
    Ok(vec![
        probe(Turn::Before, connection.clone()),
        probe(Turn::Before, flow.clone()),
        gone,
        probe(Turn::Back, connection),
        probe(Turn::After, flow),
    ])
}

/// How long it took until nobody was sent to a backend that was gone, and until another one was used.
fn times(readings: &[Reading<'_>]) -> String {
    let of = |turn| readings.iter().find(|it| it.probe.aim.turn() == Some(turn)).map(waited);
    let said = |millis: Option<u32>| match millis {
        Some(millis) => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        None => "an unknown time".to_owned(),
    };
    format!("gone within {}, back within {}", said(of(Turn::Gone)), said(of(Turn::Back)))
}

/// The time of a probe's attempts that failed before its first success, with the pauses after them, in
/// milliseconds.
fn waited(reading: &Reading<'_>) -> u32 {
    let until = reading.attempts.iter().take(reading.settling);
    let pauses = (0..reading.settling).map(|failed| if failed == 0 { 100 } else { 300 });
    until.map(|attempt: &Attempt| attempt.millis).chain(pauses).fold(0, u32::saturating_add)
}

impl Follower {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { node, family } = self;
        let namespace = &world.fixture.namespace;
        let target = &reading.probe.target;
        let address = target.address().map(|address| address.ip().to_string()).unwrap_or_default();
        let seconds = world.suite.probes.settle_ms / 1_000;
        let detail = &symptom.detail;
        let what = match reading.probe.aim.turn() {
            Some(Turn::Gone) => format!(
                "{seconds} s after a Service's only backend was removed, node {node} still sent {family} \
                 connections of a pod to it at the ClusterIP {target}: {detail}."
            ),
            Some(Turn::After) => format!(
                "Datagrams that a pod on node {node} sends from one port to the {family} ClusterIP {target} do \
                 not follow the Service to its new backend, while connections do: {detail}."
            ),
            _ => format!(
                "A Service got a new backend, and a pod on node {node} did not reach it at the {family} \
                 ClusterIP {target} within {seconds} s: {detail}."
            ),
        };
        let first = match reading.probe.aim.turn() {
            Some(Turn::After) => format!(
                "Check that the service proxy on {node} deletes conntrack entries of {family} when endpoints \
                 change (kube-proxy logs that it can't; it needs NET_ADMIN and the kernel's \
                 nf_conntrack_netlink), and that nothing before its rules translates these datagrams."
            ),
            _ => format!(
                "Check that the service proxy on {node} watches EndpointSlices and writes its {family} rules: \
                 it may be stopped, throttled, or fail in that family (node::proxy_health)."
            ),
        };
        Failure::new(what)
            .reproduce(commands::repeat(world, [reading.probe]))
            .reproduce([format!(
                "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name=changing -o wide  # \
                 only after run --keep; delete the endpoints and ask again"
            )])
            .reproduce(remedy::inspect_own(world, *family, node, &address))
            .fix([first])
            .fix(remedy::service_proxy(world, *family, node))
    }
}
