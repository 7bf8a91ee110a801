//! `pod::payload`

use std::net::{IpAddr, SocketAddr};

use super::tcp;
use crate::{
    check::{
        About, Blocked, Check, Failure, Need, Planned, Promise, Reading, Readings, Subject,
        Symptom, Verdict, World, commands, outcome,
        pairs::Pairs,
        plan::{self, Source},
        remedy,
    },
    fixture::{BACKEND_PORT, Workload},
    net::IpFamily,
    probe::{Aim, Probe, Target, Vantage},
};

/// Sizes of whole requests and answers on both sides of what packets may hold on the usual paths, less
/// some 70 bytes of TCP and IP: 1,200 fit into IPv6's smallest MTU of 1,280, and 1,452 are more than a
/// packet on Ethernet holds.
const SIZES: [u32; 5] = [1_200, 1_280, 1_380, 1_452, 9_000];

/// Packets of all sizes pass.
#[derive(Debug)]
pub(in crate::check) struct Payload;

/// A way from a pod to a pod on another node, in one family.
#[derive(Debug)]
pub(in crate::check) struct SizedPath {
    from: String,
    to: String,
    family: IpFamily,
    address: SocketAddr,
}

impl Check for Payload {
    type Subject = SizedPath;

    const PROMISE: Promise = Promise {
        id: "pod::payload",
        summary: "a pod on every node sends requests of 1,200 to 9,000 bytes to a pod on another node, and gets \
         answers of these sizes; the first size that fails is named",
        why: "On a path that drops packets above some size, connections open and then hang: TLS certificates, \
              cookies, uploads. The size hints at the cause: 1,280 is an IPv6 link at its minimum, 1,380 to \
              1,450 a tunnel whose header was not subtracted, 9,000 a switch without jumbo frames. The two \
              directions may differ.",
        source: "RFC 8200 section 5 on packet sizes; RFC 8201 on path MTU discovery; upstream's dual-stack test \
         \"should be able to handle large requests: http\"",
        about: About::feature("PodPayloadSizes")
            .titled("Pod to pod, large requests")
            .asserts(&["should be able to handle large requests: http"]),
        needs: &[Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<SizedPath>> {
        let mut cases = Vec::new();
        let pairs = Pairs::new(world);
        for family in plan::families(world.suite) {
            for (place, source) in plan::pods(world).enumerate() {
                let Some(backend) = next(&pairs, &source, place) else { continue };
                let (from, to) = (&source.label, &backend.node);
                let case = Planned::probing(world, Subject::path(from, to), family, || {
                    source.address(family)?;
                    let address = SocketAddr::new(plan::backend(backend, family)?, BACKEND_PORT);
                    let up = SIZES.map(|size| Target::Request { address, size });
                    let before = head(world, from, backend, family);
                    let down = SIZES.map(|size| size.saturating_sub(before).max(1));
                    let down = down.map(|payload| Target::Http { address, payload });
                    let probe = |target| {
                        let aim = Aim::Backend { node: to.clone() };
                        source.probe(aim, target, plan::once(world.suite))
                    };
                    let probes: Vec<Probe> = up.into_iter().chain(down).map(probe).collect();
                    let (from, to) = (from.clone(), to.clone());
                    Ok((SizedPath { from, to, family, address }, probes))
                });
                cases.push(case.beside(&tcp(world, &source, backend, family)));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, path: &SizedPath, readings: &Readings<'_>) -> Verdict {
        // Sizes are in order, so the first that fails is the smallest.
        let first = |up| {
            let mut bad = outcome::bad(&readings.own);
            bad.find(|(reading, _)| is_request(&reading.probe.target) == up)
        };
        let lost: Vec<_> = [first(true), first(false)].into_iter().flatten().collect();
        let Some((_, symptom)) = lost.first() else {
            return outcome::unless_unknown(&readings.own);
        };
        if let Some(small) = readings.witnesses.iter().find_map(Reading::symptom) {
            let by = Some("pod::reachable");
            let reason = format!("small packets are lost too ({})", small.detail);
            return Blocked { by, reason }.verdict(world.suite);
        }
        let sizes: Vec<String> =
            lost.iter().map(|(reading, _)| said(world, reading.probe)).collect();
        let detail = format!("lost from {}: {}", sizes.join(", and "), symptom.detail);
        Verdict::fail(detail, path.failure(world, &lost, &sizes))
    }
}

/// The next node whose pods a node tries, in a circle, so that few nodes try all of their paths; where
/// there is only one, itself.
fn next<'a>(pairs: &Pairs<'a>, source: &Source<'_>, place: usize) -> Option<&'a Workload> {
    let all = pairs.pods(&source.pod.node);
    let others: Vec<&Workload> =
        all.iter().copied().filter(|backend| backend.node != source.pod.node).collect();
    let after = others.get(place % others.len().max(1));
    after.or(all.first()).copied()
}

const fn is_request(target: &Target) -> bool {
    matches!(target, Target::Request { .. })
}

/// `requests of 1380 bytes`.
fn said(world: World<'_>, probe: &Probe) -> String {
    let what = if is_request(&probe.target) { "requests" } else { "answers" };
    format!("{what} of {} bytes", message_size(world, probe).unwrap_or_default())
}

/// How much stands before the payload of an answer: nginx's 138 bytes of headers, and who answers whom.
fn head(world: World<'_>, from: &str, backend: &Workload, family: IpFamily) -> u32 {
    let client = world.fixture.probe_on(from).and_then(|pod| pod.address(family));
    let length = |address: Option<IpAddr>| address.map_or(0, |ip| ip.to_string().len());
    let pod = backend.pod.as_deref().unwrap_or_default().len();
    let line = "dualstack pod= server= client=\n".len();
    let all = 138 + line + pod + length(backend.address(family)) + length(client);
    u32::try_from(all).unwrap_or_default()
}

/// The size in bytes of the whole request, or of the whole answer that it asks for, from a pod to a
/// backend; `None` for small ones.
pub(crate) fn message_size(world: World<'_>, probe: &Probe) -> Option<u32> {
    match (&probe.target, &probe.vantage) {
        (Target::Request { size, .. }, _) => Some(*size),
        (Target::Http { payload: payload @ 1.., .. }, Vantage::Pod { node }) => {
            let backend = world.fixture.backend_on(probe.aim.backend()?)?;
            Some(payload + head(world, node, backend, probe.family()))
        }
        _ => None,
    }
}

impl SizedPath {
    fn failure(
        &self,
        world: World<'_>,
        lost: &[(&Reading<'_>, &Symptom)],
        sizes: &[String],
    ) -> Failure {
        let Self { from, to, family, address } = self;
        Failure::new(format!(
            "Between a pod on node {from} and the nginx at {address} on node {to} packets above some \
             size are lost over {family}: {} and more don't arrive; smaller ones do.",
            sizes.join(", and ")
        ))
        .reproduce(commands::repeat(world, lost.iter().map(|(reading, _)| reading.probe)))
        .reproduce([commands::route(from, address.ip()), commands::on_node(from, "ip link")])
        .fix(remedy::path_mtu(*family))
    }
}
