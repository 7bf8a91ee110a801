//! `node::proxy_health`

use std::net::{IpAddr, SocketAddr};

use crate::{
    check::{
        About, Blocked, Check, Failure, Kind, Need, Planned, Promise, Reading, Readings, State,
        Subject, Verdict, World, commands, outcome,
        plan::{self, Source},
        remedy,
    },
    facts::{self, Fact, KubeProxy},
    net::IpFamily,
    probe::{Aim, Attempts, HealthPage, Outcome, Probe, ProxyPage, Target, Vantage},
};

/// kube-proxy is healthy in each family.
#[derive(Debug)]
pub(in crate::check) struct ProxyHealth;

/// The kube-proxy on a node, in one family.
#[derive(Debug)]
pub(in crate::check) struct Half {
    node: String,
    family: IpFamily,
}

/// Where kube-proxy tells of its health, unless its configuration says otherwise.
const PORT: u16 = 10_256;

/// For how long an answer is waited for that may come later, in milliseconds: kube-proxy is as old as the
/// node.
const PATIENCE_MS: u32 = 1_000;

impl Check for ProxyHealth {
    type Subject = Half;

    const PROMISE: Promise = Promise {
        id: "node::proxy_health",
        summary: "the kube-proxy on every node reports that it is healthy in each family: it has applied every \
                  change of Services in time",
        why: "kube-proxy writes the rules of each family separately. If it can't in one of them (a missing \
              kernel module, conflicting rules of another program), old Services keep working in that family, \
              but new ones and moved pods don't work on the node, while its pod is Running and Ready.",
        source: "kube-proxy's page /livez (healthzBindAddress), which tells the families apart in \
         recent versions of Kubernetes; KEP-3836 Kube-proxy improved ingress connectivity reliability",
        about: About::feature("ProxyHealth").titled("kube-proxy's health"),
        needs: &[
            Need::Facts(facts::Source::Nodes),
            Need::Facts(facts::Source::KubeProxy),
            Need::Exec,
        ],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Half>> {
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            let proxy = match &world.facts.kube_proxy {
                Fact::Absent { reason } => {
                    let verdict = Verdict::skip(format!("no kube-proxy to ask: {reason}"));
                    cases.push(Planned::settled(Subject::Cluster, family, verdict));
                    continue;
                }
                known => known.known(),
            };
            for source in sources(world) {
                let node = source.pod.node.clone();
                let subject = Subject::Node { name: node.clone() };
                cases.push(Planned::probing(world, subject, family, || {
                    let probe = probe(world, &source, family, proxy)?;
                    Ok((Half { node, family }, vec![probe]))
                }));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, half: &Half, readings: &Readings<'_>) -> Verdict {
        let Some(reading) = readings.own.first() else {
            return outcome::unless_unknown(&readings.own);
        };
        let Half { node, .. } = half;
        match &reading.state {
            State::Good => half.well(reading),
            State::Bad(symptom) if symptom.kind == Kind::Unhealthy => {
                let failure = half.failure(world, reading, &symptom.detail);
                Verdict::fail(symptom.detail.clone(), failure)
            }
            State::Bad(symptom) => {
                let at = &reading.probe.target;
                let reason = format!(
                    "the kube-proxy on {node} reports no health status at {at} ({})",
                    symptom.detail
                );
                // What is let through to a node's own ports from its pods is for its firewall to say.
                let from_host = matches!(reading.probe.vantage, Vantage::HostNetwork { .. });
                match symptom.kind {
                    Kind::TimedOut if from_host => Verdict::inconclusive(reason),
                    Kind::Refused => Verdict::skip(format!(
                        "{reason}: it doesn't run there, or its healthzBindAddress is another one"
                    )),
                    _ => Verdict::skip(reason),
                }
            }
            State::Unknown(reason) => Verdict::inconclusive(reason),
        }
    }

    #[cfg(test)]
    fn broken(&self) -> Option<crate::lab::Lab> {
        let fault = crate::lab::Fault::ProxyUnhealthy { at: "n1", family: IpFamily::V6 };
        Some(crate::lab::Lab::dual().with(fault))
    }
}

/// Where each node's kube-proxy is asked from: the node's own network, or else the pod there.
fn sources(world: World<'_>) -> Vec<Source<'_>> {
    let hosts: Vec<Source<'_>> = plan::hosts(world).collect();
    if hosts.is_empty() { plan::pods(world).collect() } else { hosts }
}

fn probe(
    world: World<'_>,
    source: &Source<'_>,
    family: IpFamily,
    proxy: Option<&KubeProxy>,
) -> Result<Probe, Blocked> {
    source.up()?;
    let node = &source.pod.node;
    let (bound, port) = bound(proxy);
    let address = match bound {
        Some(address) => address,
        None => {
            let known = world.facts.node(node);
            known.and_then(|known| known.internal_ips(family).next()).ok_or_else(|| Blocked {
                by: Some("node::internal_ips"),
                reason: format!("node {node} has no {family} InternalIP"),
            })?
        }
    };
    let settle_ms = world.suite.probes.settle_ms.min(PATIENCE_MS);
    let attempts = Attempts { settle_ms, ..plan::once(world.suite) };
    let address = SocketAddr::new(address, port);
    let target = Target::Health { address, page: HealthPage::Proxy, wanted: None };
    Ok(source.probe(Aim::ProxyHealth { node: node.clone(), family }, target, attempts))
}

/// The only address at which kube-proxy tells of its health, where it is not every one of the node's, and
/// the port.
fn bound(proxy: Option<&KubeProxy>) -> (Option<IpAddr>, u16) {
    let written = proxy.map(|proxy| proxy.healthz_bind_address.as_str()).unwrap_or_default();
    let (address, port) = match (written.parse::<SocketAddr>(), written.parse::<IpAddr>()) {
        (Ok(both), _) => (Some(both.ip()), both.port()),
        (_, Ok(address)) => (Some(address), PORT),
        _ => (None, PORT),
    };
    (address.filter(|address| !address.is_unspecified()), port)
}

impl Half {
    /// The verdict on one that has nothing to say against its health.
    fn well(&self, reading: &Reading<'_>) -> Verdict {
        let Self { node, .. } = self;
        let told = reading.attempts.iter().any(|attempt| match &attempt.outcome {
            Outcome::Health { body, .. } => {
                ProxyPage::read(body).is_some_and(|page| page.tells_families_apart())
            }
            _ => false,
        });
        if told {
            return Verdict::pass("healthy");
        }
        Verdict::skip(format!(
            "the kube-proxy on {node} is healthy, but its version doesn't report the families separately"
        ))
    }

    fn failure(&self, world: World<'_>, reading: &Reading<'_>, detail: &str) -> Failure {
        let Self { node, family } = self;
        Failure::new(format!(
            "The kube-proxy on node {node} is not healthy in {family}: {detail}. New {family} Services, and old \
             ones whose pods move, don't work there."
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce(logs(world, node))
        .fix(fixes(world, *family, node))
    }
}

/// Shows what kube-proxy's log on a node says of its rules.
pub(crate) fn logs(world: World<'_>, node: &str) -> Vec<String> {
    vec![format!(
        "kubectl -n kube-system logs {} --tail=200 | grep -iE 'sync failed|failed to|error'",
        remedy::kube_proxy_pod(world, node)
    )]
}

/// What makes half a kube-proxy healthy again, the likeliest first.
pub(crate) fn fixes(world: World<'_>, family: IpFamily, node: &str) -> Vec<String> {
    let mut fixes = vec![format!(
        "The log of the kube-proxy on {node} says why it can't write the rules of {family}: a tool or a \
         kernel module that is missing, or foreign rules in tables that it shares. Repair that; it tries \
         again every 30 s."
    )];
    fixes.extend(remedy::service_proxy(world, family, node));
    fixes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_where_its_configuration_says() {
        let lab = crate::lab::Lab::dual();
        let mut proxy = lab.facts.kube_proxy.known().unwrap().clone();
        let mut at = |written: &str| {
            proxy.healthz_bind_address = written.to_owned();
            bound(Some(&proxy))
        };
        assert_eq!(at(""), (None, 10_256));
        assert_eq!(at("0.0.0.0:10257"), (None, 10_257));
        assert_eq!(at("[::]:10256"), (None, 10_256));
        assert_eq!(at("127.0.0.1"), (Some("127.0.0.1".parse().unwrap()), 10_256));
        assert_eq!(at("[::1]:9999"), (Some("::1".parse().unwrap()), 9_999));
    }
}
