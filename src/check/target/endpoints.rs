//! `target::endpoints`

use std::{collections::BTreeMap, net::SocketAddr};

use super::known;
use crate::{
    check::{
        About, Check, Failure, Kind, Need, Planned, Promise, Reading, Readings, Subject, Symptom,
        Verdict, World, commands, outcome,
        pairs::Pairs,
        plan::{self, Source},
        remedy, words,
    },
    facts::{Target, TargetEndpoint, TargetName, TargetPort, TargetService},
    net::IpFamily,
    probe::Aim,
};

/// The endpoints of the operator's Services answer at their own addresses.
#[derive(Debug)]
pub(in crate::check) struct Endpoints;

/// A port of all endpoints of a Service, tried from a node.
#[derive(Debug)]
pub(in crate::check) struct Path {
    target: TargetName,
    port: TargetPort,
    node: String,
    family: IpFamily,
}

impl Check for Endpoints {
    type Subject = Path;

    const PROMISE: Promise = Promise {
        id: "target::endpoints",
        summary: "from every node, each endpoint of the Services of --target accepts connections at its own \
         address of each expected family",
        why: "Kubernetes gives pods two addresses, but does not make applications listen on both. One that \
              listens on 0.0.0.0 answers over IPv4 and refuses IPv6, even if the network carries it; its \
              readiness probe uses only the first family and never notices.",
        source: "https://kubernetes.io/docs/concepts/services-networking/dual-stack/; EndpointSlice \
         addressType, endpoints and ports; RFC 3493, 5.3 (IPV6_V6ONLY)",
        about: About::own().titled("Your Services: endpoints"),
        needs: &[Need::Targets, Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Path>> {
        let pairs = Pairs::new(world);
        let sample = pairs.sample();
        known::each(world, |target, service, family| {
            let settled =
                |verdict| vec![Planned::settled(known::subject(&target.name), family, verdict)];
            if service.is_external() {
                return settled(Verdict::skip("ExternalName: it has no endpoints"));
            }
            if let Some(blocked) = known::lacks(target, service, family) {
                return settled(blocked.verdict(world.suite));
            }
            if known::deserted(target, family).is_some() {
                return settled(nobody(target, service, family));
            }
            let ports = by_port(target, family);
            if ports.is_empty() {
                return settled(Verdict::skip("its EndpointSlices name no port"));
            }
            let mut cases = Vec::new();
            for (port, endpoints) in ports.into_iter().take(known::MOST_PORTS) {
                if let Some(verdict) = known::unspoken(port) {
                    let name = known::at_port(&target.name, port);
                    cases.push(Planned::settled(Subject::Service { name }, family, verdict));
                    continue;
                }
                let sources =
                    plan::pods(world).filter(|source| sample.contains(&source.pod.node.as_str()));
                let about = (&target.name, port, family);
                cases.extend(sources.map(|source| path(world, &source, about, &endpoints)));
            }
            cases
        })
    }

    fn judge(&self, world: World<'_>, path: &Path, readings: &Readings<'_>) -> Verdict {
        let bad: Vec<_> = outcome::bad(&readings.own).collect();
        let Some((_, first)) = bad.first() else {
            return match outcome::unless_unknown(&readings.own) {
                Verdict::Pass { detail } if readings.own.len() > 1 => {
                    let count = words::count(readings.own.len(), "endpoint");
                    Verdict::pass(format!("{count} {detail}"))
                }
                verdict => verdict,
            };
        };
        if let Some(changed) = known::changed(world, &path.target) {
            return changed;
        }
        let all = readings.own.len();
        let detail = outcome::share(bad.len(), all, "endpoint", &first.detail);
        Verdict::fail(detail, path.failure(world, &bad))
    }
}

/// The ports of the endpoints that are ready, each with those that have it.
pub(super) fn by_port(
    target: &Target,
    family: IpFamily,
) -> BTreeMap<&TargetPort, Vec<&TargetEndpoint>> {
    let mut ports: BTreeMap<&TargetPort, Vec<&TargetEndpoint>> = BTreeMap::new();
    for endpoint in target.ready(family).take(known::MOST_ENDPOINTS) {
        for port in &endpoint.ports {
            ports.entry(port).or_default().push(endpoint);
        }
    }
    ports
}

fn path(
    world: World<'_>,
    source: &Source<'_>,
    (target, port, family): (&TargetName, &TargetPort, IpFamily),
    endpoints: &[&TargetEndpoint],
) -> Planned<Path> {
    let subject = Subject::path(&source.label, known::at_port(target, port));
    Planned::probing(world, subject, family, || {
        source.address(family)?;
        let probes = endpoints.iter().map(|endpoint| {
            let aim = Aim::TargetEndpoint {
                target: target.clone(),
                pod: endpoint.pod.clone(),
                node: endpoint.node.clone(),
            };
            let address = SocketAddr::new(endpoint.address, port.number);
            known::probe(world, source, aim, address, port)
        });
        let probes = probes.collect();
        let (target, port) = (target.clone(), port.clone());
        Ok((Path { target, port, node: source.pod.node.clone(), family }, probes))
    })
}

/// The verdict where a Service has no ready endpoint of a family: a failure if it has one of the other.
fn nobody(target: &Target, service: &TargetService, family: IpFamily) -> Verdict {
    let TargetName { namespace, name } = &target.name;
    let others = target.ready(family.other()).count();
    if others == 0 {
        let all = target.endpoints.known().map_or(0, Vec::len);
        return Verdict::inconclusive(match all {
            0 => "it has no endpoints".to_owned(),
            _ => "none of its endpoints is ready".to_owned(),
        });
    }
    let other = family.other();
    let failure = Failure::new(format!(
        "The Service {namespace}/{name} has {} of {other} that {} ready, and none of {family}: clients that use its \
         {family} address or record get no answer.",
        words::count(others, "endpoint"),
        if others == 1 { "is" } else { "are" },
    ))
    .reproduce(known::look(&target.name))
    .reproduce([format!(
        "kubectl -n {namespace} get pods -o 'custom-columns=NAME:.metadata.name,IPS:.status.podIPs[*].ip'"
    )]);
    let failure = if service.has_selector {
        failure.fix([format!(
            "Check that its pods have {family} addresses; those that were made before the cluster had \
             {family} get one when they are recreated (`kubectl -n {namespace} rollout restart` of their \
             Deployment). Where new pods get none either, see pod::pod_ips."
        )])
    } else {
        failure.fix([format!(
            "It has no selector, so its EndpointSlices are yours: add one of addressType {family}."
        )])
    };
    Verdict::fail(format!("no {family} endpoint, {others} of {other}"), failure)
}

impl Path {
    fn failure(&self, world: World<'_>, bad: &[(&Reading<'_>, &Symptom)]) -> Failure {
        let Self { target, port, node, family } = self;
        let seen: Vec<String> = bad
            .iter()
            .take(3)
            .map(|(reading, symptom)| {
                let pod = match &reading.probe.aim {
                    Aim::TargetEndpoint { pod: Some(pod), .. } => format!("pod {pod} at "),
                    _ => String::new(),
                };
                format!("{pod}{}: {}", reading.probe.target, symptom.detail)
            })
            .collect();
        let refused = bad.iter().all(|(_, symptom)| symptom.kind == Kind::Refused);
        let more = match bad.len().saturating_sub(seen.len()) {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let failure = Failure::new(format!(
            "A pod on node {node} does not reach port {port} of the endpoints of the Service {target} over \
             {family}: {}{more}.",
            seen.join("; ")
        ))
        .reproduce(commands::repeat(world, bad.iter().map(|(reading, _)| reading.probe)))
        .reproduce(known::look(target));
        if refused {
            failure.fix([format!(
                "Refused means that packets get to the pod and nobody listens there over {family}: have \
                 the application listen on `::`, which takes both families, and not on 0.0.0.0."
            )])
        } else {
            failure
                .fix([format!(
                    "Check whether a NetworkPolicy of {} admits the port from other namespaces over {family}: \
                     an ipBlock is of one family.",
                    target.namespace
                )])
                .fix(remedy::pod_network(world, *family))
        }
    }
}
