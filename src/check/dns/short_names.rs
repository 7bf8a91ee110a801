//! `dns::short_names`

use super::{
    asker::{self, Asker},
    late::{self, OTHER},
};
use crate::{
    check::{
        About, Blocked, Check, DnsPlace, Failure, Kind, Need, Planned, Promise, Reading, Readings,
        Symptom, Verdict, World, commands, plan,
    },
    facts::Source,
    probe::{Aim, Target},
};

/// Pods find Services of their namespace by their short names.
#[derive(Debug)]
pub(in crate::check) struct ShortNames;

impl Check for ShortNames {
    type Subject = Asker;

    const PROMISE: Promise = Promise {
        id: "dns::short_names",
        summary: "a Service's short name, completed by the search path of a pod on every node, resolves to its \
                  A and AAAA records",
        why: "Applications call Services of their namespace by the short name. Each kubelet writes the search \
         path into its pods' /etc/resolv.conf: on a node whose clusterDomain is another one, names that \
         work elsewhere don't exist.",
        source: "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/\
         #namespaces-of-services",
        about: About::feature("DNSShortNames").titled("DNS, short names"),
        knows_groups: true,
        needs: &[Need::Facts(Source::ClusterDns), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Asker>> {
        let asks = |source: &plan::Source<'_>, family| {
            let known = world.fixture.service(&OTHER);
            let service = known.filter(|it| it.cluster_ip(family).is_some());
            let service = service.ok_or_else(|| Blocked {
                by: Some("service::cluster_ips"),
                reason: format!("the Service to ask for has no {family} ClusterIP"),
            })?;
            let target = Target::Dns { name: service.name.clone(), family };
            Ok(vec![source.probe(Aim::Name { service: OTHER }, target, plan::once(world.suite))])
        };
        asker::cases(world, asks, |source, family| late::known(world, source, family))
    }

    fn judge(&self, world: World<'_>, asker: &Asker, readings: &Readings<'_>) -> Verdict {
        let (reading, symptom) = match asker::wrong(world, readings, late::elsewhere) {
            Ok(wrong) => wrong,
            Err(verdict) => return verdict,
        };
        // All domains of the search path are asked at once, and some may be for servers elsewhere. The
        // Service's own, if it were among them, would have been answered with its records.
        let heard = reading.attempts.last().is_some_and(|it| it.outcome.is_an_answer());
        if symptom.kind == Kind::DnsFailure && !heard {
            return Verdict::inconclusive(format!(
                "not every domain of the search path was answered for: {}",
                symptom.detail
            ));
        }
        Verdict::fail(symptom.detail.clone(), failure(asker, world, reading, symptom))
    }
}

fn failure(asker: &Asker, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
    let Asker { from, family } = asker;
    let record = family.record_type();
    let name = reading.probe.target.to_string();
    Failure::new(format!(
            "A pod on node {from} that asks for the {record} of a Service of its namespace by its short \
             name ({name}) doesn't find it, though DNS knows the full name: {}.",
            symptom.detail
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce(commands::in_probe(world, from, "cat /etc/resolv.conf"))
        .fix(fix(DnsPlace::of(world), from))
}

/// What to do about a node whose pods complete short names wrongly.
pub(crate) fn fix(place: DnsPlace<'_>, node: &str) -> Vec<String> {
    vec![
        format!(
            "Set clusterDomain in the kubelet's configuration on {node} (/var/lib/kubelet/config.yaml, or \
             `--cluster-domain`) to the domain that CoreDNS serves (`{}`), restart the kubelet, and replace \
             the node's pods: running pods keep their search path.",
            place.configuration()
        ),
        "If it is right there, look for what sets dnsPolicy or dnsConfig.searches of new pods (an \
         admission webhook or policy)."
            .to_owned(),
    ]
}
