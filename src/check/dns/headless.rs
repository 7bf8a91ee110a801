//! `dns::headless`

use std::{collections::BTreeSet, net::IpAddr};

use super::{
    asker::{self, Asker},
    domain, late, records,
};
use crate::{
    check::{
        About, Blocked, COREFILE_SOURCE, Check, DnsPlace, Failure, Kind, Need, Planned, Promise,
        Reading, Readings, Symptom, Verdict, World, commands, plan, words,
    },
    facts::Source,
    fixture::{Allocation, Service, ServiceRole},
    net::IpFamily,
    probe::{Aim, Outcome, Target},
};

/// The names of headless Services lead to their pods.
#[derive(Debug)]
pub(in crate::check) struct Headless;

impl Check for Headless {
    type Subject = Asker;

    const PROMISE: Promise = Promise {
        id: "dns::headless",
        summary: "the A and AAAA records of headless Services, with a selector and without, are the addresses of \
         all their pods, asked from a pod on every node",
        why: "StatefulSets and databases find their members by a headless Service. It has no ClusterIP, so \
              members without a record in a family can't be found in that family.",
        source: "Kubernetes DNS-Based Service Discovery specification, 2.4.1; \
         https://kubernetes.io/docs/concepts/services-networking/service/#headless-services",
        about: About::feature("DNSHeadless").titled("DNS, headless Services"),
        knows_groups: true,
        needs: &[Need::Facts(Source::ClusterDns), Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Asker>> {
        let asks = |source: &plan::Source<'_>, family| {
            let question = |service: &Service| {
                let aim = Aim::Name { service: service.role.clone() };
                let name = records::name(world, service);
                source.probe(aim, Target::Dns { name, family }, plan::once(world.suite))
            };
            Ok(services(world, family)?.into_iter().map(question).collect())
        };
        asker::cases(world, asks, |source, family| late::known(world, source, family))
    }

    fn judge(&self, world: World<'_>, asker: &Asker, readings: &Readings<'_>) -> Verdict {
        let (reading, symptom) = match asker::wrong(world, readings, late::elsewhere) {
            Ok(wrong) => wrong,
            Err(verdict) => return verdict,
        };
        if symptom.kind == Kind::NoSuchName && domain::known(world).is_none() {
            return Verdict::inconclusive(format!(
                "the name is not known under {}, and the cluster's domain could not be read",
                domain::DEFAULT
            ));
        }
        if let Some(reason) = lags(world, asker.family, reading) {
            return Verdict::inconclusive(reason);
        }
        Verdict::fail(symptom.detail.clone(), failure(asker, world, reading, symptom))
    }
}

/// The headless Services that have pods to name in a family.
fn services(world: World<'_>, family: IpFamily) -> Result<Vec<&Service>, Blocked> {
    let manual = world.fixture.manual_slices_missing.is_none();
    let roles =
        [Some(ServiceRole::Headless), manual.then_some(ServiceRole::HeadlessManual)].into_iter();
    let known: Vec<&Service> = roles
        .flatten()
        .filter_map(|role| world.fixture.service(&role))
        .filter(|service| matches!(service.allocation, Allocation::Accepted { .. }))
        .collect();
    if known.is_empty() {
        return Err(Blocked {
            by: Some("service::cluster_ips"),
            reason: "no headless Service exists".to_owned(),
        });
    }
    let named = |service: &&Service| world.fixture.backends_of(service, family).next().is_some();
    let named: Vec<&Service> =
        known.into_iter().filter(|it| it.families().contains(&family)).filter(named).collect();
    if named.is_empty() {
        return Err(Blocked {
            by: Some("pod::pod_ips"),
            reason: format!("no headless Service has a pod with an {family} address"),
        });
    }
    Ok(named)
}

/// Why an answer that names some of the pods says nothing: they come to DNS one by one, and it may
/// keep an answer for as long as a record lives. Nor does one with pods that were given up too early.
fn lags(world: World<'_>, family: IpFamily, reading: &Reading<'_>) -> Option<String> {
    let Outcome::Records { addresses } = &reading.attempts.last()?.outcome else { return None };
    let Aim::Name { service } = &reading.probe.aim else { return None };
    let service = world.fixture.service(service)?;
    let right: BTreeSet<IpAddr> =
        world.fixture.backends_of(service, family).filter_map(|it| it.address(family)).collect();
    let found: BTreeSet<IpAddr> = addresses.iter().copied().collect();
    if found.is_subset(&right) {
        return Some(format!(
            "DNS names some of the pods of {}, not all: it may not know of the others yet",
            service.name
        ));
    }
    let late = world.fixture.given_up(service, family).count();
    let more = found.difference(&right).count();
    (right.is_subset(&found) && more <= late).then(|| {
        format!(
            "DNS names {} of {} that the run had stopped waiting for: they may have come up since",
            words::count(more, "pod"),
            service.name
        )
    })
}

fn failure(asker: &Asker, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
    let Asker { from, family } = asker;
    let record = family.record_type();
    let service = match &reading.probe.aim {
        Aim::Name { service } => world.fixture.service(service),
        _ => None,
    };
    let name = service.map_or("headless", |service| service.name.as_str());
    let seen = &symptom.detail;
    Failure::new(format!(
            "DNS, asked from a pod on node {from} for the {record} records of the headless Service {name}, \
             does not return the addresses of its pods, though it knows other Services: {seen}."
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce([DnsPlace::of(world).configuration()])
        .fix(fix(DnsPlace::of(world)))
}

/// What to do about a DNS that knows no pods.
pub(crate) fn fix(place: DnsPlace<'_>) -> Vec<String> {
    vec![
        format!(
            "Take `noendpoints` out of the kubernetes plugin in the Corefile, if it is there, and restart \
             the DNS pods: `{}`.",
            place.restart()
        ),
        COREFILE_SOURCE.to_owned(),
        format!(
            "Else see in the log whether CoreDNS may list and watch EndpointSlices: `{}`.",
            place.logs()
        ),
    ]
}
