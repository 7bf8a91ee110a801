//! `dns::reverse`

use super::{questions, records};
use crate::{
    check::{
        About, Blocked, Check, DnsPlace, Failure, Kind, Need, Planned, Promise, Reading, Readings,
        Subject, Symptom, Verdict, World, commands, outcome, plan,
    },
    facts::Source,
    fixture::{Service, ServiceRole},
    net::IpFamily,
    probe::{Aim, Target},
};

/// DNS finds names by addresses.
#[derive(Debug)]
pub(in crate::check) struct Reverse;

/// A pod that asks for the name of a ClusterIP.
#[derive(Debug)]
pub(in crate::check) struct Asked {
    from: String,
    family: IpFamily,
}

impl Check for Reverse {
    type Subject = Asked;

    const PROMISE: Promise = Promise {
        id: "dns::reverse",
        summary: "a Service's ClusterIPs lead to its name by PTR records, in in-addr.arpa and ip6.arpa, asked \
         from a pod on every node",
        why: "Mail and database servers, Kerberos and logs look names up by addresses. A Corefile that was \
         written for IPv4 serves in-addr.arpa alone: such look-ups of IPv6 addresses fail, or wait for \
         servers outside that know nothing of the cluster.",
        source: "Kubernetes DNS-Based Service Discovery specification, 2.3.1 (PTR record); RFC 3596, 2.5 \
         (ip6.arpa); https://coredns.io/plugins/kubernetes/",
        about: About::feature("DNSReverse").titled("DNS, names by addresses"),
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
                let service = service(world, family);
                let case = Planned::probing(world, Subject::path(&from, "DNS"), family, || {
                    source.up()?;
                    let (service, address) = service.ok_or_else(|| Blocked {
                        by: Some("service::cluster_ips"),
                        reason: format!("no Service has an {family} ClusterIP"),
                    })?;
                    let aim = Aim::Pointer { service: service.role.clone() };
                    let target = Target::Pointer { address };
                    let probe = source.probe(aim, target, plan::once(world.suite));
                    Ok((Asked { from, family }, vec![probe]))
                });
                // Where names aren't found either, or a server is deaf, it is no matter of this zone.
                let named = service
                    .map(|(service, _)| records::question(world, service, family, &source.vantage));
                let beside = named.into_iter().chain(questions::asked_from(world, &source));
                cases.push(case.beside(&beside.collect::<Vec<_>>()));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, asked: &Asked, readings: &Readings<'_>) -> Verdict {
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            return outcome::unless_unknown(&readings.own);
        };
        let lost = readings.witnesses.iter().find_map(|witness| {
            let by = match witness.probe.aim {
                Aim::Records { .. } => "dns::records",
                _ => "dns::servers",
            };
            Some((by, witness.symptom()?))
        });
        if let Some((by, other)) = lost {
            let reason = format!("DNS doesn't answer other questions rightly ({})", other.detail);
            return Blocked { by: Some(by), reason }.verdict(world.suite);
        }
        Verdict::fail(symptom.detail.clone(), asked.failure(world, reading, symptom))
    }
}

/// The Service whose address is looked up: the first that has one of the family.
fn service(world: World<'_>, family: IpFamily) -> Option<(&Service, std::net::IpAddr)> {
    let roles = [
        ServiceRole::PreferDualStack,
        ServiceRole::RequireDualStackIpv4First,
        ServiceRole::Default,
        ServiceRole::Ipv4,
        ServiceRole::Ipv6,
    ];
    let known = roles.iter().filter_map(|role| world.fixture.service(role));
    known.filter_map(|service| Some((service, service.cluster_ip(family)?))).next()
}

impl Asked {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { from, family } = self;
        let (zone, target) = (family.reverse_zone(), &reading.probe.target);
        let address = target.to_string();
        let what = match symptom.kind {
            Kind::WrongRecords => format!(
                "DNS, asked from a pod on node {from} for the {address}, gives another name: {}.",
                symptom.detail
            ),
            _ => format!(
                "DNS, asked from a pod on node {from} for the {address} in {zone}, doesn't give the \
                 Service's name, though it finds the address by the name: {}.",
                symptom.detail
            ),
        };
        Failure::new(what)
            .reproduce(commands::repeat(world, [reading.probe]))
            .reproduce([DnsPlace::of(world).configuration()])
            .fix(fix(DnsPlace::of(world), *family))
    }
}

/// What to do about a reverse zone that isn't served.
pub(crate) fn fix(place: DnsPlace<'_>, family: IpFamily) -> Vec<String> {
    let zone = family.reverse_zone();
    vec![
        format!(
            "Add {zone} to the zones of the kubernetes plugin in the Corefile (`kubernetes \
             cluster.local in-addr.arpa ip6.arpa {{`), and to its `fallthrough` if it has one; then \
             restart the DNS pods: `{}`.",
            place.restart()
        ),
        format!(
            "If it is there, look for another server block or plugin (file, template, forward) that \
             answers for {zone} or a part of it."
        ),
    ]
}
