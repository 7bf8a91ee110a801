//! `dns_port_unpublished`: the DNS Service has no port 53 for UDP or for TCP.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed};
use crate::{
    check::DnsPlace,
    probe::{Aim, Target},
};

#[derive(Debug)]
pub(super) struct DnsPortUnpublished;

impl CauseRule for DnsPortUnpublished {
    fn id(&self) -> &'static str {
        "dns_port_unpublished"
    }

    fn why(&self) -> &'static str {
        "Resolvers send queries over UDP, and over TCP if an answer is long or UDP is lost (RFC 7766). With a \
         port for only one of them, long answers, such as those of headless Services with many pods and two \
         families, are truncated."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let dns = evidence.world.facts.cluster_dns.known();
        let unpublished = dns.into_iter().flat_map(|dns| &dns.unpublished);
        unpublished.filter_map(|transport| over(evidence, transport)).collect()
    }
}

fn over(evidence: &Evidence<'_>, transport: &str) -> Option<Found> {
    let udp = transport == "UDP";
    // What asks by the Service; resolvers in pods ask it over UDP.
    let asks = |probed: &Probed<'_>| match (&probed.probe.target, &probed.probe.aim) {
        (Target::Tcp { .. }, Aim::DnsService) => !udp,
        (_, Aim::DnsService) => udp,
        _ => udp && probed.probe.vantage.node().is_some() && probed.dns_unheard(),
    };
    let example = evidence.probed.iter().find(|probed| probed.bad() && asks(probed))?;
    let place = DnsPlace::of(evidence.world);
    let answers = evidence.probed.iter().find(|probed| {
        probed.good()
            && matches!(probed.probe.aim, Aim::DnsPod { .. })
            && matches!(probed.probe.target, Target::Tcp { .. }) != udp
    });
    let name = if udp { "dns" } else { "dns-tcp" };
    let port = format!(
        "{{\"name\":\"{name}\",\"port\":53,\"protocol\":\"{transport}\",\"targetPort\":{}}}",
        target_port(evidence, udp)
    );
    Some(Found {
        what: format!(
            "The DNS Service {} has no port 53 for {transport}: its ClusterIPs don't answer over {transport}, \
             even if the DNS pods do.",
            place.name()
        ),
        confidence: Confidence::Proved,
        evidence: [format!("the Service's ports have no 53/{transport}"), example.told()]
            .into_iter()
            .chain(answers.map(Probed::told))
            .collect(),
        reproduce: vec![place.service()],
        fix: vec![format!(
            "Add the port: `{} --type json -p '[{{\"op\":\"add\",\"path\":\"/spec/ports/-\",\"value\":{port}}}]'`, \
             and in what the Service is installed from, or it goes again.",
            place.patch()
        )],
        probed: evidence.bad(asks),
        ..Found::default()
    })
}

/// Where the DNS pods listen.
fn target_port(evidence: &Evidence<'_>, udp: bool) -> u16 {
    let dns = evidence.world.facts.cluster_dns.known();
    let pod = dns.and_then(|dns| dns.pods.first());
    pod.map_or(53, |pod| if udp { pod.udp_port } else { pod.tcp_port })
}
