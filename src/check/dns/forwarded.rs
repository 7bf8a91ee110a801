//! Names outside the cluster: whether those to whom CoreDNS passes them on answer.
//!
//! A cluster may have no way to any, so this is never more than a notice, and only where its Corefile names
//! servers by their addresses: then somebody counts on them.

use std::net::{IpAddr, SocketAddr};

use crate::{
    check::{Reading, World, plan, plan::Source, words},
    facts::{ClusterDns, DnsPod},
    net::IpFamily,
    probe::{Aim, Attempts, Probe, ProbeTable, Target},
};

/// A name that nobody has and that tells nobody anything: resolvers know that by themselves (RFC 6761).
const NAME: &str = "dualstack.invalid.";

/// The question for such a name to a DNS pod at its own address, from its own node where we are there.
pub(super) fn probe(
    world: World<'_>,
    dns: &ClusterDns,
    pod: &DnsPod,
    ip: IpAddr,
    sources: &[Source<'_>],
) -> Option<Probe> {
    dns.upstreams.first()?;
    let able = || sources.iter().filter(|source| source.address(IpFamily::of(ip)).is_ok());
    let near = able().find(|source| Some(&source.pod.node) == pod.node.as_ref());
    let source = near.or_else(|| able().next())?;
    let once = plan::once(world.suite);
    // The network is no younger than the DNS pods: nothing has to settle.
    let attempts = Attempts { settle_ms: once.timeout_ms, ..once };
    let target =
        Target::DnsServer { server: SocketAddr::new(ip, pod.udp_port), name: NAME.to_owned() };
    Some(source.probe(Aim::Forwarded { pod: pod.name.clone() }, target, attempts))
}

/// Sentences for the operator: which DNS pods get no answer from those to whom they pass names on. One that
/// answers nothing at all is for [`super::servers`] to judge.
pub fn notices(world: World<'_>, probes: &ProbeTable) -> Vec<String> {
    let Some(dns) = world.facts.cluster_dns.known() else { return Vec::new() };
    let read = |aimed: &dyn Fn(&Aim) -> bool| -> Vec<(String, bool, String)> {
        let tried = probes.iter().filter(|(_, probe, _)| aimed(&probe.aim));
        tried
            .filter_map(|(_, probe, observation)| {
                let (Aim::Forwarded { pod } | Aim::DnsPod { pod, .. }) = &probe.aim else {
                    return None;
                };
                let reading = Reading::of(world, probe, observation);
                let seen = reading.symptom().map(|symptom| symptom.detail.clone());
                Some((pod.clone(), reading.proves_a_way(), seen.unwrap_or_default()))
            })
            .collect()
    };
    let answering = read(&|aim| matches!(aim, Aim::DnsPod { .. }));
    let answers = |pod: &str| answering.iter().any(|(it, answers, _)| it == pod && *answers);
    let silent: Vec<(String, bool, String)> = read(&|aim| matches!(aim, Aim::Forwarded { .. }))
        .into_iter()
        .filter(|(pod, _, seen)| !seen.is_empty() && answers(pod))
        .collect();
    let Some((_, _, seen)) = silent.first() else { return Vec::new() };
    let pods = words::list(silent.iter().map(|(pod, ..)| pod));
    let upstreams = words::list(&dns.upstreams);
    vec![format!(
        "DNS does not resolve names outside the cluster at {pods} ({seen}): its Corefile forwards them to \
         {upstreams}{}; check that these servers run and are reachable from nodes and pods, unless external names \
         are never needed",
        only(&dns.upstreams)
    )]
}

/// Where all have one family, that it is the only one.
fn only(upstreams: &[IpAddr]) -> String {
    let has = |family| upstreams.iter().any(|&ip| IpFamily::of(ip) == family);
    let one = IpFamily::ALL.into_iter().find(|&family| has(family) && !has(family.other()));
    one.map_or_else(String::new, |family| {
        format!(", only over {family}: does the cluster have egress in that family?")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        facts::Fact,
        lab::Lab,
        probe::{Attempt, Observation, Outcome},
    };

    /// What is told of a cluster whose Corefile names these servers, and which answer so.
    fn told(upstreams: &[&str], answer: &Outcome, deaf: bool) -> (usize, Vec<String>) {
        let mut lab = Lab::dual();
        let Fact::Known { value, .. } = &mut lab.facts.cluster_dns else { panic!("no DNS") };
        value.upstreams = upstreams.iter().map(|it| it.parse().unwrap()).collect();
        let run = lab.judge(|probe| {
            let asked = matches!(probe.aim, Aim::Forwarded { .. });
            let silent = deaf && matches!(probe.aim, Aim::DnsPod { .. });
            let outcome = if silent {
                Outcome::DnsFailure { detail: "no answer".to_owned() }
            } else {
                answer.clone()
            };
            Some(if asked || silent {
                Observation { attempts: vec![Attempt { millis: 20, outcome }], lost: None }
            } else {
                lab.observe(probe)
            })
        });
        let probes = &run.record.probes;
        let asked =
            probes.iter().filter(|(_, probe, _)| matches!(probe.aim, Aim::Forwarded { .. }));
        (asked.count(), notices(lab.world(), probes))
    }

    fn failed() -> Outcome {
        Outcome::DnsFailure { detail: "SERVFAIL".to_owned() }
    }

    #[test]
    fn a_server_that_nobody_hears_is_named_with_its_family() {
        let (asked, told) = told(&["2001:db8::53"], &failed(), false);
        assert_eq!(asked, 2);
        let [notice] = told.as_slice() else { panic!("{told:?}") };
        assert!(notice.contains("coredns-a and coredns-b"), "{notice}");
        assert!(notice.contains("to 2001:db8::53, only over IPv6"), "{notice}");
    }

    #[test]
    fn nothing_is_told_of_servers_that_answer_or_of_dns_that_answers_nobody() {
        assert_eq!(told(&["2001:db8::53"], &Outcome::Replied, false), (2, Vec::new()));
        assert_eq!(told(&["2001:db8::53"], &failed(), true), (2, Vec::new()));
    }

    #[test]
    fn a_cluster_whose_corefile_names_no_server_is_not_asked() {
        assert_eq!(told(&[], &failed(), false), (0, Vec::new()));
    }
}
