//! `dns_other_domain`: CoreDNS has the cluster's names under another domain than pods ask for.

use super::{CauseRule, Confidence, Evidence, Found};
use crate::check::{COREFILE_SOURCE, DnsPlace, words};

#[derive(Debug)]
pub(super) struct DnsOtherDomain;

impl CauseRule for DnsOtherDomain {
    fn id(&self) -> &'static str {
        "dns_other_domain"
    }

    fn why(&self) -> &'static str {
        "Pods complete short names with the domain that their kubelet configures. A DNS server for another \
         domain forwards these names to servers outside the cluster, which don't know them."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        in_cluster(evidence).into_iter().collect()
    }
}

fn in_cluster(evidence: &Evidence<'_>) -> Option<Found> {
    let dns = evidence.world.facts.cluster_dns.known()?;
    let domain = dns.domain.as_deref()?;
    let serves = |zone: &String| {
        let rest = domain.strip_suffix(zone.as_str());
        zone.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if dns.zones.is_empty() || dns.zones.iter().any(serves) {
        return None;
    }
    let zones = words::list(&dns.zones);
    let example = evidence.probed.iter().find(|probed| probed.is_dns() && probed.bad())?;
    let place = DnsPlace::of(evidence.world);
    Some(Found {
        what: format!(
            "CoreDNS serves the cluster's names under {zones}, but the kubelets tell pods to use {domain}."
        ),
        confidence: Confidence::Proved,
        evidence: vec![
            format!("the plugin kubernetes of the Corefile serves {zones}"),
            format!("clusterDomain of the kubelets' configuration is {domain}"),
            example.told(),
        ],
        reproduce: vec![
            place.configuration(),
            "kubectl -n kube-system get configmap kubelet-config -o yaml | grep clusterDomain"
                .to_owned(),
        ],
        fix: vec![
            format!(
                "Put {domain} into the line `kubernetes` of the Corefile (`{}`), before {zones} if that is in use, and \
             restart CoreDNS: `{}`.",
                place.configuration(),
                place.restart()
            ),
            COREFILE_SOURCE.to_owned(),
        ],
        probed: evidence.bad(|probed| probed.is_dns() || probed.is_dns_server()),
        ..Found::default()
    })
}
