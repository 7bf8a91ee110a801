//! `dns_records_failing`: DNS answers questions for the records of one family with an error.

use super::{
    CauseRule, Evidence, Found,
    dns_without_records::{Servers, servers},
    evidence::Probed,
};
use crate::{
    check::{COREFILE_SOURCE, DnsPlace, commands, words},
    net::IpFamily,
    probe::Outcome,
};

#[derive(Debug)]
pub(super) struct DnsRecordsFailing;

impl CauseRule for DnsRecordsFailing {
    fn id(&self) -> &'static str {
        "dns_records_failing"
    }

    fn why(&self) -> &'static str {
        "Most programs query A and AAAA at the same time, and many treat an error for either one as a failure \
         of the name: they don't connect at all, not even over the family whose records are correct."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        IpFamily::ALL.into_iter().filter_map(|family| in_family(evidence, family)).collect()
    }
}

/// The error with which every question of a probe was answered that was not answered rightly: of several DNS pods
/// any may have been asked.
fn code<'e>(probed: &'e Probed<'_>) -> Option<&'e str> {
    if !(probed.is_dns() || probed.is_dns_server()) || !probed.bad() {
        return None;
    }
    let mut codes = probed
        .reading
        .attempts
        .iter()
        .map(|attempt| &attempt.outcome)
        .filter(|outcome| !outcome.succeeded())
        .map(Outcome::dns_error);
    let first = codes.next()??;
    codes.all(|code| code == Some(first)).then_some(first)
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let failing =
        |probed: &Probed<'_>| probed.is_dns() && probed.family == family && code(probed).is_some();
    let example = evidence.probed.iter().find(|probed| failing(probed))?;
    let code = code(example)?;
    // Whoever fails must be heard with the other family's records, or it is no matter of the family.
    let others = || {
        let asks = |probed: &&Probed<'_>| probed.is_dns() && probed.family == family.other();
        evidence.probed.iter().filter(asks)
    };
    let good = others().filter(|probed| probed.good()).count();
    if good == 0 || others().any(Probed::bad) {
        return None;
    }
    let (record, other) = (family.record_type(), family.other().record_type());
    let place = DnsPlace::of(evidence.world);
    let (who, where_) = match servers(evidence, failing) {
        Servers::None => (
            "Pods' questions".to_owned(),
            ", though every DNS pod answers them correctly: something in between answers",
        ),
        Servers::All => ("The cluster's DNS answers questions".to_owned(), ""),
        Servers::Some(pods) => {
            (format!("The DNS pod {} answers questions", words::list(pods)), ", and others don't")
        }
    };
    let are = if who.starts_with("Pods") { " are answered" } else { "" };
    let asked = evidence.probed.iter().filter(|probed| failing(probed)).count();
    Some(Found {
        what: format!(
            "{who} for {record} records{are} with {code}, and those for {other} correctly{where_}."
        ),
        evidence: vec![
            format!("asked {} for {}: {}", example.origin, example.probe.target, example.seen()),
            format!(
                "{} for {record} {} answered so, and {} for {other} rightly",
                words::count(asked, "question"),
                if asked == 1 { "was" } else { "were" },
                words::count(good, "question")
            ),
        ],
        reproduce: commands::repeat(evidence.world, [example.probe])
            .into_iter()
            .chain([place.configuration(), place.logs()])
            .collect(),
        fix: vec![
            format!(
                "Look in the Corefile for what answers {record} with {code} before the kubernetes plugin does \
                 (template with rcode, acl, rewrite, a forward to servers that fail for {record}), take it out, \
                 and `{}`.",
                place.restart()
            ),
            COREFILE_SOURCE.to_owned(),
            "If only some DNS pods do it, delete them: they run with an old configuration.".to_owned(),
            "If the DNS pods are right, look at NodeLocal DNSCache, and at dnsPolicy and dnsConfig that lead \
             pods elsewhere."
                .to_owned(),
        ],
        // Whether a server answers at all is asked by a question for an A record.
        probed: evidence.bad(|probed| {
            let whether = family == IpFamily::V4 && probed.is_dns_server();
            failing(probed) || (whether && self::code(probed) == Some(code))
        }),
        ..Found::default()
    })
}
