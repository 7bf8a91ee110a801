//! `service::sctp`

use super::{
    asked::{behind, has},
    endpoint_slices::defect,
};
use crate::{
    check::{
        About, Blocked, Check, Failure, Planned, Promise, Readings, Stage, Subject, Verdict, World,
        plan, words,
    },
    fixture::{Service, ServiceRole, Slice},
    net::IpFamily,
};

const ROLE: ServiceRole = ServiceRole::Sctp;

/// Services with an SCTP port are accepted in each family.
#[derive(Debug)]
pub(in crate::check) struct Sctp;

/// The Service in one of its families, and what proxies are told of it.
#[derive(Debug)]
pub(in crate::check) struct ServiceInFamily {
    family: IpFamily,
    service: Service,
    slices: Vec<Slice>,
}

impl Check for Sctp {
    type Subject = ServiceInFamily;

    const PROMISE: Promise = Promise {
        id: "service::sctp",
        summary: "a Service with an SCTP port has a ClusterIP of each family, and EndpointSlices that name all \
         its backends; no traffic is sent, because neither image has an SCTP client",
        why: "Signalling of mobile networks uses SCTP, often with an address of each family for one \
         association. The API server and the control plane must handle such a Service like one with TCP; \
         whether the nodes' kernels carry SCTP is not tested.",
        source: "Service field spec.ports[].protocol; \
         https://kubernetes.io/docs/reference/networking/service-protocols/; upstream's dual-stack test \
         \"should function for pod-Service: sctp\"",
        about: About::feature("ServiceSCTP")
            .titled("SCTP Services")
            .asserts(&["should function for pod-Service: sctp"]),
        stage: Stage::Served,
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<ServiceInFamily>> {
        plan::families(world.suite)
            .filter(|&family| has(world, &ROLE, family))
            .map(|family| {
                let subject = Subject::Service { name: ROLE.to_string() };
                Planned::probing(world, subject, family, || {
                    let missing = |reason: &str| Blocked { by: None, reason: reason.to_owned() };
                    let found = world.fixture.service(&ROLE);
                    let service = found.ok_or_else(|| missing("the Service was not created"))?;
                    let like = world.fixture.service(&ServiceRole::PreferDualStack);
                    let given = like.is_some_and(|like| like.cluster_ip(family).is_some());
                    // Where a Service over TCP has it and this one doesn't, SCTP is why.
                    if service.cluster_ip(family).is_some() || !given {
                        behind(world, &ROLE, family)?;
                    }
                    let unseen = "EndpointSlices could not be read: missing permission to list and watch them, \
                         or no answer";
                    let slices = service.slices.clone().ok_or_else(|| missing(unseen))?;
                    Ok((ServiceInFamily { family, service: service.clone(), slices }, Vec::new()))
                })
            })
            .collect()
    }

    fn judge(&self, world: World<'_>, told: &ServiceInFamily, _: &Readings<'_>) -> Verdict {
        let ServiceInFamily { family, service, slices } = told;
        let family = *family;
        let Some(ip) = service.cluster_ip(family) else {
            let what = format!(
                "The API server gave the Service {}, which asks for SCTP and PreferDualStack, no \
                 {family} ClusterIP.",
                service.name
            );
            return Verdict::fail(format!("no {family} ClusterIP"), failure(world, service, what));
        };
        let backends: Vec<_> = world.fixture.backends_of(service, family).collect();
        let slices: Vec<_> = slices.iter().filter(|slice| slice.family == Some(family)).collect();
        if let Some((detail, what)) = defect(family, &slices, &backends) {
            let what = format!("The Service {} with an SCTP port {what}.", service.name);
            return Verdict::fail(detail, failure(world, service, what));
        }
        let endpoints = words::count(backends.len(), "endpoint");
        Verdict::pass(format!("{ip}, {endpoints} (traffic not tested)"))
    }
}

fn failure(world: World<'_>, service: &Service, what: String) -> Failure {
    let (namespace, name) = (&world.fixture.namespace, &service.name);
    Failure::new(what)
        .reproduce([
            format!("kubectl -n {namespace} get service {name} -o yaml  # only after run --keep"),
            format!(
                "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name} -o wide  \
                 # only after run --keep"
            ),
        ])
        .fix([
            "Compare with the Services over TCP (service::cluster_ips, service::endpoint_slices): if \
             they fail alike, fix that first; if not, an admission policy or the endpointslice \
             controller handles SCTP differently."
                .to_owned(),
        ])
}
