//! `service::hairpin`

use std::net::SocketAddr;

use super::{
    asked::{address, behind, node_port, tried_by, udp_node_port},
    udp::{small, tcp},
};
use crate::{
    check::{
        About, Blocked, Check, Failure, Need, Planned, Promise, Reading, Readings, Subject,
        Symptom, Verdict, World, commands, outcome,
        plan::{self, Source},
    },
    facts,
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Probe, Target},
};

/// Pods reach themselves through their own Service.
#[derive(Debug)]
pub(in crate::check) struct Hairpin;

/// The way from a pod to itself through its Service, in one family.
#[derive(Debug)]
pub(in crate::check) struct Loop {
    node: String,
    family: IpFamily,
}

impl Check for Hairpin {
    type Subject = Loop;

    const PROMISE: Promise = Promise {
        id: "service::hairpin",
        summary: "a pod on every node reaches itself through its own Service, over TCP and UDP, at the \
         ClusterIP and at its node's NodePort",
        why: "Applications call their own Service: clusters that find their members by it, web servers that \
         fetch their own pages. It works while another replica is picked, but hangs when the packet returns to \
         its sender: the bridge must send it out of the port it arrived on, and the proxy must masquerade it, \
         in each family.",
        source: "https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/\
         #a-pod-fails-to-reach-itself-via-the-service-ip; upstream's dual-stack tests \"should \
         function for endpoint-Service\"",
        about: About::feature("ServiceHairpin").titled("Hairpin").asserts(&[
            "should function for endpoint-Service: http",
            "should function for endpoint-Service: udp",
        ]),
        needs: &[Need::Facts(facts::Source::Nodes), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Loop>> {
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            let serves = |source: &Source<'_>| world.fixture.mesh.serves(&source.pod.node);
            for source in plan::pods(world).filter(serves) {
                let node = source.pod.node.clone();
                let subject = Subject::Pod { workload: "busybox".to_owned(), node: node.clone() };
                let other = ServiceRole::Backend(node.clone());
                let cluster_ip = tcp(world, &source, &node, family).into_iter();
                let cluster_ip = cluster_ip.chain(small(world, &source, &node, family));
                let over_udp = udp_node_port(world, &source, &node, &other, family);
                let node_port = node_port(world, &source, &node, &other, family).into_iter();
                let witnesses: Vec<Probe> = cluster_ip.chain(node_port).chain(over_udp).collect();
                let case = Planned::probing(world, subject, family, || {
                    let probes = probes(world, &source, family)?;
                    Ok((Loop { node, family }, probes))
                });
                cases.push(case.beside(&witnesses));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, subject: &Loop, readings: &Readings<'_>) -> Verdict {
        let is_node_port =
            |reading: &Reading<'_>| matches!(reading.probe.aim, Aim::NodePort { .. });
        let is_udp = |reading: &Reading<'_>| reading.probe.target.is_udp();
        // The same way to the nginx on this node.
        let other = |reading: &Reading<'_>| {
            let same = readings.witnesses.iter().filter(|it| is_udp(it) == is_udp(reading));
            let mut same = same.filter(|it| is_node_port(it) == is_node_port(reading));
            same.find_map(Reading::symptom)
        };
        let bad = || outcome::bad(&readings.own);
        let Some((reading, symptom)) = bad().find(|(reading, _)| other(reading).is_none()) else {
            let Some((reading, symptom)) = bad().next() else {
                return outcome::unless_unknown(&readings.own);
            };
            let by = tried_by(reading.probe);
            let reason = format!("no other pod on the node is reached either ({})", symptom.detail);
            return Blocked { by: Some(by), reason }.verdict(world.suite);
        };
        Verdict::fail(symptom.detail.clone(), subject.failure(world, reading, symptom))
    }
}

/// The Service of the pod itself, at its ClusterIP and at the node's NodePort.
fn probes(world: World<'_>, source: &Source<'_>, family: IpFamily) -> Result<Vec<Probe>, Blocked> {
    source.address(family)?;
    let node = &source.pod.node;
    let role = ServiceRole::Probe(node.clone());
    let (service, _) = behind(world, &role, family)?;
    let address = address(service, family)?;
    // A Service that leads nowhere says nothing of the way back to its own pod.
    let leads_nowhere = service.slices.as_ref().is_some_and(|slices| {
        slices.iter().flat_map(|slice| slice.serves(family)).next().is_none()
    });
    if leads_nowhere {
        let reason = format!("no EndpointSlice of {family} names a backend of the Service {role}");
        return Err(Blocked { by: None, reason });
    }
    let target = |address| Target::Http { address, payload: 0 };
    let attempts = plan::single(world.suite);
    let aim = Aim::ClusterIp { service: role.clone() };
    let mut probes = vec![source.probe(aim, target(address), attempts)];
    // Where the node has no address, node::internal_ips says so.
    probes.extend(node_port(world, source, node, &role, family));
    // UDP promises no delivery: one answer is enough.
    let once = plan::once(world.suite);
    let datagram = |port| Target::Udp { address: SocketAddr::new(address.ip(), port), size: 1 };
    let aim = || Aim::ClusterIp { service: role.clone() };
    probes.extend(service.udp_port().map(|port| source.probe(aim(), datagram(port), once)));
    probes.extend(udp_node_port(world, source, node, &role, family));
    Ok(probes)
}

impl Loop {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { node, family } = self;
        Failure::new(format!(
            "The pod on node {node} does not reach itself through its own Service at {} over {family}: \
             {}. Other backends on the node are reached.",
            reading.probe.target, symptom.detail
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce([commands::on_node_as_root(
            node,
            "sh -c 'grep -H . /sys/class/net/*/brport/hairpin_mode'",
        )])
        .fix([
            "Turn hairpin mode on: the CNI's bridge plugin takes \"hairpinMode\": true (pods created \
             before keep their setting, so re-create them)."
                .to_owned(),
            format!(
                "If it is on, check that the service proxy on {node} masquerades {family} packets that \
                 come back to their sender (the mark-masq rules of the Service's endpoints)."
            ),
        ])
    }
}
