//! `service::cluster_ips`

use std::net::IpAddr;

use super::asked::{Expected, expected, primary};
use crate::{
    check::{
        About, Check, Failure, Need, Planned, Promise, Readings, Stage, Subject, Verdict, World,
        reconfigure, upstream, words,
    },
    facts::{Fact, Source},
    fixture::{Allocation, Service, ServiceRole},
    net::IpFamily,
};

/// Services are given the families they ask for.
#[derive(Debug)]
pub(in crate::check) struct ClusterIps;

/// A Service, and what the API server must make of it.
#[derive(Debug)]
pub(in crate::check) struct Allotted {
    service: Service,
    expected: Expected,
}

impl Check for ClusterIps {
    type Subject = Allotted;

    const PROMISE: Promise = Promise {
        id: "service::cluster_ips",
        summary: "every kind of Service gets the ClusterIPs that its ipFamilyPolicy and ipFamilies ask for, in \
                  that order, or is rejected where it must be",
        why: "A Service has the families that the API server allocates, whatever pods and nodes have. A \
              PreferDualStack Service silently stays single-stack if the API server has one Service range, and \
              is unreachable in the other family; a cluster that accepts a family it can't carry hides the \
              mistake until there is traffic.",
        source: "Service fields spec.ipFamilyPolicy, spec.ipFamilies and spec.clusterIPs; KEP-563 IPv4/IPv6 \
         dual-stack; https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services",
        about: About::core().titled("ClusterIPs of Services").asserts(upstream::SERVICES),
        per_family: false,
        stage: Stage::Applied,
        needs: &[Need::Facts(Source::ServiceRanges)],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Allotted>> {
        let served = world.fixture.selected().filter(|node| world.fixture.mesh.serves(node));
        let per_node = served.map(|node| ServiceRole::Backend(node.to_owned()));
        ServiceRole::SHARED
            .into_iter()
            .chain(per_node)
            .map(|role| {
                let subject = Subject::Service { name: role.to_string() };
                let unknown = |reason| Verdict::inconclusive(reason);
                let Some(service) = world.fixture.service(&role) else {
                    return Planned::settled(subject, None, unknown("the Service was not created"));
                };
                match expected(world.suite, &role, primary(world)) {
                    Some(expected) => {
                        Planned::new(subject, None, Allotted { service: service.clone(), expected })
                    }
                    None => {
                        let reason = "no Service shows which family comes first";
                        Planned::settled(subject, None, unknown(reason))
                    }
                }
            })
            .collect()
    }

    fn judge(&self, world: World<'_>, case: &Allotted, _: &Readings<'_>) -> Verdict {
        let Allotted { service, expected } = case;
        let finding = Finding { world, service };
        match (&service.allocation, expected) {
            (Allocation::Refused { message }, _) if !speaks_of_families(message) => {
                Verdict::inconclusive(format!("refused for another reason: {message}"))
            }
            (Allocation::Refused { .. }, Expected::Refusal) => {
                Verdict::pass("refused, as it must be")
            }
            (Allocation::Refused { message }, Expected::Families(families)) => finding.fail(
                "refused".to_owned(),
                format!(
                    "The API server rejected the Service {}, which should have got {}: {message}",
                    service.name,
                    words::list(families)
                ),
            ),
            (Allocation::Accepted { cluster_ips, .. }, Expected::Refusal) => finding.fail(
                format!("accepted with {}", words::list(cluster_ips)),
                format!(
                    "The API server accepted the Service {}, which asks for {}, but the suite {} expects a \
                     cluster that rejects it.",
                    service.name,
                    words::list(service.role.requested_families()),
                    world.suite.name
                ),
            ),
            (
                Allocation::Accepted {
                    cluster_ips, ip_families, ip_family_policy, node_port, ..
                },
                Expected::Families(families),
            ) => {
                let given: Vec<IpFamily> = cluster_ips.iter().copied().map(IpFamily::of).collect();
                let policy = policy(&service.role);
                let defect = if given != *families {
                    Some(unlike(service, families, &given, cluster_ips))
                } else if *ip_families != given {
                    Some((
                        format!("ipFamilies says {}", words::list(ip_families)),
                        format!("has ipFamilies {} for them", words::list(ip_families)),
                    ))
                } else if ip_family_policy != policy {
                    Some((
                        format!("ipFamilyPolicy is {ip_family_policy}"),
                        format!("has ipFamilyPolicy {ip_family_policy}, not {policy}"),
                    ))
                } else if node_port.is_none() && wants_node_port(&service.role) {
                    Some(("no nodePort".to_owned(), "was given no nodePort".to_owned()))
                } else {
                    cluster_ips.iter().find_map(|&ip| stray(world, ip))
                };
                match defect {
                    None => Verdict::pass(words::list(cluster_ips)),
                    Some((detail, what)) => finding.fail(
                        detail,
                        format!(
                            "The Service {} ({}) with ClusterIPs {} {what}.",
                            service.name,
                            asked(&service.role),
                            words::list(cluster_ips)
                        ),
                    ),
                }
            }
        }
    }
}

/// Whether a refusal is about families, and not about a quota or a policy of the cluster's owner.
fn speaks_of_families(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["ipfamil", "clusterip", "dual-stack"].iter().any(|word| message.contains(word))
}

fn policy(role: &ServiceRole) -> &'static str {
    match role {
        ServiceRole::Default | ServiceRole::Ipv4 | ServiceRole::Ipv6 => "SingleStack",
        ServiceRole::RequireDualStackIpv4First | ServiceRole::RequireDualStackIpv6First => {
            "RequireDualStack"
        }
        _ => "PreferDualStack",
    }
}

const fn wants_node_port(role: &ServiceRole) -> bool {
    matches!(role, ServiceRole::NodePort | ServiceRole::Backend(_))
}

/// What a Service asks for, in words.
fn asked(role: &ServiceRole) -> String {
    match role {
        ServiceRole::Default => "no ipFamilyPolicy, no ipFamilies".to_owned(),
        ServiceRole::PreferDualStack | ServiceRole::NodePort | ServiceRole::Backend(_) => {
            "PreferDualStack, no ipFamilies".to_owned()
        }
        role => format!("{}, ipFamilies {}", policy(role), words::list(role.requested_families())),
    }
}

/// How the families given differ from those expected, as detail and end of a sentence.
fn unlike(
    service: &Service,
    expected: &[IpFamily],
    given: &[IpFamily],
    cluster_ips: &[IpAddr],
) -> (String, String) {
    let missing: Vec<_> = expected.iter().filter(|family| !given.contains(family)).collect();
    let extra: Vec<_> = given.iter().filter(|family| !expected.contains(family)).collect();
    if cluster_ips.is_empty() {
        let detail = "no ClusterIP".to_owned();
        (detail, format!("should have got {}", words::list(expected)))
    } else if !extra.is_empty() && !missing.is_empty() {
        let detail = format!("{} instead of {}", words::list(&extra), words::list(&missing));
        (detail, format!("should have got {}", words::list(expected)))
    } else if !missing.is_empty() {
        (
            format!("no {} ClusterIP", words::list(&missing)),
            format!("lacks {}", words::list(&missing)),
        )
    } else if !extra.is_empty() {
        let extra = words::list(&extra);
        (format!("{extra} is not expected"), format!("has {extra}, which the suite doesn't expect"))
    } else {
        let first = words::list(expected.first());
        let why = if service.role.requested_families().is_empty() {
            "as the suite and the cluster's other Services have it"
        } else {
            "as it asked"
        };
        (format!("{first} is not first"), format!("should have {first} first, {why}"))
    }
}

/// Whether an address lies outside every Service range that is known for its family.
fn stray(world: World<'_>, ip: IpAddr) -> Option<(String, String)> {
    let ranges: Vec<_> = world
        .facts
        .service_ranges
        .iter()
        .filter_map(Fact::known)
        .flatten()
        .filter(|range| IpFamily::of_range(range) == IpFamily::of(ip))
        .collect();
    if ranges.is_empty() || ranges.iter().any(|range| range.contains(&ip)) {
        return None;
    }
    let ranges = words::list(ranges);
    Some((
        format!("{ip} lies in no Service range"),
        format!("has {ip}, which lies in no known Service range ({ranges})"),
    ))
}

struct Finding<'a> {
    world: World<'a>,
    service: &'a Service,
}

impl Finding<'_> {
    fn fail(&self, detail: String, what: String) -> Verdict {
        let Self { world, service } = self;
        let namespace = &world.fixture.namespace;
        let reproduce = [
            format!(
                "kubectl create service clusterip dualstack-try --tcp=80 --dry-run=client -o json | \
                 kubectl patch --local -f - --type=merge -p '{}' -o yaml | kubectl -n default create \
                 --dry-run=server -o yaml -f -",
                asked_json(&service.role)
            ),
            "kubectl get servicecidrs  # Kubernetes 1.33 or later".to_owned(),
            format!(
                "kubectl -n {namespace} get service {} -o yaml  # only after run --keep",
                service.name
            ),
        ];
        let ranges = reconfigure::service_ranges(
            "the same ranges, one of each expected family and the primary one first,",
        );
        let fix: Vec<String> = if world.suite.families.len() > 1 {
            vec![
                ranges,
                "Services made before keep their families: patch those that need both with \
                 `kubectl patch service NAME --type=merge -p \
                 '{\"spec\":{\"ipFamilyPolicy\":\"PreferDualStack\"}}'`. The order of a Service's families never \
                 changes: recreate it for that."
                    .to_owned(),
            ]
        } else {
            vec![
                "If the cluster is meant to be dual-stack, run the suite dual-stack.".to_owned(),
                ranges,
            ]
        };
        Verdict::fail(detail, Failure::new(what).reproduce(reproduce).fix(fix))
    }
}

/// The part of a Service's spec that asks for families, as a merge patch.
fn asked_json(role: &ServiceRole) -> String {
    let families: Vec<String> =
        role.requested_families().iter().map(|family| format!("\"{family}\"")).collect();
    match role {
        ServiceRole::Default => "{}".to_owned(),
        _ if families.is_empty() => {
            format!("{{\"spec\":{{\"ipFamilyPolicy\":\"{}\"}}}}", policy(role))
        }
        _ => format!(
            "{{\"spec\":{{\"ipFamilyPolicy\":\"{}\",\"ipFamilies\":[{}]}}}}",
            policy(role),
            families.join(",")
        ),
    }
}
