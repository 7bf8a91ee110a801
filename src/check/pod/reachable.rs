//! `pod::reachable`

use std::net::SocketAddr;

use crate::{
    check::{
        Case, Check, Failure, Observations, Stage, Subject, Verdict, World, commands, outcome,
        plan,
        reading::{Kind, Reading, Symptom},
        remedy,
    },
    net::IpFamily,
    probe::{Attempts, BACKEND_PORT, Probe, Target},
};

/// Pods reach pods.
#[derive(Debug)]
pub(in crate::check) struct Reachable;

impl Check for Reachable {
    fn id(&self) -> &'static str {
        "pod::reachable"
    }

    fn summary(&self) -> &'static str {
        "a pod on every node reaches a pod on every node at its own address, with small and large \
         answers and without NAT"
    }

    fn why(&self) -> &'static str {
        "Everything else stands on it: Services only choose which pod a packet goes to. Where pods \
         don't reach each other in one family the pod network is at fault (routes, tunnels, \
         firewalls between nodes); where they do, and a Service fails, it is the service proxy. \
         Large answers show a path that drops full-sized packets, which small ones never do."
    }

    fn source(&self) -> &'static str {
        "The Kubernetes network model: pods reach all other pods, on the same node or another, \
         without proxies or address translation; \
         https://kubernetes.io/docs/concepts/services-networking/"
    }

    fn stage(&self) -> Stage {
        Stage::Probed
    }

    fn plan(&self, world: World<'_>) -> Vec<Case> {
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            for source in plan::pods(world) {
                for backend in &world.fixture.backends {
                    let blocked =
                        source.blocked(family).or_else(|| plan::backend_blocked(backend, family));
                    let probes = match (&blocked, backend.address(family)) {
                        (None, Some(ip)) => {
                            let address = SocketAddr::new(ip, BACKEND_PORT);
                            // No proxy on this way has anything to learn.
                            let attempts = plan::single(world.suite);
                            let small = Probe {
                                vantage: source.vantage.clone(),
                                target: Target::Http { address, payload: 0 },
                                attempts: Attempts { patience_ms: attempts.timeout_ms, ..attempts },
                            };
                            let payload = world.suite.probes.payload;
                            let large = (payload > 0).then(|| Probe {
                                vantage: source.vantage.clone(),
                                target: Target::Http { address, payload },
                                attempts: plan::once(world.suite),
                            });
                            std::iter::once(small).chain(large).collect()
                        }
                        _ => Vec::new(),
                    };
                    cases.push(Case {
                        check: self.id().to_owned(),
                        subject: Subject::Path {
                            from: source.label.clone(),
                            to: backend.node.clone(),
                        },
                        family: Some(family),
                        probes,
                        blocked,
                    });
                }
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, case: &Case, observations: &Observations) -> Verdict {
        let (Subject::Path { from, to }, Some(family)) = (&case.subject, case.family) else {
            return Verdict::inconclusive("this is no case of a path and a family");
        };
        let readings: Vec<Reading<'_>> =
            case.probes.iter().map(|probe| Reading::of(world, observations, probe)).collect();
        // The small answer is asked for first, and tells more where both fail.
        let bad = readings
            .iter()
            .zip(&case.probes)
            .find_map(|(reading, probe)| Some((reading.symptom()?, probe)));
        let verdict = match bad {
            None => outcome::unless_unknown(&readings),
            Some((symptom, probe)) => {
                let large = matches!(probe.target, Target::Http { payload: 1.., .. });
                let detail = if large {
                    format!("large answers: {}", symptom.detail)
                } else {
                    symptom.detail.clone()
                };
                let path = Path { world, from, to, family };
                Verdict::fail(detail, path.failure(symptom, probe, large))
            }
        };
        verdict.after(outcome::attempts(&readings))
    }
}

struct Path<'a> {
    world: World<'a>,
    from: &'a str,
    to: &'a str,
    family: IpFamily,
}

impl Path<'_> {
    fn failure(&self, symptom: &Symptom, probe: &Probe, large: bool) -> Failure {
        let Self { world, from, to, family } = *self;
        let Target::Http { address, payload } = &probe.target else {
            return Failure::new(symptom.detail.clone());
        };
        let place = if from == to { "the same node".to_owned() } else { format!("node {to}") };
        let what = if large {
            format!(
                "A pod on node {from} gets small answers over {family} from the nginx at {address} on \
                 {place}, but not one of {payload} bytes ({}): full-sized packets are lost on the way \
                 back.",
                symptom.detail
            )
        } else {
            format!(
                "A pod on node {from} does not reach the nginx at {address} on {place} over {family}: \
                 {}.",
                symptom.detail
            )
        };
        let mut reproduce = commands::repeat(world, [probe]);
        reproduce.push(commands::route(from, address.ip()));
        if let Some(source) = world.fixture.probe_on(from).and_then(|pod| pod.address(family))
            && from != to
        {
            reproduce.push(commands::route(to, source));
        }
        Failure::new(what).reproduce(reproduce).fix(self.fix(symptom.kind, large))
    }

    fn fix(&self, kind: Kind, large: bool) -> Vec<String> {
        let Self { world, from, to, family } = *self;
        if large {
            return vec![
                format!(
                    "Give the pods an MTU that every {family} hop between the nodes carries, less the \
                     tunnel's header (the pod network's mtu setting), and make the pods anew."
                ),
                match family {
                    IpFamily::V4 => "Let ICMP type 3 code 4 (fragmentation needed) through every \
                                     firewall between the nodes: path MTU discovery lives on it."
                        .to_owned(),
                    IpFamily::V6 => "Let ICMPv6 type 2 (packet too big) through every firewall \
                                     between the nodes: IPv6 routers never fragment, so path MTU \
                                     discovery lives on it (RFC 4890)."
                        .to_owned(),
                },
            ];
        }
        match kind {
            Kind::Refused => vec![format!(
                "The packets arrive and nothing listens on {family} there: ask nginx in its own pod, \
                 and look whether IPv6 is disabled in that pod or a policy rejects the connection."
            )],
            Kind::WrongSource => vec![format!(
                "Except the pod ranges of {family} from masquerading (the pod network's NAT settings, \
                 ip-masq-agent's nonMasqueradeCIDRs): policies and logs go by the pod's own address."
            )],
            Kind::WrongAnswer => vec![
                "Two pods have the same address, or something answers for it: compare `kubectl get \
                 pods -A -o wide`, and see node::pod_cidrs for ranges that overlap."
                    .to_owned(),
            ],
            _ if from == to => vec![
                format!(
                    "See that {to} forwards {family}: `{}` must print 1.",
                    commands::on_node(to, &format!("sysctl -n {}", remedy::forwarding(family)))
                ),
                format!("Look for a NetworkPolicy or firewall rule on {to} that drops {family}."),
            ],
            _ => remedy::pod_network(world, family),
        }
    }
}
