//! The lab's DNS: servers that are asked at their own addresses or by the Service, and what they say.

use std::net::IpAddr;

use super::{
    Fault, Lab, filters,
    network::{Step, breaks},
    targets,
};
use crate::{
    facts::{DnsPod, Fact},
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Outcome, Probe, Target, Vantage},
};

/// How long an attempt takes, in milliseconds.
pub(super) fn takes(lab: &Lab, probe: &Probe) -> u32 {
    let asked = match (&probe.target, &probe.aim, &probe.vantage) {
        (Target::DnsServer { .. }, Aim::DnsPod { pod, .. }, _)
        | (Target::Dns { .. }, _, Vantage::DnsPod { pod, .. }) => Some(pod.as_str()),
        (Target::DnsServer { .. } | Target::Dns { .. } | Target::Pointer { .. }, ..) => None,
        _ => return slow_way(lab, probe).unwrap_or(10),
    };
    let slow = lab.faults.iter().any(|fault| match fault {
        Fault::DnsSlow { pod } => pod.is_none_or(|pod| asked == Some(pod)),
        _ => false,
    });
    if slow { 2_010 } else { 10 }
}

/// How long it takes where the way leads between a slow node and another.
fn slow_way(lab: &Lab, probe: &Probe) -> Option<u32> {
    let way = [probe.vantage.node(), probe.aim.node(), probe.aim.backend()];
    let way: Vec<&str> = way.into_iter().flatten().collect();
    let crosses = |at| way.windows(2).any(|hop| hop[0] != hop[1] && hop.contains(at));
    lab.faults.iter().find_map(|fault| match fault {
        Fault::Slow { at, millis, family } if *family == probe.family() => {
            crosses(at).then_some(*millis)
        }
        Fault::SlowToOpen { at, millis, family } if *family == probe.family() => {
            (crosses(at) && !probe.target.is_udp()).then_some(millis + 10)
        }
        _ => None,
    })
}

pub(super) fn resolve(lab: &Lab, probe: &Probe, from: &str, turn: usize) -> Outcome {
    let Fact::Known { value: dns, .. } = &lab.facts.cluster_dns else {
        return answer_of(lab, probe);
    };
    let ready: Vec<_> = dns.pods.iter().filter(|pod| pod.ready).collect();
    let unheard = Outcome::DnsFailure { detail: "no servers could be reached".to_owned() };
    if ready.is_empty() {
        return unheard;
    }
    let elsewhere = |fault: &Fault| matches!(fault, Fault::OtherResolver { on } if *on == from);
    if lab.faults.iter().any(elsewhere) {
        return unheard;
    }
    let short = matches!(&probe.target, Target::Dns { name, .. } if !name.contains('.'));
    let unknown = |fault: &Fault| matches!(fault, Fault::OtherSearchPath { on } if *on == from);
    if short && lab.faults.iter().any(unknown) {
        // As where servers elsewhere, which it is passed on to, can't be reached.
        return Outcome::DnsFailure { detail: "the server said SERVFAIL".to_owned() };
    }
    if dns.unpublished.iter().any(|transport| transport == "UDP") {
        return unheard;
    }
    let server = ready[turn % ready.len()];
    let family = IpFamily::of(dns.cluster_ips[0]);
    if unanswered(lab, from, server, family, (true, true)).is_some() {
        return unheard;
    }
    records(lab, probe, &server.name)
}

/// What comes of asking a DNS server whether it is there at all; `None` where it answers.
pub(super) fn ask(lab: &Lab, probe: &Probe, from: &str, turn: usize, udp: bool) -> Option<Outcome> {
    let dns = lab.facts.cluster_dns.known().unwrap();
    let ready: Vec<_> = dns.pods.iter().filter(|pod| pod.ready).collect();
    let (server, by_service) = match &probe.aim {
        Aim::DnsPod { pod, .. } => (*ready.iter().find(|it| it.name == *pod).unwrap(), false),
        _ if ready.is_empty() => return Some(Outcome::Refused),
        _ => (ready[turn % ready.len()], true),
    };
    let transport = if udp { "UDP" } else { "TCP" };
    if by_service && dns.unpublished.iter().any(|it| it == transport) {
        return Some(Outcome::TimedOut);
    }
    let fails = |fault: &Fault| {
        // The question is one for an A record.
        matches!(fault, Fault::RecordsFail { pod, family: IpFamily::V4 }
            if pod.is_none_or(|pod| pod == server.name))
    };
    unanswered(lab, from, server, probe.family(), (udp, by_service)).or_else(|| {
        let error = Outcome::DnsFailure { detail: "the server said SERVFAIL".to_owned() };
        (udp && lab.faults.iter().any(fails)).then_some(error)
    })
}

/// What a pod on a node sees of a DNS pod that doesn't answer.
fn unanswered(
    lab: &Lab,
    from: &str,
    server: &DnsPod,
    family: IpFamily,
    (udp, by_service): (bool, bool),
) -> Option<Outcome> {
    let on = server.node.as_deref().unwrap();
    let there = [Step::ToPod { at: from, to: on }, Step::ToPod { at: on, to: from }];
    let translated = by_service.then_some(Step::ClusterIp(from));
    let mut steps = translated.iter().chain(&there);
    let service = |fault: &Fault| matches!(fault, Fault::DnsServiceDropped { at } if *at == from);
    let dropped = by_service && lab.faults.iter().any(service);
    let question = filters::Question { from, pod: &server.name, on, family, udp };
    if dropped
        || steps.any(|step| breaks(lab, *step, family).is_some())
        || filters::dns_lost(lab, question)
    {
        return Some(Outcome::TimedOut);
    }
    let refuses =
        |fault: &Fault| matches!(fault, Fault::DnsRefuses { family: of } if *of == family);
    lab.faults.iter().any(refuses).then_some(Outcome::Refused)
}

pub(super) fn records(lab: &Lab, probe: &Probe, server: &str) -> Outcome {
    let by_address = matches!(probe.target, Target::Pointer { .. });
    for fault in
        lab.faults.iter().filter(|fault| !by_address || matches!(fault, Fault::NoNames { .. }))
    {
        match fault {
            Fault::NoRecords { pod, family }
                if *family == probe.family() && pod.is_none_or(|pod| pod == server) =>
            {
                return Outcome::NoRecords;
            }
            Fault::RecordsFail { pod, family }
                if *family == probe.family() && pod.is_none_or(|pod| pod == server) =>
            {
                return Outcome::DnsFailure { detail: "the server said SERVFAIL".to_owned() };
            }
            Fault::WrongRecords { pod, family }
                if *family == probe.family() && pod.is_none_or(|pod| pod == server) =>
            {
                return Outcome::Records { addresses: vec![super::node_ip(99, *family)] };
            }
            Fault::NoNames { pod } if pod.is_none_or(|pod| pod == server) => {
                return Outcome::NoSuchName;
            }
            _ => {}
        }
    }
    answer_of(lab, probe)
}

/// The name of the Service with an address.
fn names(lab: &Lab, address: IpAddr) -> Outcome {
    let family = IpFamily::of(address);
    let missing = |fault: &Fault| matches!(fault, Fault::NoReverse { family: of } if *of == family);
    if lab.faults.iter().any(missing) {
        return Outcome::DnsFailure { detail: "the server said SERVFAIL".to_owned() };
    }
    let mut services = lab.fixture.services.iter();
    match services.find(|service| service.cluster_ip(family) == Some(address)) {
        Some(service) => Outcome::Names {
            names: vec![format!("{}.{}.svc.cluster.local", service.name, lab.fixture.namespace)],
        },
        None => Outcome::NoSuchName,
    }
}

fn answer_of(lab: &Lab, probe: &Probe) -> Outcome {
    let (name, family) = match &probe.target {
        Target::Dns { name, family } => (name, family),
        Target::Pointer { address } => return names(lab, *address),
        other => panic!("{other} is not a name to resolve"),
    };
    if let Some(records) = targets::records(lab, name, *family) {
        return records;
    }
    let service = match name.split('.').next().unwrap() {
        "external-name" => ServiceRole::ALIASED.name(),
        service => service,
    };
    let Some(service) = lab.fixture.services.iter().find(|known| known.name == service) else {
        return Outcome::NoSuchName;
    };
    let addresses: Vec<IpAddr> = if service.role.is_headless() {
        if lab.faults.iter().any(|fault| matches!(fault, Fault::NoEndpointNames)) {
            return Outcome::NoSuchName;
        }
        let deleted =
            |fault: &Fault| matches!(fault, Fault::ManualDeleted { family: of } if of == family);
        if service.role.is_manual() && lab.faults.iter().any(deleted) {
            return Outcome::NoRecords;
        }
        let pods = lab.fixture.backends_of(service, *family);
        pods.filter_map(|pod| pod.address(*family)).collect()
    } else {
        service.cluster_ip(*family).into_iter().collect()
    };
    if addresses.is_empty() { Outcome::NoRecords } else { Outcome::Records { addresses } }
}
