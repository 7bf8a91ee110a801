//! `service::endpoint_slices`

use std::net::IpAddr;

use super::asked::{behind, has};
use crate::{
    check::{
        About, Blocked, Check, Failure, Planned, Promise, Readings, Stage, Subject, Verdict, World,
        plan, upstream, words,
    },
    fixture::{Service, ServiceRole, Slice, Workload},
    net::IpFamily,
};

/// EndpointSlices name the backends of a Service in each of its families.
#[derive(Debug)]
pub(in crate::check) struct EndpointSlices;

/// A Service in one of its families, and what proxies are told of it.
#[derive(Debug)]
pub(in crate::check) struct ServiceInFamily {
    family: IpFamily,
    service: Service,
    slices: Vec<Slice>,
}

impl Check for EndpointSlices {
    type Subject = ServiceInFamily;

    const PROMISE: Promise = Promise {
        id: "service::endpoint_slices",
        summary: "every Service has EndpointSlices of each of its families, which name all its backends and \
         nothing else",
        why: "ClusterIPs alone don't make a Service work: proxies and ingress controllers learn its backends \
              from EndpointSlices, one for each family. Connections in a family without one are rejected on \
              every node, even if the pods are reachable in it.",
        source: "EndpointSlice fields addressType and endpoints; \
         https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#address-types; \
         KEP-563 IPv4/IPv6 dual-stack",
        about: About::core().titled("EndpointSlices").asserts(upstream::SERVICES),
        stage: Stage::Served,
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<ServiceInFamily>> {
        let serves = |backend: &&Workload| world.fixture.mesh.serves(&backend.node);
        let backends = world.fixture.backends.iter().filter(serves);
        let roles: Vec<_> = ServiceRole::SHARED
            .into_iter()
            .chain(backends.map(|backend| ServiceRole::Backend(backend.node.clone())))
            .collect();
        plan::families(world.suite)
            .flat_map(|family| roles.iter().map(move |role| (role, family)))
            .filter(|(role, family)| has(world, role, *family))
            .map(|(role, family)| {
                let subject = Subject::Service { name: role.to_string() };
                Planned::probing(world, subject, family, || {
                    let (service, _) = behind(world, role, family)?;
                    let slices = service.slices.clone().ok_or_else(|| Blocked {
                        by: None,
                        reason: "EndpointSlices could not be read: missing permission to list and watch them, \
                             or no answer"
                            .to_owned(),
                    })?;
                    Ok((ServiceInFamily { family, service: service.clone(), slices }, Vec::new()))
                })
            })
            .collect()
    }

    fn judge(&self, world: World<'_>, told: &ServiceInFamily, _: &Readings<'_>) -> Verdict {
        let ServiceInFamily { family, ref service, ref slices } = *told;
        let backends = world.fixture.backends_of(service, family);
        let of_family: Vec<_> =
            slices.iter().filter(|slice| slice.family == Some(family)).collect();
        match defect(family, &of_family, &backends.collect::<Vec<_>>()) {
            None => Verdict::pass(words::list(serving(family, &of_family))),
            Some((detail, what)) => {
                let what = format!("The Service {} {what}.", service.name);
                Verdict::fail(detail, failure(world, service, family, what))
            }
        }
    }
}

/// The addresses that slices serve, each once, in order.
fn serving(family: IpFamily, slices: &[&Slice]) -> Vec<IpAddr> {
    let mut serving: Vec<_> = slices.iter().flat_map(|slice| slice.serves(family)).collect();
    serving.sort();
    serving.dedup();
    serving
}

/// What is wrong with the slices of a family, as detail and end of a sentence.
pub(super) fn defect(
    family: IpFamily,
    slices: &[&Slice],
    backends: &[&Workload],
) -> Option<(String, String)> {
    if slices.is_empty() {
        return Some((
            format!("no slice of {family}"),
            format!("has no EndpointSlice of addressType {family}"),
        ));
    }
    let serving = serving(family, slices);
    let missing: Vec<_> = backends
        .iter()
        .filter_map(|backend| Some((&backend.node, backend.address(family)?)))
        .filter(|(_, address)| !serving.contains(address))
        .collect();
    if !missing.is_empty() {
        let nodes = words::list(missing.iter().map(|(node, _)| node));
        let addresses = words::list(missing.iter().map(|(_, address)| address));
        return Some((
            format!("lacks nginx on {nodes}"),
            format!(
                "has EndpointSlices of addressType {family} that do not serve {addresses} (nginx on \
                 {nodes}), though its pod is ready"
            ),
        ));
    }
    let strange: Vec<_> = serving
        .iter()
        .filter(|&&address| {
            !backends.iter().any(|backend| backend.address(family) == Some(address))
        })
        .collect();
    (!strange.is_empty()).then(|| {
        let strange = words::list(strange);
        (
            format!("serves {strange}, which is not a backend"),
            format!("has an EndpointSlice that lists {strange}, which is not one of its backends"),
        )
    })
}

fn failure(world: World<'_>, service: &Service, family: IpFamily, what: String) -> Failure {
    let namespace = &world.fixture.namespace;
    Failure::new(what)
        .reproduce([
            format!(
                "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={} -o wide  \
                 # only after run --keep",
                service.name
            ),
            "kubectl get endpointslices -A".to_owned(),
            "kubectl -n kube-system logs -l component=kube-controller-manager --tail=100 | grep -i \
             endpointslice"
                .to_owned(),
        ])
        .fix([
            format!(
                "Check that kube-controller-manager runs, and runs its endpointslice controller \
                 (--controllers with `*` and without `-endpointslice-controller`): it writes the \
                 {family} slices from status.podIPs of the pods."
            ),
            "Check that nothing else writes the slices of Services with a selector: a policy engine or \
             an admission webhook may refuse them (`kubectl get events -A | grep -i endpointslice`)."
                .to_owned(),
        ])
}
