//! `target::cluster_ips`

use std::net::SocketAddr;

use super::known;
use crate::{
    check::{
        About, Check, Failure, Kind, Need, Planned, Promise, Reading, Readings, Subject, Symptom,
        Verdict, World, commands, outcome,
        plan::{self, Source},
        remedy, words,
    },
    facts::{Target, TargetName, TargetPort, TargetService},
    net::IpFamily,
    probe::Aim,
};

/// The operator's Services answer at their ClusterIPs.
#[derive(Debug)]
pub(in crate::check) struct ClusterIps;

/// A port of one of them, tried from a node.
#[derive(Debug)]
pub(in crate::check) struct Path {
    target: TargetName,
    port: TargetPort,
    node: String,
    family: IpFamily,
}

impl Check for ClusterIps {
    type Subject = Path;

    const PROMISE: Promise = Promise {
        id: "target::cluster_ips",
        summary: "from every node, each port of the Services of --target accepts connections at a ClusterIP of \
         each expected family",
        why: "A dual-stack cluster doesn't add a second family to a Service that doesn't ask for it: one that \
              was created earlier, or whose ipFamilyPolicy is SingleStack, keeps its one ClusterIP. And a \
              ClusterIP only works if its backends listen in its family.",
        source: "https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services; Service \
         spec.ipFamilyPolicy, spec.ipFamilies and spec.clusterIPs",
        about: About::own().titled("Your Services: ClusterIPs"),
        needs: &[Need::Targets, Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Path>> {
        known::each(world, |target, service, family| {
            let settled =
                |verdict| vec![Planned::settled(known::subject(&target.name), family, verdict)];
            if service.is_external() {
                return settled(Verdict::skip("ExternalName: it is only a DNS name"));
            }
            let ip = service.cluster_ip(family);
            let missing = ip.is_none() && !service.is_headless();
            if missing || !service.families.contains(&family) {
                let detail = format!("no {family}: {} {}", service.policy, asked(service));
                return settled(Verdict::fail(detail, one_family(target, service, family)));
            }
            let Some(ip) = ip else {
                return settled(Verdict::skip("headless: it has no ClusterIP"));
            };
            if let Some(blocked) = known::deserted(target, family) {
                return settled(blocked.verdict(world.suite));
            }
            let mut cases = Vec::new();
            for port in service.ports.iter().take(known::MOST_PORTS) {
                if let Some(verdict) = known::unspoken(port) {
                    let name = known::at_port(&target.name, port);
                    cases.push(Planned::settled(Subject::Service { name }, family, verdict));
                    continue;
                }
                let to = SocketAddr::new(ip, port.number);
                let path = |source| path(world, &source, &target.name, port, to);
                cases.extend(plan::pods(world).map(path));
            }
            cases
        })
    }

    fn judge(&self, world: World<'_>, path: &Path, readings: &Readings<'_>) -> Verdict {
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            return outcome::unless_unknown(&readings.own);
        };
        if let Some(changed) = known::changed(world, &path.target) {
            return changed;
        }
        Verdict::fail(symptom.detail.clone(), path.failure(world, reading, symptom))
    }
}

fn path(
    world: World<'_>,
    source: &Source<'_>,
    target: &TargetName,
    port: &TargetPort,
    to: SocketAddr,
) -> Planned<Path> {
    let family = IpFamily::of(to.ip());
    let subject = Subject::path(&source.label, known::at_port(target, port));
    Planned::probing(world, subject, family, || {
        source.address(family)?;
        let aim = Aim::TargetIp { target: target.clone() };
        let probe = known::probe(world, source, aim, to, port);
        let (target, port) = (target.clone(), port.clone());
        Ok((Path { target, port, node: source.pod.node.clone(), family }, vec![probe]))
    })
}

/// The families that a Service asks for.
fn asked(service: &TargetService) -> String {
    words::list(&service.families)
}

fn one_family(target: &Target, service: &TargetService, family: IpFamily) -> Failure {
    let TargetName { namespace, name } = &target.name;
    let policy = &service.policy;
    let lacked = if service.is_headless() {
        format!("{} records", family.record_type())
    } else {
        format!("{family} ClusterIP")
    };
    let asks = policy != "SingleStack";
    let failure = Failure::new(format!(
        "The Service {namespace}/{name} is not made for {family}: its ipFamilyPolicy is {policy} and its \
         ipFamilies {}, so clients don't find {} {lacked}.",
        asked(service),
        if service.is_headless() { "its" } else { "an" },
    ))
    .reproduce([format!(
        "kubectl -n {namespace} get service {name} -o \
         custom-columns=POLICY:.spec.ipFamilyPolicy,FAMILIES:.spec.ipFamilies,IPS:.spec.clusterIPs"
    )]);
    if asks {
        return failure.fix([format!(
            "It asks for what the cluster can give and got {} alone: see service::cluster_ips and \
             service::ranges. A PreferDualStack Service from before the cluster had {family} keeps its family; this \
             adds the second one, and keeps the address that it has: `kubectl -n {namespace} patch service {name} \
             -p '{{\"spec\":{{\"ipFamilyPolicy\":\"RequireDualStack\"}}}}'`.",
            asked(service)
        )]);
    }
    failure.fix([
        format!(
            "`kubectl -n {namespace} patch service {name} -p \
             '{{\"spec\":{{\"ipFamilyPolicy\":\"PreferDualStack\"}}}}'` adds {family} and keeps the address \
             that it has."
        ),
        format!(
            "Before that, check that its pods have {family} addresses and listen there: clients that get \
             both families may try {family} first. target::endpoints tells once the Service has both."
        ),
    ])
}

impl Path {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { target, port, node, family } = self;
        let address = &reading.probe.target;
        let fix = if symptom.kind == Kind::Refused {
            format!(
                "Refused means that nobody listens behind it over {family}, or that the proxy on {node} \
                 knows no {family} endpoint: see target::endpoints, which tries each at its own address."
            )
        } else {
            format!(
                "If its endpoints answer at their own addresses (target::endpoints), look for what treats \
                 this ClusterIP apart on {node}: a NetworkPolicy of {}, or the proxy's rules for it.",
                target.namespace
            )
        };
        let ip = address.address().map_or_else(String::new, |address| address.ip().to_string());
        Failure::new(format!(
            "A pod on node {node} does not reach port {port} of the Service {target} at its {family} \
             ClusterIP {ip}: {}.",
            symptom.detail
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce(known::look(target))
        .reproduce(remedy::inspect_proxy(world, *family, node, &ip))
        .fix([fix])
        .fix(remedy::service_proxy(world, *family, node))
    }
}
