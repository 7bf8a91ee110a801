//! `node_port::udp`

use std::net::SocketAddr;

use super::ports::probes_at_node;
use crate::{
    check::{
        About, Blocked, Check, Failure, Need, Planned, Promise, Reading, Readings, State, Subject,
        Symptom, Verdict, World, commands, outcome, pairs::Pairs, plan, remedy,
        service::LARGE_DATAGRAM, words,
    },
    facts::Source,
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Probe, Target},
};

/// NodePorts are reached over UDP.
#[derive(Debug)]
pub(in crate::check) struct Udp;

/// A way from a pod to a node's UDP NodePorts, in one family.
#[derive(Debug)]
pub(in crate::check) struct UdpPortPath {
    from: String,
    to: String,
    family: IpFamily,
}

impl Check for Udp {
    type Subject = UdpPortPath;

    const PROMISE: Promise = Promise {
        id: "node_port::udp",
        summary: "a pod on every node gets answers to datagrams from the backends of every node at every \
         node's UDP NodePorts, wherever it gets them over TCP",
        why: "Load balancers for DNS, QUIC and VoIP send datagrams to NodePorts. The reply must take the same \
              path back, by conntrack entries that each family keeps separately; if they are lost, TCP may \
              still work.",
        source: "Service type NodePort and field spec.ports[].protocol; \
         https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport",
        about: About::feature("NodePortUDP").titled("NodePort over UDP").asserts(&[
            "should function for pod-Service: udp",
            "should be able to handle large requests: udp",
        ]),
        needs: &[Need::Facts(Source::Nodes), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<UdpPortPath>> {
        let mut cases = Vec::new();
        let pairs = Pairs::new(world);
        for family in plan::families(world.suite) {
            for source in plan::pods(world) {
                for to in pairs.entries(&source.pod.node) {
                    let from = &source.label;
                    let tcp = source.address(family).and_then(|_| {
                        probes_at_node(world, &source.vantage, to, family, &pairs.behind(to))
                    });
                    let witnesses = tcp.as_deref().unwrap_or_default().to_vec();
                    let case = Planned::probing(world, Subject::path(from, to), family, || {
                        let probes = over_udp(world, &tcp?, to)?;
                        Ok((UdpPortPath { from: from.clone(), to: to.to_owned(), family }, probes))
                    });
                    cases.push(case.beside(&witnesses));
                }
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, path: &UdpPortPath, readings: &Readings<'_>) -> Verdict {
        let works = |udp: &Reading<'_>| {
            readings
                .witnesses
                .iter()
                .filter(|tcp| !tcp.probe.target.is_large())
                .any(|tcp| tcp.probe.aim == udp.probe.aim && tcp.state == State::Good)
        };
        let bad: Vec<(&Reading<'_>, &Symptom)> = outcome::bad(&readings.own).collect();
        let Some(first) = bad.iter().find(|(reading, _)| works(reading)) else {
            return match bad.first() {
                None => outcome::unless_unknown(&readings.own),
                Some((_, symptom)) => Blocked {
                    by: Some("node_port::from_pod"),
                    reason: format!("TCP doesn't get there either ({})", symptom.detail),
                }
                .verdict(world.suite),
            };
        };
        let detail = outcome::share(bad.len(), readings.own.len(), "datagram", &first.1.detail);
        let UdpPortPath { from, to, family } = path;
        let from = format!("A pod on node {from}");
        Verdict::fail(detail, failure(world, (&from, to), *family, &bad, first))
    }
}

/// The UDP NodePort of each backend, and a large datagram to the backend on the node itself.
pub(super) fn over_udp(world: World<'_>, tcp: &[Probe], to: &str) -> Result<Vec<Probe>, Blocked> {
    let mut all = Vec::new();
    for probe in tcp.iter().filter(|probe| !probe.target.is_large()) {
        let (Aim::NodePort { service, .. }, Some(address)) = (&probe.aim, probe.target.address())
        else {
            continue;
        };
        let port = world.fixture.service(service).and_then(|service| service.udp_node_port());
        let port = port.ok_or_else(|| Blocked {
            by: Some("service::cluster_ips"),
            reason: format!("the Service {service} has no UDP NodePort"),
        })?;
        let address = SocketAddr::new(address.ip(), port);
        let own = *service == ServiceRole::Backend(to.to_owned());
        let sizes = [1].into_iter().chain(own.then_some(LARGE_DATAGRAM));
        all.extend(sizes.map(|size| Probe {
            target: Target::Udp { address, size },
            attempts: plan::once(world.suite),
            ..probe.clone()
        }));
    }
    Ok(all)
}

/// The failure of UDP NodePorts at a node, seen from somewhere.
pub(super) fn failure(
    world: World<'_>,
    (from, to): (&str, &str),
    family: IpFamily,
    bad: &[(&Reading<'_>, &Symptom)],
    (first, symptom): &(&Reading<'_>, &Symptom),
) -> Failure {
    let backends: std::collections::BTreeSet<&str> =
        bad.iter().filter_map(|(reading, _)| reading.probe.aim.backend()).collect();
    let backends = words::list(backends);
    let address = first.probe.target.address();
    let (ip, port) = address.map_or_else(Default::default, |address| {
        (address.ip().to_string(), address.port().to_string())
    });
    let what = format!(
        "{from} gets no answer to datagrams at {ip} of node {to} over {family} from \
         the backends on {backends}, though TCP works: {}.",
        symptom.detail
    );
    Failure::new(what)
        .reproduce(commands::repeat(world, bad.iter().map(|(reading, _)| reading.probe)))
        .reproduce(remedy::inspect_own(world, family, to, &port))
        .fix([format!(
            "Look for a NetworkPolicy, firewall rule or security group that lets TCP through and \
             not UDP over {family}, on {to} and on the nodes of the backends."
        )])
        .fix(remedy::service_proxy(world, family, to))
}
