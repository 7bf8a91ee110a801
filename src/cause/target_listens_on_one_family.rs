//! `target_listens_on_one_family`: an application refuses at its own address in one family what it
//! accepts in the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, words},
    facts::{Target, TargetName},
    net::IpFamily,
    probe::{Aim, Outcome},
};

#[derive(Debug)]
pub(super) struct TargetListensOnOneFamily;

impl CauseRule for TargetListensOnOneFamily {
    fn id(&self) -> &'static str {
        "target_listens_on_one_family"
    }

    fn why(&self) -> &'static str {
        "The network delivers both families to the pod, so only the application can be fixed. Its readiness \
         probe uses only the first family, so the pod is Ready and stays an endpoint in both, and clients that \
         use the other family are refused."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        // One that was changed meanwhile may have refused for that.
        let changed = &evidence.world.fixture.targets_changed;
        let targets = evidence.world.facts.targets.iter();
        let targets = targets.filter(|target| !changed.contains(&target.name));
        let each = targets.flat_map(|target| IpFamily::ALL.map(|family| (target, family)));
        each.filter_map(|(target, family)| of_target(evidence, target, family)).collect()
    }
}

/// A port of a pod, or of all endpoints that aren't pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listener<'a> {
    port: u16,
    udp: bool,
    pod: Option<&'a str>,
}

/// The probes of a Service's endpoints, by where they must be listened to.
fn listeners<'e>(
    evidence: &'e Evidence<'_>,
    target: &TargetName,
    family: IpFamily,
) -> BTreeMap<Listener<'e>, Vec<&'e Probed<'e>>> {
    let mut listeners: BTreeMap<Listener<'e>, Vec<&'e Probed<'e>>> = BTreeMap::new();
    for probed in evidence.of(family) {
        let Aim::TargetEndpoint { target: of, pod, .. } = &probed.probe.aim else { continue };
        let Some(address) = probed.probe.target.address().filter(|_| of == target) else {
            continue;
        };
        let listener = Listener { port: address.port(), udp: probed.udp(), pod: pod.as_deref() };
        listeners.entry(listener).or_default().push(probed);
    }
    listeners
}

fn refused(probed: &Probed<'_>) -> bool {
    probed.dead() && probed.kind() == Some(Kind::Refused)
}

/// Whether somebody listens: a server needn't answer a datagram, but where there is none the kernel
/// refuses it.
fn accepted(probed: &Probed<'_>) -> bool {
    let silent = || {
        let last = probed.reading.attempts.last();
        probed.udp() && last.is_some_and(|attempt| attempt.outcome == Outcome::TimedOut)
    };
    probed.good() || silent()
}

fn of_target(evidence: &Evidence<'_>, target: &Target, family: IpFamily) -> Option<Found> {
    let name = &target.name;
    let other = family.other();
    let (here, there) = (listeners(evidence, name, family), listeners(evidence, name, other));
    let deaf: BTreeMap<Listener<'_>, &Probed<'_>> = here
        .iter()
        .filter(|(listener, probes)| {
            probes.iter().all(|probed| refused(probed))
                && there.get(listener).is_some_and(|it| it.iter().all(|probed| accepted(probed)))
        })
        .filter_map(|(listener, probes)| Some((*listener, *probes.first()?)))
        .collect();
    let (first, example) = deaf.iter().next()?;
    let ports: BTreeSet<String> = deaf.keys().map(Listener::at).collect();
    let pods: BTreeSet<&str> = deaf.keys().filter_map(|listener| listener.pod).collect();
    let all =
        here.keys().all(|listener| deaf.contains_key(listener) || !ports.contains(&listener.at()));
    let only = match other {
        IpFamily::V4 => "on 0.0.0.0 only".to_owned(),
        IpFamily::V6 => format!("on {other} only"),
    };
    let who = if all || pods.is_empty() {
        format!("The application behind the Service {name}")
    } else {
        let shown = words::list(pods.iter().take(3));
        let more = match pods.len().saturating_sub(3) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("The application in {shown}{more} behind the Service {name}")
    };
    let ports = words::list(ports);
    let from: BTreeSet<&str> =
        here.get(first).into_iter().flatten().filter_map(|probed| probed.from()).collect();
    let mut seen: Vec<String> = deaf
        .iter()
        .take(3)
        .map(|(listener, probed)| {
            let who = listener.pod.map_or_else(String::new, |pod| format!("{pod} at "));
            format!("{who}{} over {family}: {}", probed.probe.target, probed.seen())
        })
        .collect();
    seen.push(format!("so from pods on {}", words::list(from)));
    if let Some(probed) = there.get(first).and_then(|probes| probes.first()) {
        let works = if probed.good() { "accepted" } else { "not refused" };
        seen.push(format!("at {} over {other}: {works}", probed.probe.target));
    }
    let address = example.probe.target.address()?;
    Some(Found {
        what: format!(
            "{who} listens {only}: port {ports} refuses {family} at the pods themselves and accepts \
             {other}."
        ),
        evidence: seen,
        reproduce: reproduce(name, *first, address.ip()),
        fix: fix(name, family),
        probed: evidence.bad(|probed| {
            probed.family == family
                && match &probed.probe.aim {
                    Aim::TargetEndpoint { target: of, pod, .. } => {
                        let listener = probed.probe.target.address().map(|address| Listener {
                            port: address.port(),
                            udp: probed.udp(),
                            pod: pod.as_deref(),
                        });
                        of == name && listener.is_some_and(|it| deaf.contains_key(&it))
                    }
                    // Any of the endpoints may have been picked.
                    Aim::TargetIp { target: of } => {
                        of == name && probed.kind() == Some(Kind::Refused)
                    }
                    _ => false,
                }
        }),
        ..Found::default()
    })
}

impl Listener<'_> {
    /// The port, for a sentence.
    fn at(&self) -> String {
        if self.udp { format!("{} UDP", self.port) } else { self.port.to_string() }
    }
}

fn reproduce(name: &TargetName, listener: Listener<'_>, address: std::net::IpAddr) -> Vec<String> {
    let TargetName { namespace, name } = name;
    let Listener { port, udp, pod } = listener;
    let (table, option) = if udp { ("udp", " -u") } else { ("tcp", "") };
    let mut commands = vec![format!(
        "kubectl -n {namespace} run -it --rm --restart=Never --image=docker.io/library/busybox look -- nc \
         -v -z{option} -w 3 {address} {port}"
    )];
    commands.extend(pod.map(|pod| {
        format!(
            "kubectl -n {namespace} exec {pod} -- grep -i ':{port:04X} ' /proc/net/{table} \
             /proc/net/{table}6  # {port:04X} is port {port}; what listens on both is in {table}6; where the image \
             has no grep, use `kubectl -n {namespace} debug {pod} -it --image=docker.io/library/busybox -- grep \
             …`"
        )
    }));
    commands.push(format!(
        "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name} -o wide"
    ));
    commands
}

fn fix(name: &TargetName, family: IpFamily) -> Vec<String> {
    let TargetName { namespace, name } = name;
    let other = family.other();
    vec![
        match family {
            IpFamily::V6 => "Have the application listen on `::`, which takes both families on Linux unless \
                             the program sets IPV6_V6ONLY (so try IPv4 afterwards). nginx: `listen [::]:PORT;` \
                             beside `listen PORT;`; Go: \":PORT\" and not \"0.0.0.0:PORT\"; Node.js: the host \
                             \"::\", or none; gunicorn: `--bind [::]:PORT`; uvicorn and other asyncio servers take \
                             IPv6 only at `::`: run uvicorn behind gunicorn; Java: without \
                             -Djava.net.preferIPv4Stack=true; PostgreSQL: listen_addresses = '*'; Redis: bind * \
                             -::*."
                .to_owned(),
            IpFamily::V4 => "Have the application listen on IPv4 too: on `::` without IPV6_V6ONLY, or on \
                             0.0.0.0 as well. nginx: `listen PORT;` beside `listen [::]:PORT;`; Go: \
                             \":PORT\" with the network \"tcp\"; Node.js: without ipv6Only; HAProxy: `bind \
                             :::PORT v4v6`."
                .to_owned(),
        },
        "If a sidecar takes the connections (a service mesh), it is the one that must listen on both."
            .to_owned(),
        format!(
            "Until it does, give the Service {other} alone, so that no client is sent where nobody \
             listens: where {other} is its first family, `kubectl -n {namespace} patch service {name} -p \
             '{{\"spec\":{{\"ipFamilyPolicy\":\"SingleStack\"}}}}'`. Its {family} ClusterIP is given up, and it gets \
             another one when it is made dual-stack again."
        ),
    ]
}
