//! `dns_wrong_records`: DNS answers with other addresses than the Services have.

use super::{CauseRule, Confidence, Evidence, Found, dns_without_records, evidence::Probed};
use crate::{
    check::{COREFILE_SOURCE, DnsPlace, Kind, commands, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct DnsWrongRecords;

impl CauseRule for DnsWrongRecords {
    fn id(&self) -> &'static str {
        "dns_wrong_records"
    }

    fn why(&self) -> &'static str {
        "Clients trust DNS: they connect to an address that is not the Service's, and reach nothing or the \
         wrong server. Clients that prefer the family are hit first."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        IpFamily::ALL.into_iter().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn is_wrong(probed: &Probed<'_>) -> bool {
    probed.is_dns() && probed.kind() == Some(Kind::WrongRecords)
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let wrong: Vec<&Probed<'_>> = evidence.of(family).filter(|probed| is_wrong(probed)).collect();
    let example = *wrong.first()?;
    let record = family.record_type();
    let of_family = |probed: &Probed<'_>| probed.family == family && is_wrong(probed);
    let who = match dns_without_records::servers(evidence, of_family) {
        dns_without_records::Servers::None => {
            "Something between pods and the DNS pods answers".to_owned()
        }
        dns_without_records::Servers::All => "The cluster's DNS answers".to_owned(),
        dns_without_records::Servers::Some(pods) => {
            format!("The DNS pod {} answers", words::list(pods))
        }
    };
    // The same address for every name comes from one line; a wrong one for each from a stale server.
    let mut answers: Vec<&str> =
        wrong.iter().filter_map(|probed| probed.seen().split(", expected").next()).collect();
    answers.sort_unstable();
    answers.dedup();
    let which = match answers.as_slice() {
        [one] => format!("{one} for every name that was asked"),
        _ => format!("{} different addresses that no Service has", answers.len()),
    };
    let place = DnsPlace::of(evidence.world);
    Some(Found {
        what: format!(
            "{who} {record} queries for Services with another address than the Service's: {which}."
        ),
        confidence: Confidence::Proved,
        evidence: wrong
            .iter()
            .take(3)
            .map(|probed| format!("{} asked {}: {}", probed.probe.target, probed.whence(), probed.seen()))
            .collect(),
        reproduce: commands::repeat(evidence.world, [example.probe])
            .into_iter()
            .chain([place.configuration()])
            .collect(),
        fix: vec![
            format!(
                "Look in the Corefile for what answers {record} queries before the kubernetes plugin \
                 does (template, hosts, rewrite, dns64), take it out, and restart the DNS pods: `{}`.",
                place.restart()
            ),
            COREFILE_SOURCE.to_owned(),
            "If it is one DNS pod, or the addresses were those of Services that are gone, delete that \
             pod: it lost its watch on the API server."
                .to_owned(),
            "If every DNS pod is right by itself, a cache or proxy before them is not (NodeLocal \
             DNSCache, the nodes' resolver)."
                .to_owned(),
        ],
        probed: evidence.bad(|probed| {
            let wrong = probed.names_target() && probed.kind() == Some(Kind::WrongRecords);
            (probed.family == family && wrong) || of_family(probed)
        }),
        ..Found::default()
    })
}
