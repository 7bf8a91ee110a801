//! `pod::reachable`

use std::net::SocketAddr;

use crate::{
    check::{
        About, Check, Failure, Kind, Need, Planned, Promise, Reading, Readings, Subject, Symptom,
        Verdict, World, commands, outcome, pairs::Pairs, plan, remedy,
    },
    fixture::BACKEND_PORT,
    net::IpFamily,
    probe::{Aim, Attempts, Target},
};

/// Pods reach pods.
#[derive(Debug)]
pub(in crate::check) struct Reachable;

/// A way from a pod to a pod, in one family.
#[derive(Debug)]
pub(in crate::check) struct PodPath {
    /// The nodes on which the two pods are.
    from: String,
    to: String,
    family: IpFamily,
    address: SocketAddr,
}

impl Check for Reachable {
    type Subject = PodPath;

    const PROMISE: Promise = Promise {
        id: "pod::reachable",
        summary: "a pod on every node reaches a pod on every node at its own address, with small and large \
         answers and without NAT",
        why: "Everything else depends on it: Services only choose which pod a packet goes to. If pods don't \
         reach each other in one family, the pod network is at fault (routes, tunnels, firewalls between \
         nodes); if they do, but a Service fails, it is the service proxy. Large answers show a path that drops \
         full-sized packets, which small ones never do.",
        source: "The Kubernetes network model: pods reach all other pods, on the same node or another, \
         without proxies or address translation; https://kubernetes.io/docs/concepts/services-networking/",
        about: About::core()
            .titled("Pod to pod")
            .asserts(&["should be able to reach pod on ipv4 and ipv6 ip"]),
        needs: &[Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<PodPath>> {
        let mut cases = Vec::new();
        let pairs = Pairs::new(world);
        for family in plan::families(world.suite) {
            for source in plan::pods(world) {
                for backend in pairs.pods(&source.pod.node) {
                    let (from, to) = (&source.label, &backend.node);
                    cases.push(Planned::probing(world, Subject::path(from, to), family, || {
                        source.address(family)?;
                        let address =
                            SocketAddr::new(plan::backend(backend, family)?, BACKEND_PORT);
                        let probe = |payload, attempts| {
                            let aim = Aim::Backend { node: to.clone() };
                            source.probe(aim, Target::Http { address, payload }, attempts)
                        };
                        // No proxy on this way has anything to learn.
                        let attempts = plan::single(world.suite);
                        let small = Attempts { patience_ms: attempts.timeout_ms, ..attempts };
                        let payload = world.suite.probes.payload;
                        let large = (payload > 0).then(|| probe(payload, plan::once(world.suite)));
                        let probes = std::iter::once(probe(0, small)).chain(large).collect();
                        let (from, to) = (from.clone(), to.clone());
                        Ok((PodPath { from, to, family, address }, probes))
                    }));
                }
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, path: &PodPath, readings: &Readings<'_>) -> Verdict {
        // The small answer is asked for first, and tells more where both fail.
        match outcome::bad(&readings.own).next() {
            None => outcome::unless_unknown(&readings.own),
            Some((reading, symptom)) => {
                let detail = outcome::sized(reading, symptom);
                Verdict::fail(detail, path.failure(world, reading, symptom))
            }
        }
    }
}

impl PodPath {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { from, to, family, address } = self;
        let place = if from == to { "the same node".to_owned() } else { format!("node {to}") };
        let what = match reading.probe.target {
            Target::Http { payload: payload @ 1.., .. } => format!(
                "A pod on node {from} gets small answers over {family} from the nginx at {address} on \
                 {place}, but not one of {payload} bytes ({}): full-sized packets are lost on the way \
                 back.",
                symptom.detail
            ),
            _ => format!(
                "A pod on node {from} does not reach the nginx at {address} on {place} over {family}: \
                 {}.",
                symptom.detail
            ),
        };
        let mut reproduce = commands::repeat(world, [reading.probe]);
        reproduce.push(commands::route(from, address.ip()));
        if let Some(source) = world.fixture.probe_on(from).and_then(|pod| pod.address(*family))
            && from != to
        {
            reproduce.push(commands::route(to, source));
        }
        let fix = self.fix(world, symptom.kind, reading.probe.target.is_large());
        Failure::new(what).reproduce(reproduce).fix(fix)
    }

    fn fix(&self, world: World<'_>, kind: Kind, large: bool) -> Vec<String> {
        let Self { ref from, ref to, family, .. } = *self;
        if large {
            return remedy::path_mtu(family);
        }
        match kind {
            Kind::Refused => vec![format!(
                "The packets arrive and nothing listens on {family} there: ask nginx in its own pod, \
                 and check whether IPv6 is disabled in that pod or a policy rejects the connection."
            )],
            Kind::WrongSource => vec![format!(
                "Exclude the pod ranges of {family} from masquerading (the pod network's NAT settings, \
                 ip-masq-agent's nonMasqueradeCIDRs): policies and logs go by the pod's own address."
            )],
            Kind::WrongAnswer => vec![
                "Two pods have the same address, or something answers for it: compare `kubectl get \
                 pods -A -o wide`, and see node::pod_cidrs for ranges that overlap."
                    .to_owned(),
            ],
            _ if from == to => vec![
                format!(
                    "Check that {to} forwards {family}: `{}` must print 1.",
                    commands::on_node(to, &format!("sysctl -n {}", remedy::forwarding(family)))
                ),
                format!("Look for a NetworkPolicy or firewall rule on {to} that drops {family}."),
            ],
            _ => remedy::pod_network(world, family),
        }
    }
}
