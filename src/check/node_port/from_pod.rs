//! `node_port::from_pod`

use super::ports::{detail, probes_at_node};
use crate::{
    check::{
        About, Check, Failure, Kind, Need, Planned, Promise, Reading, Readings, Subject, Symptom,
        Verdict, World, commands, outcome, pairs::Pairs, plan, remedy, words,
    },
    facts::Source,
    net::IpFamily,
};

/// Pods reach NodePorts.
#[derive(Debug)]
pub(in crate::check) struct FromPod;

/// A way from a pod to a node's NodePorts, in one family.
#[derive(Debug)]
pub(in crate::check) struct PortPath {
    from: String,
    to: String,
    family: IpFamily,
}

impl Check for FromPod {
    type Subject = PortPath;

    const PROMISE: Promise = Promise {
        id: "node_port::from_pod",
        summary: "a pod on every node reaches, at the InternalIP of every node, the NodePorts that lead to \
         the backends of every node",
        why: "Every node must open every NodePort in both families, whichever node the backend is on: \
         load balancers and clients choose the node. Probes from pods test each node without the firewalls in \
         front of the cluster.",
        source: "Service type NodePort, kube-proxy's nodePortAddresses; \
         https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport",
        about: About::core().titled("NodePort").asserts(&["should function for pod-Service: http"]),
        needs: &[Need::Facts(Source::Nodes), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<PortPath>> {
        let mut cases = Vec::new();
        let pairs = Pairs::new(world);
        for family in plan::families(world.suite) {
            for source in plan::pods(world) {
                for to in pairs.entries(&source.pod.node) {
                    let from = &source.label;
                    cases.push(Planned::probing(world, Subject::path(from, to), family, || {
                        source.address(family)?;
                        let behind = pairs.behind(to);
                        let probes = probes_at_node(world, &source.vantage, to, family, &behind)?;
                        Ok((PortPath { from: from.clone(), to: to.to_owned(), family }, probes))
                    }));
                }
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, path: &PortPath, readings: &Readings<'_>) -> Verdict {
        let PortPath { from, to, family } = path;
        match detail(&readings.own) {
            None => outcome::unless_unknown(&readings.own),
            Some(detail) => {
                let from = format!("A pod on node {from}");
                Verdict::fail(detail, failure(world, &from, to, *family, &readings.own))
            }
        }
    }
}

/// The failure of some NodePorts at a node, seen from somewhere.
pub(super) fn failure(
    world: World<'_>,
    from: &str,
    to: &str,
    family: IpFamily,
    readings: &[Reading<'_>],
) -> Failure {
    let mut bad: Vec<(&Reading<'_>, &Symptom)> = outcome::bad(readings).collect();
    let is_small = |reading: &Reading<'_>| !reading.probe.target.is_large();
    let only_large = !bad.iter().any(|(reading, _)| is_small(reading));
    if !only_large {
        bad.retain(|(reading, _)| is_small(reading));
    }
    let backends = words::list(bad.iter().filter_map(|(reading, _)| reading.probe.aim.backend()));
    let address = bad.iter().find_map(|(reading, _)| reading.probe.target.address());
    let (Some(address), Some((_, symptom))) = (address, bad.first()) else {
        return Failure::new(format!("{from} does not reach the NodePorts of node {to}."));
    };
    let all = bad.len() == readings.iter().filter(|reading| is_small(reading)).count();
    let what = if only_large {
        format!(
            "{from} gets small answers from the NodePorts at {} of node {to} over {family}, but not \
             large ones: {}.",
            address.ip(),
            symptom.detail
        )
    } else {
        format!(
            "{from} does not reach the NodePorts at {} of node {to} over {family} that lead to {} on {}: \
         {}.",
            address.ip(),
            if all { "every backend, those" } else { "the backends" },
            backends,
            symptom.detail
        )
    };
    let first = if only_large {
        format!(
            "Full-sized packets are lost between {to} and the client: compare the MTU of every link on \
             the way, and let the ICMP messages through that path MTU discovery needs."
        )
    } else if !all {
        format!(
            "Other NodePorts at {to} work, so the node is reached and opens them: look at the way from \
             {to} to the backends on {backends} (pod::reachable)."
        )
    } else if symptom.kind == Kind::Refused {
        format!(
            "Refused means that {to} is reached and opens no such port over {family}: its service \
             proxy doesn't."
        )
    } else {
        format!("Nothing comes back: something on {to} or before it drops {family} to these ports.")
    };
    let port = format!("{}", address.port());
    Failure::new(what)
        .reproduce(commands::repeat(world, bad.iter().map(|(reading, _)| reading.probe)))
        .reproduce(remedy::inspect_own(world, family, to, &port))
        .fix([first])
        .fix(remedy::node_port(world, family, to))
}
