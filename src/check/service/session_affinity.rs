//! `service::session_affinity`

use std::net::SocketAddr;

use super::{
    asked::{address, behind, changed, has, node_port, tried_by, udp_node_port},
    cluster_ip_reachable::shared,
    udp,
};
use crate::{
    check::{
        About, Blocked, Check, Failure, Need, Planned, Promise, Reading, Readings, Subject,
        Symptom, Verdict, World, commands, outcome,
        pairs::Pairs,
        plan::{self, Source},
        remedy, words,
    },
    facts,
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Outcome, Probe, Target},
};

const ROLE: ServiceRole = ServiceRole::SessionAffinity;

/// Services keep a client to one backend where they are asked to.
#[derive(Debug)]
pub(in crate::check) struct SessionAffinity;

/// A pod that connects again and again, in one family.
#[derive(Debug)]
pub(in crate::check) struct Client {
    node: String,
    family: IpFamily,
}

impl Check for SessionAffinity {
    type Subject = Client;

    const PROMISE: Promise = Promise {
        id: "service::session_affinity",
        summary: "from every node, a Service with sessionAffinity ClientIP sends all of a pod's connections to \
         one backend, over TCP and UDP, at its ClusterIP and at the NodePort of the pod's own node",
        why: "Logins, shopping carts and multipart uploads are often kept in one backend's memory. The proxy \
              remembers each client's address in separate tables for each family: if it forgets in one family, \
              users of it are logged out at random, although nothing is down.",
        source: "Service field spec.sessionAffinity; \
         https://kubernetes.io/docs/reference/networking/virtual-ips/#session-affinity; upstream's \
         dual-stack tests \"should function for client IP based session affinity\"",
        about: About::feature("ServiceSessionAffinity").titled("Session affinity").asserts(&[
            "should function for client IP based session affinity: http",
            "should function for client IP based session affinity: udp",
        ]),
        needs: &[Need::Facts(facts::Source::Nodes), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Client>> {
        let mut cases = Vec::new();
        let pairs = Pairs::new(world);
        for family in plan::families(world.suite).filter(|&family| has(world, &ROLE, family)) {
            for source in plan::pods(world) {
                let node = source.pod.node.clone();
                let subject = Subject::path(&node, ROLE.to_string());
                if let Some(reason) = pointless(world, family) {
                    cases.push(Planned::settled(subject, family, Verdict::skip(reason)));
                    continue;
                }
                let witnesses = witnesses(world, &source, family, &pairs);
                let case = Planned::probing(world, subject, family, || {
                    let probes = probes(world, &source, family)?;
                    Ok((Client { node, family }, probes))
                });
                cases.push(case.beside(&witnesses));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, client: &Client, readings: &Readings<'_>) -> Verdict {
        // Which backend a client is kept to is the proxy's choice: where one of them can't be reached,
        // luck decides what comes of it.
        let lost = readings.witnesses.iter().find_map(|it| Some((it, it.symptom()?)));
        if let Some((other, symptom)) = lost {
            let reason = format!("a backend is not reached at all ({})", symptom.detail);
            return Blocked { by: Some(tried_by(other.probe)), reason }.verdict(world.suite);
        }
        let changed: Vec<&Reading<'_>> =
            readings.own.iter().filter(|reading| is_forgotten(reading)).collect();
        if let Some(first) = changed.first() {
            let detail = format!(
                "{} answered {}",
                words::count(first.answered.len(), "backend"),
                words::count(first.attempts.len(), what(first.probe))
            );
            return Verdict::fail(detail, client.forgotten(world, &changed));
        }
        if let Some((reading, symptom)) = outcome::bad(&readings.own).next() {
            return Verdict::fail(symptom.detail.clone(), client.dead(world, reading, symptom));
        }
        outcome::unknown(&readings.own).unwrap_or_else(|| {
            let tried: usize = readings.own.iter().map(|reading| reading.attempts.len()).sum();
            Verdict::pass(format!("one backend each, in {tried} attempts"))
        })
    }
}

/// How many attempts a proxy may need to learn of all backends, after which it may choose anew.
const LEARNING: usize = 2;

/// Whether the proxy sent a client to several backends, other than once at the very beginning.
fn is_forgotten(reading: &Reading<'_>) -> bool {
    let pods: Vec<&str> = reading
        .attempts
        .iter()
        .filter_map(|attempt| match &attempt.outcome {
            Outcome::Answered(answer) => Some(answer.pod.as_str()),
            _ => None,
        })
        .collect();
    let in_the_end = pods.iter().rev().take_while(|pod| Some(*pod) == pods.last()).count();
    let (before, _) = pods.split_at(pods.len() - in_the_end);
    before.len() > LEARNING || before.windows(2).any(|pair| pair[0] != pair[1])
}

/// What one attempt at a target is.
const fn what(probe: &Probe) -> &'static str {
    if probe.target.is_udp() { "datagram" } else { "connection" }
}

/// Why there is nothing to be seen, if so.
fn pointless(world: World<'_>, family: IpFamily) -> Option<String> {
    if let Some(reason) = changed(world, &ROLE, |field| field == "sessionAffinity") {
        return Some(reason);
    }
    let service = world.fixture.service(&ROLE)?;
    (world.fixture.backends_of(service, family).count() == 1)
        .then(|| "there is only one backend, so no other can answer".to_owned())
}

/// The Service at its ClusterIP and at the node's NodePort, over TCP and UDP. Proxies remember clients
/// for each port by itself.
fn probes(world: World<'_>, source: &Source<'_>, family: IpFamily) -> Result<Vec<Probe>, Blocked> {
    source.address(family)?;
    let (service, backends) = behind(world, &ROLE, family)?;
    let tcp = address(service, family)?;
    let attempts = plan::kept(world.suite, backends.len());
    let at = |target| source.probe(Aim::ClusterIp { service: ROLE }, target, attempts);
    let udp = service.udp_port().map(|port| SocketAddr::new(tcp.ip(), port));
    let node = source.pod.node.as_str();
    let own = [
        node_port(world, source, node, &ROLE, family),
        udp_node_port(world, source, node, &ROLE, family),
    ];
    let own = own.into_iter().flatten().map(|probe| Probe { attempts, ..probe });
    Ok(std::iter::once(at(Target::Http { address: tcp, payload: 0 }))
        .chain(udp.map(|address| at(Target::Udp { address, size: 1 })))
        .chain(own)
        .collect())
}

/// The same ways to the same backends through other Services.
fn witnesses(
    world: World<'_>,
    source: &Source<'_>,
    family: IpFamily,
    pairs: &Pairs<'_>,
) -> Vec<Probe> {
    let node = &source.pod.node;
    let over_udp = pairs.services(node).into_iter();
    let over_udp = over_udp.filter_map(|to| udp::small(world, source, &to.node, family));
    let behind = || {
        let reachable = pairs.behind(node).into_iter();
        let reachable = reachable.filter(|to| plan::backend(to, family).is_ok());
        reachable.map(|to| ServiceRole::Backend(to.node.clone()))
    };
    let node_ports = behind().filter_map(|role| node_port(world, source, node, &role, family));
    let over_both = behind().filter_map(|role| udp_node_port(world, source, node, &role, family));
    shared(world, source, family)
        .into_iter()
        .chain(over_udp)
        .chain(node_ports)
        .chain(over_both)
        .collect()
}

impl Client {
    fn forgotten(&self, world: World<'_>, changed: &[&Reading<'_>]) -> Failure {
        let Self { node, family } = self;
        let seen = changed.iter().map(|reading| {
            format!(
                "{} of {} at {} ({})",
                words::count(reading.attempts.len(), what(reading.probe)),
                if reading.probe.aim.node().is_some() {
                    "its node's NodePort"
                } else {
                    "the ClusterIP"
                },
                reading.probe.target,
                words::list(&reading.answered)
            )
        });
        let what = format!(
            "A pod on node {node} is sent to several backends over {family}, though the Service has \
             sessionAffinity ClientIP: in {}.",
            words::list(seen)
        );
        let rules =
            changed.first().map(|it| remedy::inspect_service(world, *family, node, it.probe));
        Failure::new(what)
            .reproduce(commands::repeat(world, changed.iter().map(|reading| reading.probe)))
            .reproduce(rules.unwrap_or_default())
            .fix(remedy::affinity(world, *family, node))
    }

    fn dead(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { node, family } = self;
        Failure::new(format!(
            "A pod on node {node} gets no answer over {family} from the Service with sessionAffinity \
             ClientIP at {}: {}. Services without it are reached.",
            reading.probe.target, symptom.detail
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce(remedy::inspect_service(world, *family, node, reading.probe))
        .fix(remedy::affinity(world, *family, node))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        check::Status,
        lab::Lab,
        probe::{Observation, Outcome},
    };

    const CASE: &str = "service::session_affinity/ipv4/n1 -> session-affinity";

    /// What becomes of a client whose attempts are answered by the backends of these nodes.
    fn status(nodes: &[&str]) -> Status {
        let lab = Lab::dual();
        let healthy = lab.run();
        let concerned = healthy.probes_of(CASE)[0].clone();
        let run = lab.judge(|tried| {
            let seen = lab.observe(tried);
            if *tried != concerned {
                return Some(seen);
            }
            let like = seen.attempts[0].clone();
            let attempts = nodes.iter().map(|node| {
                let mut attempt = like.clone();
                if let Outcome::Answered(answer) = &mut attempt.outcome {
                    let backend = lab.fixture.backend_on(node).unwrap();
                    answer.pod = backend.pod.clone().unwrap();
                    answer.server = backend.pod_ips[0];
                }
                attempt
            });
            Some(Observation { attempts: attempts.collect(), lost: None })
        });
        run.case(CASE).verdict.status()
    }

    #[test]
    fn only_at_the_very_beginning_may_a_proxy_choose_anew() {
        let kept = |first: &[&'static str]| [first, &["n2"; 16]].concat();
        assert_eq!(status(&kept(&["n2", "n2"])), Status::Pass);
        assert_eq!(status(&kept(&["n3"])), Status::Pass, "it learned of the others");
        assert_eq!(status(&kept(&["n3", "n3"])), Status::Pass);
        assert_eq!(status(&kept(&["n3", "n3", "n3"])), Status::Fail);
        assert_eq!(status(&kept(&["n3", "n1"])), Status::Fail);
        assert_eq!(status(&kept(&["n2", "n3"])), Status::Fail);
    }
}
