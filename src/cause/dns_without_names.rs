//! `dns_without_names`: DNS answers, and says that Services don't exist.

use super::{CauseRule, Evidence, Found, dns_without_records};
use crate::check::{COREFILE_SOURCE, DnsPlace, Kind, words};

#[derive(Debug)]
pub(super) struct DnsWithoutNames;

impl CauseRule for DnsWithoutNames {
    fn id(&self) -> &'static str {
        "dns_without_names"
    }

    fn why(&self) -> &'static str {
        "NXDOMAIN means that a name doesn't exist in any family: resolvers stop there and don't query the other one."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        in_cluster(evidence).into_iter().collect()
    }
}

fn in_cluster(evidence: &Evidence<'_>) -> Option<Found> {
    let unknown = |kind| kind == Some(Kind::NoSuchName);
    let example =
        evidence.probed.iter().find(|probed| probed.is_dns() && unknown(probed.kind()))?;
    let servers = dns_without_records::servers(evidence, |probed| unknown(probed.kind()));
    let what = match servers {
        dns_without_records::Servers::None => {
            "Pods get NXDOMAIN for Services, though every DNS pod knows them: something in between answers."
                .to_owned()
        }
        dns_without_records::Servers::All => {
            "The cluster's DNS says that Services don't exist (NXDOMAIN).".to_owned()
        }
        dns_without_records::Servers::Some(pods) => format!(
            "The DNS pod {} says that Services don't exist (NXDOMAIN); others know them.",
            words::list(pods)
        ),
    };
    Some(Found {
        what,
        evidence: vec![format!("asked {}: {}", example.whence(), example.seen())],
        reproduce: vec![
            DnsPlace::of(evidence.world).logs(),
            DnsPlace::of(evidence.world).configuration(),
        ],
        fix: vec![
            "See in the log whether CoreDNS reaches the API server and may list Services and \
             EndpointSlices; delete a DNS pod that lost its watch."
                .to_owned(),
            "Check that the kubernetes plugin in the Corefile names the cluster's domain, and doesn't \
             limit its namespaces."
                .to_owned(),
            COREFILE_SOURCE.to_owned(),
        ],
        probed: evidence.bad(|probed| {
            (probed.is_dns() || probed.names_target()) && unknown(probed.kind())
        }),
        ..Found::default()
    })
}
