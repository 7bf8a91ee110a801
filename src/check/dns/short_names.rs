//! `dns::short_names`

use super::{late, late::OTHER};
use crate::{
    check::{
        About, Blocked, Check, DnsPlace, Failure, Kind, Need, Planned, Promise, Reading, Readings,
        Subject, Symptom, Verdict, World, commands, outcome, plan,
    },
    facts::Source,
    net::IpFamily,
    probe::{Aim, Target},
};

/// Pods find Services of their namespace by their short names.
#[derive(Debug)]
pub(in crate::check) struct ShortNames;

/// A pod that asks for a Service by its short name.
#[derive(Debug)]
pub(in crate::check) struct Asked {
    from: String,
    family: IpFamily,
}

impl Check for ShortNames {
    type Subject = Asked;

    const PROMISE: Promise = Promise {
        id: "dns::short_names",
        summary: "a Service's name alone, completed by the search path of a pod on every node, has its A and AAAA \
         records",
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

    // The family is that of the records; over which one is asked, they don't say.
    fn plan(&self, world: World<'_>) -> Vec<Planned<Asked>> {
        let mut cases = Vec::new();
        for family in plan::families(world.suite) {
            for source in plan::pods(world) {
                let from = source.label.clone();
                let case = Planned::probing(world, Subject::path(&from, "DNS"), family, || {
                    source.up()?;
                    let known = world.fixture.service(&OTHER);
                    let service = known.filter(|it| it.cluster_ip(family).is_some());
                    let service = service.ok_or_else(|| Blocked {
                        by: Some("service::cluster_ips"),
                        reason: format!("the Service to ask for has no {family} ClusterIP"),
                    })?;
                    let aim = Aim::Name { service: OTHER };
                    let target = Target::Dns { name: service.name.clone(), family };
                    let probe = source.probe(aim, target, plan::once(world.suite));
                    Ok((Asked { from, family }, vec![probe]))
                });
                cases.push(case.beside(&late::witnesses(world, &source, family)));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, asked: &Asked, readings: &Readings<'_>) -> Verdict {
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            return outcome::unless_unknown(&readings.own);
        };
        if let Some(blocked) = late::elsewhere(readings) {
            return blocked.verdict(world.suite);
        }
        // All domains of the search path are asked at once, and some may be for servers elsewhere. The
        // Service's own, if it were among them, would have been answered with its records.
        let heard = reading.attempts.last().is_some_and(|it| it.outcome.is_an_answer());
        if symptom.kind == Kind::DnsFailure && !heard {
            return Verdict::inconclusive(format!(
                "not every domain of the search path was answered for: {}",
                symptom.detail
            ));
        }
        Verdict::fail(symptom.detail.clone(), asked.failure(world, reading, symptom))
    }
}

impl Asked {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { from, family } = self;
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
