//! `dns_slow`: DNS servers answer rightly, and take their time.

use super::{CauseRule, Evidence, Found};
use crate::{
    check::{DnsPlace, Subject, commands, remedy, words},
    probe::Target,
};

#[derive(Debug)]
pub(super) struct DnsSlow;

impl CauseRule for DnsSlow {
    fn id(&self) -> &'static str {
        "dns_slow"
    }

    fn why(&self) -> &'static str {
        "Every name that a pod looks up costs this much, twice if it queries A and AAAA one after the other, \
         and again for each search domain that is tried first. Applications look slow, and fail if their \
         time-outs are shorter."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        in_cluster(evidence).into_iter().collect()
    }
}

fn in_cluster(evidence: &Evidence<'_>) -> Option<Found> {
    let cases = evidence.red("dns::servers", |judged| judged.verdict.detail().starts_with("slow"));
    let slow: Vec<_> = cases.iter().filter_map(|&case| evidence.judged.get(case)).collect();
    let first = slow.first()?;
    let mut pods: Vec<&str> = slow
        .iter()
        .filter_map(|judged| match &judged.case.subject {
            Subject::Pod { workload, .. } => Some(workload.as_str()),
            _ => None,
        })
        .collect();
    pods.sort_unstable();
    pods.dedup();
    let dns = evidence.world.facts.cluster_dns.known();
    let ready = dns.map_or(0, |dns| dns.pods.iter().filter(|pod| pod.ready).count());
    let (_, time) = first.verdict.detail().rsplit_once(' ')?;
    let time = first.verdict.detail().rsplit_once("took ").map_or(time, |(_, time)| time);
    let what = if pods.len() == ready {
        format!(
            "The cluster's DNS answers slowly, on every DNS pod: the quickest answer took {time}."
        )
    } else if pods.is_empty() {
        format!(
            "The cluster's DNS answers slowly only at its ClusterIP: the quickest answer took {time}."
        )
    } else {
        format!(
            "Of {ready} DNS pods, {} {} slowly, while others are quick: the quickest answer took {time}.",
            words::list(&pods),
            if pods.len() == 1 { "answers" } else { "answer" }
        )
    };
    let asks = |judged: &&&super::Judged| {
        let ids = judged.case.probes.iter();
        ids.filter_map(|id| evidence.probed.iter().find(|probed| probed.id() == *id))
            .find(|probed| matches!(probed.probe.target, Target::DnsServer { .. }))
    };
    let example = slow.iter().find_map(|judged| asks(&judged));
    Some(Found {
        what,
        evidence: slow
            .iter()
            .take(4)
            .map(|judged| {
                let family = judged.case.family.map_or("", crate::net::IpFamily::as_str);
                format!("{} over {family}: {}", judged.case.subject, judged.verdict.detail())
            })
            .collect(),
        reproduce: commands::repeat(evidence.world, example.map(|probed| probed.probe))
            .into_iter()
            .chain([DnsPlace::of(evidence.world).configuration()])
            .collect(),
        fix: remedy::slow_dns(evidence.world),
        cases,
        ..Found::default()
    })
}
