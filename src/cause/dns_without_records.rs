//! `dns_without_records`: DNS answers, and has no records of a family that Services have.

use std::collections::BTreeMap;

use super::{
    CauseRule, Evidence, Found,
    evidence::{Origin, Probed},
};
use crate::{
    check::{COREFILE_SOURCE, DnsPlace, Kind, words},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct DnsWithoutRecords;

impl CauseRule for DnsWithoutRecords {
    fn id(&self) -> &'static str {
        "dns_without_records"
    }

    fn why(&self) -> &'static str {
        "Clients learn the families of a Service only from DNS: without these records every Service seems to \
         have one family, even if the other one works."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        IpFamily::ALL.into_iter().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn lacks(probed: &Probed<'_>) -> bool {
    probed.is_dns() && probed.kind() == Some(Kind::NoRecords)
}

/// Which of the DNS pods that were asked themselves answer wrongly.
pub(super) enum Servers<'a> {
    /// None of them.
    None,
    /// These, and others don't.
    Some(Vec<&'a str>),
    /// All of them, as far as they were asked.
    All,
}

pub(super) fn servers<'a>(
    evidence: &Evidence<'a>,
    wrong: impl Fn(&Probed<'a>) -> bool,
) -> Servers<'a> {
    let mut servers: BTreeMap<&str, bool> = BTreeMap::new();
    for probed in &evidence.probed {
        if let Origin::DnsPod(pod) = probed.origin {
            *servers.entry(pod).or_default() |= wrong(probed);
        }
    }
    if servers.values().all(|wrong| *wrong) {
        Servers::All
    } else if servers.values().any(|wrong| *wrong) {
        Servers::Some(servers.into_iter().filter(|(_, wrong)| *wrong).map(|(pod, _)| pod).collect())
    } else {
        Servers::None
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let example = evidence.of(family).find(|probed| lacks(probed))?;
    let record = family.record_type();
    let place = DnsPlace::of(evidence.world);
    let what = match servers(evidence, |probed| probed.family == family && lacks(probed)) {
        Servers::None => format!(
            "Pods don't get the correct {record} records, though every DNS pod has them: something in between answers."
        ),
        Servers::All => {
            format!("The cluster's DNS does not give the {record} records of Services.")
        }
        Servers::Some(pods) => format!(
            "The DNS pod {} does not give the {record} records of Services; others do.",
            words::list(pods)
        ),
    };
    let seen = format!("asked {}: {}", example.whence(), example.seen());
    let names = evidence.of(family).filter(|probed| lacks(probed)).count();
    Some(Found {
        what,
        evidence: vec![seen, format!("{names} questions for {record} were answered so")],
        reproduce: vec![place.configuration(), place.pods()],
        fix: vec![
            format!(
                "Look in the Corefile for what answers {record} before the kubernetes plugin does \
                 (template, rewrite, dns64, acl), take it out, and `{}`.",
                place.restart()
            ),
            COREFILE_SOURCE.to_owned(),
            "If only some DNS pods do it, delete them: they run with an old configuration or have \
             lost their watch on the API server."
                .to_owned(),
            "If the DNS pods are right, look at NodeLocal DNSCache, and at dnsPolicy and dnsConfig \
             that lead pods elsewhere."
                .to_owned(),
        ],
        probed: evidence.bad(|probed| {
            let none = probed.names_target() && probed.kind() == Some(Kind::NoRecords);
            probed.family == family && (none || lacks(probed))
        }),
        ..Found::default()
    })
}
