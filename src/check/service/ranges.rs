//! `service::ranges`

use ipnet::IpNet;

use crate::{
    check::{
        About, Check, Failure, Need, Planned, Promise, Readings, Stage, Subject, Verdict, World,
        words,
    },
    facts::{Fact, ServiceCidr, Source},
    net::IpFamily,
};

/// The API server's Service ranges are ready, and it reserves addresses from them.
#[derive(Debug)]
pub(in crate::check) struct Ranges;

impl Check for Ranges {
    type Subject = IpFamily;

    const PROMISE: Promise = Promise {
        id: "service::ranges",
        summary: "a ServiceCIDR of each expected family is ready, every ClusterIP in use is reserved by an \
         IPAddress of its Service, and the control plane's flags name the same ranges",
        why: "ClusterIPs come from ServiceCIDR objects since Kubernetes 1.33, no longer from the API \
         server's flag alone: a cluster whose flag got a second family assigns no ClusterIP of it until a ready \
         ServiceCIDR has a range of it. A ClusterIP that no IPAddress reserves can be assigned to a second \
         Service. If the ranges in kubeadm's configuration differ from the flags, the next upgrade overwrites \
         the flags.",
        source: "ServiceCIDR and IPAddress (networking.k8s.io/v1); KEP-1880 Multiple Service CIDRs; \
         https://kubernetes.io/docs/reference/networking/virtual-ips/",
        about: About::core().titled("Service ranges"),
        stage: Stage::Facts,
        needs: &[Need::Facts(Source::ServiceRanges), Need::Facts(Source::ServiceAddresses)],
        ..Promise::DEFAULT
    };

    fn plan(&self, _: World<'_>) -> Vec<Planned<IpFamily>> {
        let families = IpFamily::ALL.into_iter();
        families.map(|family| Planned::new(Subject::Cluster, family, family)).collect()
    }

    fn judge(&self, world: World<'_>, &family: &IpFamily, _: &Readings<'_>) -> Verdict {
        // What the configuration says is known in every version.
        if let Some((detail, what)) = disagreement(world, family) {
            return Verdict::fail(detail, disagreeing(what));
        }
        let cidrs = match &world.facts.service_cidrs {
            Fact::Known { value, .. } => value,
            Fact::Absent { reason } => return Verdict::skip(reason.clone()),
            Fact::Forbidden { reason } => {
                return Verdict::inconclusive(format!("missing permission: {reason}"));
            }
        };
        if let Some((detail, what)) = defect(world, cidrs, family) {
            return Verdict::fail(detail, unready(what, family));
        }
        let ranges = ranges(cidrs, family).map(|(_, range)| range);
        let ranges = words::list(ranges);
        if !world.suite.families.contains(&family) {
            return Verdict::pass("none, as expected");
        }
        let (services, unreserved) = match (&world.facts.services, &world.facts.unreserved) {
            (Fact::Known { value: services, .. }, Fact::Known { value: unreserved, .. }) => {
                (services, unreserved)
            }
            (Fact::Forbidden { reason }, _) | (_, Fact::Forbidden { reason }) => {
                return Verdict::inconclusive(format!("missing permission: {reason}"));
            }
            (Fact::Absent { reason }, _) | (_, Fact::Absent { reason }) => {
                return Verdict::skip(reason.clone());
            }
        };
        match unreserved.get(&family) {
            None => {
                let used = services.cluster_ips.get(&family).copied().unwrap_or(0);
                let used = words::count(used, &format!("{family} ClusterIP"));
                Verdict::pass(format!("{ranges}, {used} reserved"))
            }
            Some(missing) => {
                let first = words::list(&missing.first);
                let count = words::count(missing.count, &format!("{family} ClusterIP"));
                Verdict::fail(
                    format!("{count} not reserved: {first}"),
                    unreserved_failure(format!(
                        "{count} of Services in use {} no IPAddress object that reserves {}, among \
                         them {first}.",
                        if missing.count == 1 { "has" } else { "have" },
                        if missing.count == 1 { "it" } else { "them" },
                    )),
                )
            }
        }
    }
}

/// The ranges of a family, each with its ServiceCIDR.
fn ranges(cidrs: &[ServiceCidr], family: IpFamily) -> impl Iterator<Item = (&ServiceCidr, IpNet)> {
    let each = cidrs.iter().flat_map(|cidr| cidr.cidrs.iter().map(move |text| (cidr, text)));
    each.filter_map(|(cidr, text)| Some((cidr, text.parse().ok()?)))
        .filter(move |(_, range)| IpFamily::of_range(range) == family)
}

/// What is wrong with the ServiceCIDRs of a family, as detail and sentence.
fn defect(world: World<'_>, cidrs: &[ServiceCidr], family: IpFamily) -> Option<(String, String)> {
    let mut known = ranges(cidrs, family);
    match (known.next(), world.suite.families.contains(&family)) {
        (None, false) => None,
        (Some((cidr, range)), false) => Some((
            format!("{range} is not expected"),
            format!(
                "ServiceCIDR {} has the {family} range {range}, but the suite {} expects a cluster \
                 without {family}.",
                cidr.name, world.suite.name
            ),
        )),
        (None, true) => {
            let all = words::list(cidrs.iter().flat_map(|cidr| &cidr.cidrs));
            Some((
                format!("no {family} range, only {all}"),
                format!(
                    "No ServiceCIDR has an {family} range, only {all}: Services get no {family} \
                     ClusterIP."
                ),
            ))
        }
        (Some(first), true) => {
            let (cidr, range) =
                std::iter::once(first).chain(known).find(|(cidr, _)| !cidr.ready)?;
            let message = cidr.message.trim_end_matches('.');
            Some((
                format!("{range} of {} is not ready", cidr.name),
                format!("ServiceCIDR {} with {range} is not ready: {message}.", cidr.name),
            ))
        }
    }
}

/// Two places of the control plane's configuration that name different ranges of a family, as
/// detail and sentence. The ServiceCIDRs are not compared: there may be more of them than flags.
fn disagreement(world: World<'_>, family: IpFamily) -> Option<(String, String)> {
    let mut stated = world.facts.service_ranges.iter().filter_map(|fact| match fact {
        Fact::Known { value, source } if !source.starts_with("ServiceCIDR ") => {
            let of_family = value.iter().filter(|range| IpFamily::of_range(range) == family);
            Some((of_family.map(IpNet::trunc).collect::<Vec<_>>(), source))
        }
        _ => None,
    });
    let (first, by) = stated.next()?;
    let (other, other_by) = stated.find(|(ranges, _)| *ranges != first)?;
    let (first, other) = (words::list(&first), words::list(&other));
    Some((
        format!("{first} or {other}: the configuration disagrees"),
        format!("{by} names {first} as the {family} Service range, and {other_by} names {other}."),
    ))
}

fn disagreeing(what: String) -> Failure {
    Failure::new(what)
        .reproduce([
            "kubectl -n kube-system get configmap kubeadm-config -o yaml | grep serviceSubnet",
            "kubectl -n kube-system get pods -l tier=control-plane -o yaml | grep service-cluster-ip-range",
            "kubectl get servicecidrs  # Kubernetes 1.33 or later",
        ])
        .fix([
            "Decide which ranges are right, and write them into the ConfigMap kubeadm-config \
             (networking.serviceSubnet) and into the static pods of kube-apiserver and \
             kube-controller-manager of every control plane (--service-cluster-ip-range).",
        ])
}

fn unready(what: String, family: IpFamily) -> Failure {
    Failure::new(what).reproduce(["kubectl get servicecidrs -o yaml"]).fix([
        format!(
            "Create a ServiceCIDR with a free {family} range, or give kube-apiserver both \
                 families in --service-cluster-ip-range, the primary one first."
        ),
        "A ServiceCIDR that is being deleted stays, not ready, until no Service has an address \
             from it: find them with `kubectl get ipaddresses`. A Service that is created again gets other \
             ClusterIPs, NodePorts and load balancer addresses, and its clients are cut off meanwhile: plan it, or \
             create the ServiceCIDR again."
            .to_owned(),
    ])
}

fn unreserved_failure(what: String) -> Failure {
    Failure::new(what)
        .reproduce(["kubectl get ipaddresses", "kubectl get services -A -o wide"])
        .fix(["The API server creates what is missing within minutes and reports an Event on the \
             Service (`kubectl get events -A --field-selector involvedObject.kind=Service`). If it \
             doesn't, see its log for the repair of IPAddresses, and check that every API server has \
             the same Service ranges and feature gates."])
}
