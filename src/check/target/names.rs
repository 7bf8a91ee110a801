//! `target::names`

use super::known;
use crate::{
    check::{
        About, Check, DnsPlace, Failure, Kind, Need, Planned, Promise, Readings, Subject, Symptom,
        Verdict, World, cluster_domain, commands, outcome, plan,
    },
    facts::{self, TargetName},
    net::IpFamily,
    probe::{Aim, Probe, Target},
};

/// DNS names the addresses of the operator's Services.
#[derive(Debug)]
pub(in crate::check) struct Names;

/// One of them, asked for from a node.
#[derive(Debug)]
pub(in crate::check) struct Asked {
    target: TargetName,
    from: String,
    family: IpFamily,
}

impl Check for Names {
    type Subject = Asked;

    const PROMISE: Promise = Promise {
        id: "target::names",
        summary: "the A and AAAA records of the Services of --target are their ClusterIPs, or the endpoints of a \
         headless one, asked from a pod on every node",
        why: "Clients learn families only from DNS. A Service without an AAAA record is IPv4-only to everyone, \
              and a headless one has the addresses of its ready endpoints: if it has none in a family, clients \
              of that family can't reach it.",
        source: "Kubernetes DNS-Based Service Discovery specification, 2.3.1 and 2.4.1; \
         https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#services",
        about: About::own().titled("Your Services: DNS"),
        knows_groups: true,
        needs: &[Need::Targets, Need::Facts(facts::Source::ClusterDns), Need::Exec],
        ..Promise::DEFAULT
    };

    // The family is that of the records; over which one is asked, they don't say.
    fn plan(&self, world: World<'_>) -> Vec<Planned<Asked>> {
        known::each(world, |target, service, family| {
            let blocked = known::lacks(target, service, family)
                .or_else(|| known::deserted(target, family).filter(|_| service.is_headless()));
            if let Some(blocked) = blocked {
                let verdict = blocked.verdict(world.suite);
                return vec![Planned::settled(known::subject(&target.name), family, verdict)];
            }
            let cases = plan::pods(world).map(|source| {
                let from = source.label.clone();
                let subject = Subject::path(&from, target.name.to_string());
                Planned::probing(world, subject, family, || {
                    source.up()?;
                    let asked = Target::Dns { name: full_name(world, &target.name), family };
                    let target = target.name.clone();
                    let aim = Aim::TargetRecords { target: target.clone() };
                    let probe = source.probe(aim, asked, plan::once(world.suite));
                    Ok((Asked { target, from, family }, vec![probe]))
                })
            });
            cases.collect()
        })
    }

    fn judge(&self, world: World<'_>, asked: &Asked, readings: &Readings<'_>) -> Verdict {
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            return outcome::unless_unknown(&readings.own);
        };
        if let Some(changed) = known::changed(world, &asked.target) {
            return changed;
        }
        if symptom.kind == Kind::NoSuchName && cluster_domain::known(world).is_none() {
            return Verdict::inconclusive(format!(
                "the name is not known under {}, and the cluster's domain could not be read",
                cluster_domain::DEFAULT
            ));
        }
        let detail = symptom.detail.clone();
        Verdict::fail(detail, asked.failure(world, symptom, reading.probe))
    }
}

/// A Service's name in full.
fn full_name(world: World<'_>, target: &TargetName) -> String {
    format!("{}.{}.svc.{}.", target.name, target.namespace, cluster_domain::of(world))
}

impl Asked {
    fn failure(&self, world: World<'_>, symptom: &Symptom, probe: &Probe) -> Failure {
        let Self { target, from, family } = self;
        let record = family.record_type();
        let service = world.facts.target(target).and_then(|target| target.service.known());
        let external = service.and_then(|service| service.external_name.as_deref());
        let seen = &symptom.detail;
        let (what, first) = match (symptom.kind, external) {
            (Kind::NoRecords, Some(name)) => (
                format!(
                    "{target} is an alias of {name}, which has no {record} record: clients can't reach it over \
                     {family}."
                ),
                format!(
                    "Give {name} an {record} record, or set spec.externalName of {target} to a name that \
                     has one."
                ),
            ),
            (kind, Some(name)) => (
                format!(
                    "DNS, asked from a pod on node {from} for the {record} records of {target}, an alias of \
                     {name}, returns none: {seen}."
                ),
                if kind == Kind::NoSuchName {
                    format!("Check that {name} exists: spec.externalName of {target} may be misspelt.")
                } else {
                    "Check that the servers that CoreDNS forwards to (`forward` in the Corefile) answer."
                        .to_owned()
                },
            ),
            (Kind::NoRecords | Kind::WrongRecords, None) => (
                format!(
                    "DNS, asked from a pod on node {from}, does not give the {record} records that \
                     {target} must have: {seen}."
                ),
                "Look in the Corefile for what answers such queries before the kubernetes plugin does \
                 (template, rewrite, dns64, acl), and for a cache before CoreDNS; delete DNS pods that \
                 answer otherwise than the rest."
                    .to_owned(),
            ),
            (_, None) => (
                format!(
                    "DNS, asked from a pod on node {from}, gives no answer for the {record} records of \
                     {target}: {seen}."
                ),
                "See dns::records and dns::servers, which ask for Services of the run's own."
                    .to_owned(),
            ),
        };
        Failure::new(what)
            .reproduce(commands::repeat(world, [probe]))
            .reproduce(known::look(target))
            .reproduce([DnsPlace::of(world).configuration()])
            .fix([first])
    }
}
