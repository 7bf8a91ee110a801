//! `service::udp`

use std::net::SocketAddr;

use super::asked::behind;
use crate::{
    check::{
        About, Blocked, Check, Failure, Kind, Need, Planned, Promise, Reading, Readings, Subject,
        Symptom, Verdict, World, commands, outcome,
        pairs::Pairs,
        plan::{self, Source},
        remedy,
    },
    fixture::{Allocation, Service, ServiceRole},
    net::IpFamily,
    probe::{Aim, Probe, Target},
};

/// A datagram that fills a packet in every usual network, and that no IPv6 node may have to fragment
/// on an Ethernet path: 1,400 bytes, 48 of headers.
pub(in crate::check) const LARGE_DATAGRAM: u32 = 1_400;

/// Services are reached over UDP.
#[derive(Debug)]
pub(in crate::check) struct Udp;

/// A way from a pod to the Service of one backend, in one family.
#[derive(Debug)]
pub(in crate::check) struct UdpPath {
    from: String,
    node: String,
    to: String,
    family: IpFamily,
    address: SocketAddr,
}

impl Check for Udp {
    type Subject = UdpPath;

    const PROMISE: Promise = Promise {
        id: "service::udp",
        summary: "from every node, each backend answers small and full-sized datagrams at the ClusterIPs of \
         its Service, wherever it answers over TCP",
        why: "DNS, QUIC, game servers, telemetry and VPNs use UDP. Firewalls, conntrack and service proxies \
              have separate rules for it in each family, so TCP may work while every datagram is lost.",
        source: "Service field spec.ports[].protocol; \
         https://kubernetes.io/docs/reference/networking/service-protocols/; upstream's dual-stack \
         tests \"should function for pod-Service: udp\"",
        about: About::feature("ServiceUDP").titled("ClusterIP over UDP").asserts(&[
            "should function for pod-Service: udp",
            "should function for node-Service: udp",
            "should be able to handle large requests: udp",
        ]),
        needs: &[Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<UdpPath>> {
        let mut cases = Vec::new();
        let pairs = Pairs::new(world);
        for family in plan::families(world.suite) {
            for source in plan::pods(world).chain(plan::hosts(world)) {
                for backend in pairs.services(&source.pod.node) {
                    let to = &backend.node;
                    let subject = Subject::path(&source.label, to);
                    let case = Planned::probing(world, subject, family, || {
                        let address = udp_at(world, &source, to, family)?;
                        let sizes = [1, LARGE_DATAGRAM];
                        let probes = sizes.map(|size| udp(world, &source, to, address, size));
                        let (from, node) = (source.place(), source.pod.node.clone());
                        Ok((UdpPath { from, node, to: to.clone(), family, address }, probes.into()))
                    });
                    cases.push(case.beside(&tcp(world, &source, to, family)));
                }
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, path: &UdpPath, readings: &Readings<'_>) -> Verdict {
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            return outcome::unless_unknown(&readings.own);
        };
        if let Some(tcp) = readings.witnesses.iter().find_map(Reading::symptom) {
            let by = Some("service::cluster_ip_reachable");
            let reason = format!("TCP doesn't get there either ({})", tcp.detail);
            return Blocked { by, reason }.verdict(world.suite);
        }
        Verdict::fail(symptom.detail.clone(), path.failure(world, reading, symptom))
    }
}

fn aim(to: &str) -> Aim {
    Aim::ClusterIp { service: ServiceRole::Backend(to.to_owned()) }
}

/// The Service of a backend, and its address over TCP.
fn at<'a>(
    world: World<'a>,
    source: &Source<'_>,
    to: &str,
    family: IpFamily,
) -> Result<(&'a Service, SocketAddr), Blocked> {
    source.address(family)?;
    let (service, _) = behind(world, &ServiceRole::Backend(to.to_owned()), family)?;
    match (service.cluster_ip(family), &service.allocation) {
        (Some(ip), Allocation::Accepted { port, .. }) => Ok((service, SocketAddr::new(ip, *port))),
        _ => Err(no_port()),
    }
}

/// The address of a backend's Service over UDP.
fn udp_at(
    world: World<'_>,
    source: &Source<'_>,
    to: &str,
    family: IpFamily,
) -> Result<SocketAddr, Blocked> {
    let (service, address) = at(world, source, to, family)?;
    Ok(SocketAddr::new(address.ip(), service.udp_port().ok_or_else(no_port)?))
}

fn udp(world: World<'_>, source: &Source<'_>, to: &str, address: SocketAddr, size: u32) -> Probe {
    // UDP promises no delivery: one answer is enough.
    source.probe(aim(to), Target::Udp { address, size }, plan::once(world.suite))
}

/// The way to a backend by a small datagram, as this check tries it.
pub(in crate::check) fn small(
    world: World<'_>,
    source: &Source<'_>,
    to: &str,
    family: IpFamily,
) -> Option<Probe> {
    Some(udp(world, source, to, udp_at(world, source, to, family).ok()?, 1))
}

fn no_port() -> Blocked {
    Blocked { by: Some("service::cluster_ips"), reason: "the Service has no UDP port".to_owned() }
}

/// The way to a backend over TCP, as `service::cluster_ip_reachable` tries it.
pub(in crate::check) fn tcp(
    world: World<'_>,
    source: &Source<'_>,
    to: &str,
    family: IpFamily,
) -> Option<Probe> {
    let (_, address) = at(world, source, to, family).ok()?;
    let target = Target::Http { address, payload: 0 };
    Some(source.probe(aim(to), target, plan::single(world.suite)))
}

impl UdpPath {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { from, node, to, family, address } = self;
        let size = if reading.probe.target.is_large() {
            format!("datagrams of {LARGE_DATAGRAM} bytes")
        } else {
            "datagrams".to_owned()
        };
        let what = format!(
            "{from} gets no answer to {size} from the nginx on node {to} at the {family} \
             ClusterIP {address}, though TCP works: {}.",
            symptom.detail
        );
        let first = match symptom.kind {
            Kind::Refused => format!(
                "Refused means that {node} has no UDP rule for the Service in {family}, or that nginx \
                 doesn't listen there."
            ),
            Kind::WrongAnswer => format!(
                "The UDP rules on {node} lead elsewhere: stale conntrack entries or rules; `{}` removes \
                 the entries.",
                commands::on_node_as_root(
                    node,
                    &format!("conntrack -D -f {} -p udp -d {}", family.slug(), address.ip())
                )
            ),
            _ if reading.probe.target.is_large() => {
                "Large datagrams alone are lost: look at the MTU of \
                 the pod network, as for pod::reachable's large answers."
                    .to_owned()
            }
            _ => format!(
                "Look for a NetworkPolicy, firewall rule or security group that lets TCP through and \
                 not UDP over {family}, on {node} and on {to}."
            ),
        };
        Failure::new(what)
            .reproduce(commands::repeat(world, [reading.probe]))
            .reproduce(remedy::inspect_own(world, *family, node, &address.ip().to_string()))
            .fix([first])
            .fix(remedy::service_proxy(world, *family, node))
    }
}
