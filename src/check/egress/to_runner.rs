//! `egress::to_runner`

use super::seen::Seen;
use crate::{
    check::{
        About, Blocked, Check, Failure, Need, Planned, Promise, Reading, Readings, State, Subject,
        Symptom, Verdict, World, commands, outcome,
        pairs::Pairs,
        plan::{self, Source},
        remedy,
    },
    facts,
    fixture::Destination,
    net::IpFamily,
    probe::{Aim, Attempts, Probe, Target, Vantage},
    suite::EgressPolicy,
};

/// For how long a way out may still be settling, in milliseconds: the pod network sets it up with
/// the pod.
const SETTLE_MS: u32 = 1_000;

/// Pods reach what is outside the cluster.
#[derive(Debug)]
pub(in crate::check) struct ToRunner;

/// The way from a pod to the outside, in one family.
#[derive(Debug)]
pub(in crate::check) struct WayOut {
    node: String,
    family: IpFamily,
    destination: Destination,
}

impl Check for ToRunner {
    type Subject = WayOut;

    const PROMISE: Promise = Promise {
        id: "egress::to_runner",
        summary: "a pod on every node reaches this machine, or the server of --egress-target, outside the \
         cluster",
        why: "Pods call databases, APIs and webhooks outside the cluster. It is often IPv6 that fails: pods \
              have unique local addresses (ULA) that are not routed outside, and the masquerade rule covers \
              only IPv4. An application then waits for its IPv6 connection to time out before it tries IPv4, or \
              never tries it.",
        source: "https://kubernetes.io/docs/concepts/services-networking/dual-stack/#egress-traffic; \
         https://kubernetes.io/docs/tasks/administer-cluster/ip-masq-agent/",
        about: About::feature("PodEgress").titled("Out of the cluster"),
        needs: &[Need::Facts(facts::Source::Nodes), Need::Exec, Need::Egress],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<WayOut>> {
        let mut cases = Vec::new();
        let pairs = Pairs::new(world);
        let sample = pairs.sample();
        for family in plan::families(world.suite) {
            let some = witnesses(world, family, &sample);
            for source in plan::pods(world) {
                let node = source.pod.node.clone();
                let subject = Subject::path(&source.label, "outside");
                let address = source.address(family).map_err(|it| it.verdict(world.suite));
                let destination = match address.and_then(|_| to(world, family)) {
                    Ok(destination) => destination,
                    Err(verdict) => {
                        cases.push(Planned::settled(subject, family, verdict));
                        continue;
                    }
                };
                let own = witnesses(world, family, &[&node]);
                let own: Vec<Probe> = own.into_iter().filter(|it| !some.contains(it)).collect();
                let case = Planned::probing(world, subject, family, || {
                    let probe = probe(world, &source, family, destination)?;
                    let destination = destination.clone();
                    Ok((WayOut { node, family, destination }, vec![probe]))
                });
                cases.push(case.beside(some.iter().chain(&own)));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, way: &WayOut, readings: &Readings<'_>) -> Verdict {
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            let verdict = outcome::unless_unknown(&readings.own);
            let seen = readings.own.first().and_then(|reading| Seen::of(world, reading));
            return match seen {
                Some(seen) if matches!(verdict, Verdict::Pass { .. }) => {
                    let detail = verdict.detail();
                    let took = detail.strip_prefix("answered ").unwrap_or(detail);
                    Verdict::pass(format!("{seen}, {took}"))
                }
                _ => verdict,
            };
        };
        match way.proof(readings) {
            Ok(proof) => {
                let detail = symptom.detail.clone();
                Verdict::fail(detail, way.failure(world, reading, symptom, &proof))
            }
            Err(doubt) => {
                let detail = format!("{doubt} ({})", symptom.detail);
                if world.suite.egress == EgressPolicy::Required {
                    Verdict::fail(detail, way.failure(world, reading, symptom, &doubt))
                } else {
                    Verdict::inconclusive(detail)
                }
            }
        }
    }
}

/// What pods connect to in a family; or the verdict where there is nothing.
fn to(world: World<'_>, family: IpFamily) -> Result<&Destination, Verdict> {
    if world.suite.egress == EgressPolicy::Off {
        return Err(Verdict::skip("connections to the outside are not tested (--egress off)"));
    }
    match world.fixture.egress.get(&family) {
        Some(Destination::Skipped { reason }) => Err(Verdict::skip(reason)),
        Some(Destination::Missing { reason }) => Err(missing(world, family, reason)),
        Some(destination) => Ok(destination),
        None => Err(Verdict::inconclusive("it is not known what to connect to")),
    }
}

/// The verdict where this machine has nothing that pods could connect to.
fn missing(world: World<'_>, family: IpFamily, reason: &str) -> Verdict {
    if world.suite.egress != EgressPolicy::Required {
        return Verdict::inconclusive(reason);
    }
    let failure = Failure::new(format!(
        "Pods have nothing to connect to outside the cluster over {family}: {reason}."
    ))
    .reproduce([format!("ip {} route", commands::flag(family))])
    .fix([
        format!(
            "Run dualstack where there is an {family} way to the nodes, or name a server with \
             --egress-target."
        ),
        "With --egress auto these cases are inconclusive instead, with --egress off they are skipped."
            .to_owned(),
    ]);
    Verdict::fail(reason, failure)
}

fn probe(
    world: World<'_>,
    source: &Source<'_>,
    family: IpFamily,
    destination: &Destination,
) -> Result<Probe, Blocked> {
    source.address(family)?;
    let address = destination
        .address()
        .ok_or_else(|| Blocked { by: None, reason: "there is nothing to connect to".to_owned() })?;
    let target = if destination.is_tls() {
        Target::Tcp { address }
    } else {
        Target::Http { address, payload: 0 }
    };
    // A server that is not ours is asked once.
    let ours = matches!(destination, Destination::Listener { .. });
    let one = plan::once(world.suite);
    let settle_ms = if ours { one.settle_ms.min(SETTLE_MS) } else { 0 };
    let attempts = Attempts { settle_ms, patience_ms: one.timeout_ms, ..one };
    Ok(source.probe(Aim::Outside, target, attempts))
}

/// What tells a way out that is broken from a machine to which there is no way: the same from pods on
/// these nodes in both families, and from the nodes themselves.
fn witnesses(world: World<'_>, family: IpFamily, nodes: &[&str]) -> Vec<Probe> {
    let among = |source: &Source<'_>| nodes.contains(&source.pod.node.as_str());
    let pods = plan::families(world.suite)
        .flat_map(|of| plan::pods(world).filter(among).map(move |source| (source, of)));
    let hosts = plan::hosts(world).filter(among).map(|source| (source, family));
    pods.chain(hosts)
        .filter_map(|(source, of)| probe(world, &source, of, to(world, of).ok()?).ok())
        .collect()
}

impl WayOut {
    /// What proves that there is a way from the cluster to where this one fails; or else what makes
    /// that doubtful.
    fn proof(&self, readings: &Readings<'_>) -> Result<String, String> {
        let Self { family, .. } = self;
        let is_host =
            |reading: &&Reading<'_>| matches!(reading.probe.vantage, Vantage::HostNetwork { .. });
        let good = |reading: &&Reading<'_>| reading.state == State::Good;
        let of = |reading: &&Reading<'_>| reading.probe.family() == *family;
        let pods = || readings.witnesses.iter().filter(|reading| !is_host(reading)).filter(good);
        let hosts = || readings.witnesses.iter().filter(is_host);
        if let Some(Vantage::Pod { node }) = pods().find(of).map(|it| &it.probe.vantage) {
            return Ok(format!("pods on {node} get there"));
        }
        let by_host = hosts().find(good).map(|reading| &reading.probe.vantage);
        let what = match self.destination {
            Destination::Server { .. } => "the server",
            _ => "this machine",
        };
        if pods().next().is_none() {
            return Err(match by_host {
                Some(_) => format!(
                    "no pod gets an answer from {what} in any family, but nodes do: a policy or a firewall may \
                     block egress from pods"
                ),
                // It may as well be that the server isn't there.
                None if matches!(self.destination, Destination::Server { .. }) => {
                    format!("no pod gets an answer from {what} in any family")
                }
                None => format!("no packet from the cluster reaches {what}"),
            });
        }
        let other = family.other();
        match by_host {
            Some(Vantage::HostNetwork { node }) => Ok(format!("node {node} itself reaches it")),
            _ if hosts().next().is_none() => Ok(format!("over {other} they get there")),
            _ => Err(format!("over {family} the nodes themselves don't reach {what} either")),
        }
    }

    fn failure(
        &self,
        world: World<'_>,
        reading: &Reading<'_>,
        symptom: &Symptom,
        known: &str,
    ) -> Failure {
        let Self { node, family, destination } = self;
        let target = reading.probe.target.to_string();
        let what = match destination {
            Destination::Server { url, .. } => format!("{url} at {target}"),
            _ => format!("this machine at {target}"),
        };
        Failure::new(format!(
            "A pod on node {node} does not reach {what}, outside the cluster, over {family}: {}. For comparison: \
             {known}.",
            symptom.detail
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce([commands::rules(node)])
        .fix(remedy::egress(*family))
        .fix([
            "With --egress auto a machine to which no pod gets is inconclusive, with --egress off nothing \
             is tried."
                .to_owned(),
        ])
    }
}
