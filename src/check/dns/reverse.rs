//! `dns::reverse`

use super::{
    asker::{self, Asker},
    late, records,
};
use crate::{
    check::{
        About, Blocked, COREFILE_SOURCE, Check, DnsPlace, Failure, Kind, Need, Planned, Promise,
        Reading, Readings, Symptom, Verdict, World, commands, plan,
    },
    facts::Source,
    fixture::{Service, ServiceRole},
    net::IpFamily,
    probe::{Aim, Target},
};

/// DNS finds names by addresses.
#[derive(Debug)]
pub(in crate::check) struct Reverse;

impl Check for Reverse {
    type Subject = Asker;

    const PROMISE: Promise = Promise {
        id: "dns::reverse",
        summary: "a Service's ClusterIPs resolve to its name by PTR records, in in-addr.arpa and ip6.arpa, asked \
         from a pod on every node",
        why: "Mail and database servers, Kerberos and logs do reverse look-ups. A Corefile that was written for \
              IPv4 serves only in-addr.arpa: look-ups of IPv6 addresses fail, or wait for servers outside that \
              don't know the cluster.",
        source: "Kubernetes DNS-Based Service Discovery specification, 2.3.1 (PTR record); RFC 3596, 2.5 \
         (ip6.arpa); https://coredns.io/plugins/kubernetes/",
        about: About::feature("DNSReverse").titled("DNS, names by addresses"),
        knows_groups: true,
        needs: &[Need::Facts(Source::ClusterDns), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Asker>> {
        let asks = |source: &plan::Source<'_>, family| {
            let (service, address) = service(world, family).ok_or_else(|| Blocked {
                by: Some("service::cluster_ips"),
                reason: format!("no Service has an {family} ClusterIP"),
            })?;
            let aim = Aim::Pointer { service: service.role.clone() };
            Ok(vec![source.probe(aim, Target::Pointer { address }, plan::once(world.suite))])
        };
        // Where names aren't found either, or a server is deaf, it is no matter of this zone.
        let known = |source: &plan::Source<'_>, family| {
            let (service, _) = service(world, family)?;
            Some(records::question(world, service, family, &source.vantage))
        };
        asker::cases(world, asks, known)
    }

    fn judge(&self, world: World<'_>, asker: &Asker, readings: &Readings<'_>) -> Verdict {
        match asker::wrong(world, readings, late::lost) {
            Ok((reading, symptom)) => {
                Verdict::fail(symptom.detail.clone(), failure(asker, world, reading, symptom))
            }
            Err(verdict) => verdict,
        }
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

fn failure(asker: &Asker, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
    let Asker { from, family } = asker;
    let (zone, target) = (family.reverse_zone(), &reading.probe.target);
    let address = target.to_string();
    let what = match symptom.kind {
        Kind::WrongRecords => format!(
            "DNS, asked from a pod on node {from} for the {address}, returns another name: {}.",
            symptom.detail
        ),
        _ => format!(
            "DNS, asked from a pod on node {from} for the {address} in {zone}, doesn't return the Service's \
             name, though it resolves the name to the address: {}.",
            symptom.detail
        ),
    };
    Failure::new(what)
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce([DnsPlace::of(world).configuration()])
        .fix(fix(DnsPlace::of(world), *family))
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
        COREFILE_SOURCE.to_owned(),
        format!(
            "If it is there, look for another server block or plugin (file, template, forward) that \
             answers for {zone} or a part of it."
        ),
    ]
}
