//! `service::manual_slices`

use super::{
    asked::{address, behind, has},
    cluster_ip_reachable::{at_all, shared},
};
use crate::{
    check::{
        About, Blocked, Check, Failure, Need, Planned, Promise, Reading, Readings, Subject,
        Symptom, Verdict, World, commands, outcome,
        plan::{self, Source},
        remedy, words,
    },
    fixture::ServiceRole,
    net::IpFamily,
    probe::{Aim, Probe, Target},
};

const ROLE: ServiceRole = ServiceRole::Manual;

/// Services without a selector lead where their EndpointSlices say.
#[derive(Debug)]
pub(in crate::check) struct ManualSlices;

/// A pod that connects to the Service without a selector, in one family.
#[derive(Debug)]
pub(in crate::check) struct Asker {
    node: String,
    family: IpFamily,
}

impl Check for ManualSlices {
    type Subject = Asker;

    const PROMISE: Promise = Promise {
        id: "service::manual_slices",
        summary: "from every node, a Service without a selector is answered at its ClusterIP by every backend \
         that EndpointSlices of our own name",
        why: "Services without a selector are used for databases outside the cluster, other clusters and \
         backends that operators manage themselves. Only their owner writes their EndpointSlices, one for each \
         family, and a proxy that uses only the endpoint controller's slices, or those of \
         one family, drops them silently.",
        source: "https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors; \
         EndpointSlice field addressType",
        about: About::feature("ServiceManualEndpoints").titled("Services without a selector"),
        needs: &[Need::Exec],
        ..Promise::DEFAULT
    };

    fn plan(&self, world: World<'_>) -> Vec<Planned<Asker>> {
        let mut cases = Vec::new();
        for family in plan::families(world.suite).filter(|&family| has(world, &ROLE, family)) {
            for source in plan::pods(world) {
                let node = source.pod.node.clone();
                let subject = Subject::path(&node, ROLE.to_string());
                let witness = shared(world, &source, family);
                let case = Planned::probing(world, subject, family, || {
                    let probe = probe(world, &source, family)?;
                    Ok((Asker { node, family }, vec![probe]))
                });
                cases.push(case.beside(&witness));
            }
        }
        cases
    }

    fn judge(&self, world: World<'_>, asker: &Asker, readings: &Readings<'_>) -> Verdict {
        let Some((reading, symptom)) = outcome::bad(&readings.own).next() else {
            let answered: usize = readings.own.iter().map(|reading| reading.answered.len()).sum();
            return outcome::unknown(&readings.own).unwrap_or_else(|| {
                Verdict::pass(format!("{} answered", words::count(answered, "backend")))
            });
        };
        if let Some(other) = readings.witnesses.iter().find_map(Reading::symptom) {
            let by = Some("service::cluster_ip_reachable");
            let reason = format!("nor does a selector's reach them all ({})", other.detail);
            return Blocked { by, reason }.verdict(world.suite);
        }
        Verdict::fail(symptom.detail.clone(), asker.failure(world, reading, symptom))
    }
}

fn probe(world: World<'_>, source: &Source<'_>, family: IpFamily) -> Result<Probe, Blocked> {
    source.address(family)?;
    if let Some(reason) = &world.fixture.manual_slices_missing {
        let reason = format!("our EndpointSlices could not be created: {reason}");
        return Err(Blocked { by: None, reason });
    }
    let (service, backends) = behind(world, &ROLE, family)?;
    let address = address(service, family)?;
    let attempts = at_all(world, service, backends.len());
    let target = Target::Http { address, payload: 0 };
    Ok(source.probe(Aim::ClusterIp { service: ROLE }, target, attempts))
}

impl Asker {
    fn failure(&self, world: World<'_>, reading: &Reading<'_>, symptom: &Symptom) -> Failure {
        let Self { node, family } = self;
        let namespace = &world.fixture.namespace;
        let address = reading.probe.target.address().map(|address| address.ip().to_string());
        Failure::new(format!(
            "A pod on node {node} does not reach the backends that our own EndpointSlices name for a \
             Service without a selector, at its {family} ClusterIP {}: {}. Through a Service with a \
             selector it reaches them all.",
            reading.probe.target, symptom.detail
        ))
        .reproduce(commands::repeat(world, [reading.probe]))
        .reproduce([format!(
            "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name=manual -o wide  # \
             only after run --keep"
        )])
        .reproduce(remedy::inspect_own(world, *family, node, &address.unwrap_or_default()))
        .fix([format!(
            "Check that the slices of addressType {family} are still there, and that nothing on the \
             cluster deletes or filters EndpointSlices that the endpointslice controller doesn't manage \
             (label endpointslice.kubernetes.io/managed-by)."
        )])
        .fix(remedy::service_proxy(world, *family, node))
    }
}
