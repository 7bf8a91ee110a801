//! `dns::servers`

use super::{
    asked::{Asked, Server},
    heard::{UNANSWERED, deaf_over, from, transport},
    questions::{pod_case, service_case},
};
use crate::{
    check::{
        About, Blocked, Check, Need, Planned, Promise, Reading, Readings, Subject, Symptom,
        Verdict, World, outcome,
        plan::{self, Source},
        words,
    },
    facts::{Fact, Source as Part},
    net::IpFamily,
    probe::{Aim, Outcome},
};

/// Answers that all take longer than this are slow: pods wait for it at each name they look up. A
/// healthy server takes some milliseconds, and on a busy machine one of several nodes is quick.
const SLOW: u32 = 1_500;

/// The cluster's DNS answers at all of its addresses.
#[derive(Debug)]
pub(in crate::check) struct Servers;

impl Check for Servers {
    type Subject = Asked;

    const PROMISE: Promise = Promise {
        id: "dns::servers",
        summary: "the DNS Service at each of its ClusterIPs, and every DNS pod at each of its addresses, answers \
         pods on every node over UDP and TCP, within 1.5 s",
        why: "A resolver queries one server at one address over UDP, and retries over TCP if the answer doesn't \
              fit. A replica that does not answer in one family or over one transport makes look-ups fail \
              intermittently, which is the hardest kind of failure to find.",
        source: "RFC 1035 and RFC 7766 (DNS over UDP and TCP); \
         https://kubernetes.io/docs/tasks/administer-cluster/dns-debugging-resolution/",
        about: About::feature("DNSServers").titled("DNS servers"),
        needs: &[Need::Facts(Part::ClusterDns), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Asked>> {
        let unasked = |verdict: &Verdict| -> Vec<Planned<Asked>> {
            let families = plan::families(world.suite);
            families
                .map(|family| Planned::settled(Subject::Cluster, family, verdict.clone()))
                .collect()
        };
        let dns = match &world.facts.cluster_dns {
            Fact::Known { value, .. } => value,
            Fact::Absent { reason } => {
                return unasked(&Verdict::skip(format!("no DNS server is queried: {reason}")));
            }
            Fact::Forbidden { reason } => {
                let reason = format!("no DNS server is queried: missing permission: {reason}");
                return unasked(&Verdict::inconclusive(reason));
            }
        };
        let sources: Vec<Source<'_>> = plan::pods(world).collect();
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            if let Some(&ip) = dns.cluster_ips.iter().find(|&&ip| IpFamily::of(ip) == family) {
                cases.push(service_case(world, dns, &sources, ip));
            }
            for (place, pod) in dns.pods.iter().enumerate() {
                cases.extend(pod_case(world, dns, &sources, (place, pod), family));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, asked: &Asked, readings: &Readings<'_>) -> Verdict {
        let mut bad: Vec<(&Reading<'_>, &Symptom)> = Vec::new();
        let mut blocked = None;
        for reading in &readings.own {
            match asked.obstacle(reading, &readings.witnesses) {
                Some(obstacle) => blocked = blocked.or(Some(obstacle)),
                None => bad.extend(reading.symptom().map(|symptom| (reading, symptom))),
            }
        }
        if let Some(reason) = asked.away(world)
            && (blocked.is_some() || !bad.is_empty())
        {
            return Verdict::skip(reason);
        }
        if let Some((_, first)) = bad.first() {
            let over = deaf_over(bad.iter().map(|(reading, _)| reading.probe), nodes(readings));
            let detail = format!("{UNANSWERED}{over}: {}", first.detail);
            return Verdict::fail(detail, asked.failure(world, &bad, &over));
        }
        if let Some(blocked) = blocked {
            return blocked.verdict(world.suite);
        }
        if let Some(unknown) = outcome::unknown(&readings.own) {
            return unknown;
        }
        if let Some(millis) = quickest(&readings.own).filter(|millis| *millis > SLOW) {
            let time = format!("{}.{} s", millis / 1_000, millis % 1_000 / 100);
            return Verdict::fail(
                format!("slow: the quickest answer took {time}"),
                asked.slow(world, readings, &time),
            );
        }
        let doubt = asked.left_out.iter().find(|(_, blocked)| blocked.by.is_none());
        if let Some((_, blocked)) = doubt {
            return blocked.verdict(world.suite);
        }
        Verdict::pass(asked.passed(readings))
    }
}

/// How many nodes asked.
fn nodes(readings: &Readings<'_>) -> usize {
    let mut nodes: Vec<&str> =
        readings.own.iter().filter_map(|reading| from(reading.probe)).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes.len()
}

/// The time of the quickest answer to a question, in milliseconds.
fn quickest(readings: &[Reading<'_>]) -> Option<u32> {
    let attempts = readings.iter().flat_map(|reading| reading.attempts);
    attempts.filter(|it| it.outcome == Outcome::Replied).map(|it| it.millis).min()
}

/// Whether no answer came soon.
pub(super) fn is_slow(readings: &[Reading<'_>]) -> bool {
    quickest(readings).is_some_and(|millis| millis > SLOW)
}

impl Asked {
    /// What else explains that a probe went as it did, or makes it a matter of chance.
    fn obstacle(&self, reading: &Reading<'_>, witnesses: &[Reading<'_>]) -> Option<Blocked> {
        let node = from(reading.probe)?;
        let from_here = || witnesses.iter().filter(|witness| from(witness.probe) == Some(node));
        if let Server::Pod { .. } = self.who {
            reading.symptom()?;
            // A nginx that refuses has been reached.
            let lost = from_here().find(|witness| !witness.proves_a_way())?;
            let symptom = lost.symptom()?;
            let reason =
                format!("from {node} pods on its node aren't reached ({})", symptom.detail);
            return Some(Blocked { by: Some("pod::reachable"), reason });
        }
        // Which replica answers at the ClusterIP is chance: where one of them is deaf, so is the answer.
        let is_deaf = |witness: &&Reading<'_>| {
            matches!(witness.probe.aim, Aim::DnsPod { .. })
                && transport(witness.probe) == transport(reading.probe)
                && witness.symptom().is_some()
        };
        if let Some(deaf) = from_here().find(is_deaf) {
            let pod = match &deaf.probe.aim {
                Aim::DnsPod { pod, .. } => pod.as_str(),
                _ => "a DNS pod",
            };
            let over = transport(reading.probe);
            let reason = format!("{pod} doesn't answer over {over} from {node} at its own address");
            return Some(Blocked { by: Some("dns::servers"), reason });
        }
        reading.symptom()?;
        let services = from_here().filter(|it| matches!(it.probe.aim, Aim::ClusterIp { .. }));
        let symptom = services.filter_map(Reading::symptom).next()?;
        let reason = format!("ClusterIPs don't work from {node} ({})", symptom.detail);
        Some(Blocked { by: Some("service::cluster_ip_reachable"), reason })
    }

    /// Why nothing can be said, where the pods were replaced while they were asked.
    fn away(&self, world: World<'_>) -> Option<String> {
        let away = &world.fixture.dns_away;
        let gone = match &self.who {
            Server::Pod { name, .. } => away.iter().find(|it| *it == name),
            Server::Service => away.first(),
        };
        gone.map(|pod| format!("{pod} was replaced or not Ready during the run"))
    }

    fn passed(&self, readings: &Readings<'_>) -> String {
        let count = words::count(nodes(readings), "node");
        let time = quickest(&readings.own)
            .map_or_else(String::new, |millis| format!(", at best in {millis} ms"));
        let left_out = self.left_out.first().map_or_else(String::new, |(_, blocked)| {
            format!("; {} left out: {}", words::count(self.left_out.len(), "node"), blocked.reason)
        });
        let other =
            self.lacks.map_or_else(String::new, |family| format!("; it has no {family} ClusterIP"));
        format!("answers {count}{time}{left_out}{other}")
    }
}
