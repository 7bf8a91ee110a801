//! `node_port::from_node`

use super::{
    from_pod,
    ports::{detail, probes_at_node},
    udp,
};
use crate::{
    check::{
        About, Blocked, Check, Need, Planned, Promise, Reading, Readings, Subject, Verdict, World,
        outcome,
        pairs::Pairs,
        plan::{self, Source},
    },
    facts,
    fixture::HostNetwork,
    net::IpFamily,
    probe::Probe,
};

/// Nodes reach NodePorts.
#[derive(Debug)]
pub(in crate::check) struct FromNode;

/// A way from the host network of a node to a node's NodePorts, in one family.
#[derive(Debug)]
pub(in crate::check) struct HostPortPath {
    /// Where it starts, as the beginning of a sentence.
    from: String,
    to: String,
    family: IpFamily,
}

impl Check for FromNode {
    type Subject = HostPortPath;

    const PROMISE: Promise = Promise {
        id: "node_port::from_node",
        summary: "from the host network of every node, at its own InternalIP and those of the others, the \
         NodePorts of the backends of every node answer over TCP and UDP",
        why: "Load balancers that run on nodes, ingress controllers and node agents in the host network, and \
              the platform's health checks use NodePorts from nodes. Packets that a node itself sends pass \
              other kernel hooks than those of pods and clients outside, and each family has separate rules there.",
        source: "Service type NodePort; \
         https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport; upstream's \
         dual-stack tests \"should function for node-Service\"",
        about: About::feature("NodePortFromNode").titled("NodePort from nodes").asserts(&[
            "should function for node-Service: http",
            "should function for node-Service: udp",
        ]),
        needs: &[Need::Facts(facts::Source::Nodes), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<HostPortPath>> {
        let pairs = Pairs::new(world);
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            if world.fixture.host_probes.is_empty() {
                cases.push(without_hosts(world, family));
            }
            for source in plan::hosts(world) {
                for to in pairs.entries(&source.pod.node) {
                    let subject = Subject::path(&source.label, to);
                    cases.push(Planned::probing(world, subject, family, || {
                        let probes = ways(world, &source, to, family, &pairs)?;
                        let from = source.place();
                        Ok((HostPortPath { from, to: to.to_owned(), family }, probes))
                    }));
                }
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, path: &HostPortPath, readings: &Readings<'_>) -> Verdict {
        let HostPortPath { from, to, family } = path;
        let (by_udp, by_tcp): (Vec<Reading<'_>>, Vec<Reading<'_>>) =
            readings.own.iter().cloned().partition(|reading| reading.probe.target.is_udp());
        if let Some(detail) = detail(&by_tcp) {
            return Verdict::fail(detail, from_pod::failure(world, from, to, *family, &by_tcp));
        }
        let bad: Vec<_> = outcome::bad(&by_udp).collect();
        match bad.first() {
            None => outcome::unless_unknown(&readings.own),
            Some(first) => {
                let share = outcome::share(bad.len(), by_udp.len(), "datagram", &first.1.detail);
                Verdict::fail(share, udp::failure(world, (from, to), *family, &bad, first))
            }
        }
    }
}

/// The case that says why nothing is tried from the nodes.
pub(in crate::check) fn without_hosts<S>(world: World<'_>, family: IpFamily) -> Planned<S> {
    let why = match &world.fixture.host_network {
        HostNetwork::Skipped { reason } => format!("no host-network pods: {reason}"),
        HostNetwork::Off | HostNetwork::On { .. } => {
            "no host-network pods (--host-network off)".to_owned()
        }
    };
    Planned::settled(Subject::Cluster, family, Verdict::skip(why))
}

/// One connection and one datagram to each backend by the NodePorts of a node.
fn ways(
    world: World<'_>,
    source: &Source<'_>,
    to: &str,
    family: IpFamily,
    pairs: &Pairs<'_>,
) -> Result<Vec<Probe>, Blocked> {
    source.address(family)?;
    let mut probes = probes_at_node(world, &source.vantage, to, family, &pairs.behind(to))?;
    // Sizes are tried from pods.
    probes.retain(|probe| !probe.target.is_large());
    let mut datagrams = udp::over_udp(world, &probes, to)?;
    datagrams.retain(|probe| !probe.target.is_large());
    probes.iter_mut().for_each(|probe| probe.attempts = plan::once(world.suite));
    probes.append(&mut datagrams);
    Ok(probes)
}
