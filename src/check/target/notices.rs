//! What is left out of a Service with very many ports or endpoints.

use super::{endpoints, known};
use crate::{
    check::{World, plan},
    facts::Target,
};

/// Sentences that say how much of each Service is not tried.
pub(in crate::check) fn notices(world: World<'_>) -> Vec<String> {
    world.facts.targets.iter().flat_map(|target| of(world, target)).collect()
}

fn of(world: World<'_>, target: &Target) -> Vec<String> {
    let Target { name, .. } = target;
    let mut notices = Vec::new();
    let mut told = |most: usize, all: usize, what: &str| {
        if all > most {
            notices.push(format!("target {name}: {most} of {all} {what} are tested"));
        }
    };
    let ports = target.service.known().map_or(0, |service| service.ports.len());
    told(known::MOST_PORTS, ports, "ports of the Service");
    for family in plan::families(world.suite) {
        let ready = target.ready(family).count();
        told(known::MOST_ENDPOINTS, ready, &format!("{family} endpoints"));
        let ports = endpoints::by_port(target, family).len();
        told(known::MOST_PORTS, ports, &format!("ports of its {family} endpoints"));
    }
    notices
}
