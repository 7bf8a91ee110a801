//! `control_plane::to_pod`

use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    check::{
        About, Blocked, Check, Failure, Kind, Need, Planned, Promise, Reading, Readings, State,
        Subject, Symptom, Verdict, World, outcome, pairs::Pairs, plan, pod, words,
    },
    fixture::{Allocation, ServiceRole},
    net::IpFamily,
    probe::{Aim, MISSING_PERMISSION, Probe, Target, Vantage},
};

/// The API server reaches pods.
#[derive(Debug)]
pub(in crate::check) struct ToPod;

/// The way from the API server to the pods behind a Service of one family.
#[derive(Debug)]
pub(in crate::check) struct Proxied {
    family: IpFamily,
    service: String,
    port: u16,
}

impl Check for ToPod {
    type Subject = Proxied;

    const PROMISE: Promise = Promise {
        id: "control_plane::to_pod",
        summary: "the API server reaches the pods behind a Service of each family, wherever pods reach each other",
        why: "Admission webhooks and aggregated APIs are pods that the API server connects to. If it can't in \
              their Service's family, every request that they must review waits and fails: nothing can be \
              created or changed. Control planes outside the pod network reach pods through tunnels and \
              firewalls that may support only one family.",
        source: "https://kubernetes.io/docs/concepts/architecture/control-plane-node-communication/; subresource \
         services/proxy; KEP-1281 Network Proxy",
        about: About::core().titled("API server to pods"),
        needs: &[Need::ServiceProxy, Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Proxied>> {
        let pairs = Pairs::new(world);
        plan::families(world.suite)
            .map(|family| {
                let role = match family {
                    IpFamily::V4 => ServiceRole::Ipv4,
                    IpFamily::V6 => ServiceRole::Ipv6,
                };
                let subject = Subject::Service { name: role.to_string() };
                let case = Planned::probing(world, subject, family, || probe(world, role, family));
                let ways = plan::pods(world).flat_map(|source| {
                    let to = pairs.pods(&source.pod.node).into_iter();
                    to.filter_map(|to| pod::tcp(world, &source, to, family)).collect::<Vec<_>>()
                });
                case.beside(&ways.collect::<Vec<Probe>>())
            })
            .collect()
    }

    fn judge(&self, world: World<'_>, proxied: &Proxied, readings: &Readings<'_>) -> Verdict {
        let forbidden = readings.own.iter().find_map(|reading| match &reading.state {
            State::Unknown(reason) if reason.starts_with(MISSING_PERMISSION) => Some(reason),
            _ => None,
        });
        if let Some(reason) = forbidden {
            return Verdict::skip(reason);
        }
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            return match readings.own.as_slice() {
                [reading] if reading.answered.len() > 1 => {
                    let answered = words::count(reading.answered.len(), "pod");
                    let requests = words::count(reading.attempts.len(), "request");
                    outcome::unknown(&readings.own)
                        .unwrap_or_else(|| Verdict::pass(format!("{answered} answered {requests}")))
                }
                own => outcome::unless_unknown(own),
            };
        };
        // Where pods don't reach each other, the API server's way there says nothing more.
        if let Some(way) = readings.witnesses.iter().find_map(Reading::symptom) {
            let by = Some("pod::reachable");
            let reason = format!("pods don't reach each other everywhere ({})", way.detail);
            return Blocked { by, reason }.verdict(world.suite);
        }
        Verdict::fail(symptom.detail.clone(), proxied.failure(world, reading, symptom))
    }
}

fn probe(
    world: World<'_>,
    role: ServiceRole,
    family: IpFamily,
) -> Result<(Proxied, Vec<Probe>), Blocked> {
    let fixture = world.fixture;
    let service = fixture.service(&role).filter(|service| service.cluster_ip(family).is_some());
    let missing = || Blocked {
        by: Some("service::cluster_ips"),
        reason: format!("there is no single-stack {family} Service"),
    };
    let service = service.ok_or_else(missing)?;
    let Allocation::Accepted { port, .. } = service.allocation else { return Err(missing()) };
    let backends = fixture.backends_of(service, family).count();
    if backends == 0 {
        let reason = format!("no nginx pod is ready with an {family} address");
        return Err(Blocked { by: None, reason });
    }
    // It knows the pods by them alone.
    let told = service.slices.as_ref().map(|slices| {
        slices.iter().flat_map(|slice| slice.serves(family)).collect::<BTreeSet<IpAddr>>()
    });
    let pods = fixture.backends_of(service, family).filter_map(|pod| pod.address(family)).collect();
    if told.is_some_and(|told| told != pods) {
        let by = Some("service::endpoint_slices");
        let reason = format!("the EndpointSlices of Service {} are not its pods", service.name);
        return Err(Blocked { by, reason });
    }
    let name = service.name.clone();
    let probe = Probe {
        vantage: Vantage::ApiServer,
        aim: Aim::Proxied { service: role },
        target: Target::Proxied { service: name.clone(), port, family },
        attempts: plan::sampled(world.suite, backends),
    };
    Ok((Proxied { family, service: name, port }, vec![probe]))
}

impl Proxied {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { family, service, port } = self;
        let namespace = &world.fixture.namespace;
        let answered = match reading.answered.len() {
            0 => String::new(),
            some => format!(", though {} answered", words::count(some, "pod")),
        };
        let first = match symptom.kind {
            Kind::TimedOut => format!(
                "Something between the API server and the pods drops {family}: let the control plane's \
                 addresses through to the pods' ports (security groups, firewalls, NetworkPolicies of \
                 ingress, which must admit the nodes of the control plane)."
            ),
            Kind::Unreachable => format!(
                "The machine of the API server has no {family} route to the pods: it needs the pod network \
                 (its routes or its tunnel) in this family, as every node does."
            ),
            _ => format!(
                "Check that the endpoints of the Service are its pods, and that nothing between the API \
                 server and the pods answers in their place over {family}."
            ),
        };
        Failure::new(format!(
            "The API server does not reach the pods behind the Service {service} over {family}: \
             {}{answered}. Pods reach each other.",
            symptom.detail
        ))
        .reproduce([
            format!(
                "kubectl get --raw '/api/v1/namespaces/{namespace}/services/http:{service}:{port}/proxy/'  \
                 # only after run --keep"
            ),
            "kubectl -n kube-system logs -l component=kube-apiserver --tail=100 | grep -iE 'proxy|dial'"
                .to_owned(),
        ])
        .fix([
            first,
            "Where the control plane is managed or reaches nodes by Konnectivity, the tunnel's agents run \
             in the cluster: see their logs (`kubectl -n kube-system logs -l k8s-app=konnectivity-agent`), \
             and whether the provider supports the family for webhooks."
                .to_owned(),
        ])
    }
}
