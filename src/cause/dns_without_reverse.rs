//! `dns_without_reverse`: DNS finds no names by the addresses of a family.

use super::{CauseRule, Evidence, Found};
use crate::{
    check::{DnsPlace, commands, reverse_zone_fix, words},
    net::IpFamily,
    probe::{Aim, Vantage},
};

#[derive(Debug)]
pub(super) struct DnsWithoutReverse;

impl CauseRule for DnsWithoutReverse {
    fn id(&self) -> &'static str {
        "dns_without_reverse"
    }

    fn why(&self) -> &'static str {
        "Reverse look-ups use a separate zone for each family, which the Corefile must name. Programs that do \
         them (mail and database servers, Kerberos, logs) fail, or wait for servers outside the cluster."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        IpFamily::ALL.into_iter().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let cases = evidence.red("dns::reverse", |judged| judged.case.family == Some(family));
    let asks = |probed: &&super::evidence::Probed<'_>| {
        probed.family == family && matches!(probed.probe.aim, Aim::Pointer { .. })
    };
    let bad: Vec<_> = evidence.probed.iter().filter(asks).filter(|probed| probed.bad()).collect();
    let example = *bad.first().filter(|_| !cases.is_empty())?;
    let zone = family.reverse_zone();
    let all = evidence.probed.iter().filter(asks).count() == bad.len();
    let nodes = bad.iter().filter_map(|probed| match &probed.probe.vantage {
        Vantage::Pod { node } => Some(node.as_str()),
        _ => None,
    });
    let place = if all { String::new() } else { format!(", asked from {}", words::list(nodes)) };
    Some(Found {
        what: format!(
            "The cluster's DNS does not resolve {family} addresses to names: it has no PTR records in {zone}{place}."
        ),
        evidence: vec![
            format!("{}, {}: {}", example.whence(), example.probe.target, example.seen()),
            "the same servers find addresses by names".to_owned(),
        ],
        reproduce: commands::repeat(evidence.world, [example.probe])
            .into_iter()
            .chain([DnsPlace::of(evidence.world).configuration()])
            .collect(),
        fix: reverse_zone_fix(DnsPlace::of(evidence.world), family),
        probed: bad.iter().map(|probed| probed.id()).collect(),
        cases,
        ..Found::default()
    })
}
