//! Default gateways that nobody answers for. A cluster may have no way out in a family, and need none: that
//! breaks no promise.

use std::{collections::BTreeMap, net::IpAddr};

use crate::{
    check::{Reading, State, World, words},
    net::IpFamily,
    probe::{Aim, ProbeTable},
};

/// How many nodes are named.
const NAMED: usize = 5;

/// Sentences for the operator: which nodes' default routes lead to nobody.
pub(super) fn notices(world: World<'_>, probes: &ProbeTable) -> Vec<String> {
    let mut silent: BTreeMap<(IpFamily, IpAddr), Vec<&str>> = BTreeMap::new();
    for gateway in world.facts.gateways.iter().filter(|gateway| gateway.is_silent()) {
        let nodes = silent.entry((gateway.family, gateway.address)).or_default();
        if !nodes.contains(&gateway.node.as_str()) {
            nodes.push(&gateway.node);
        }
    }
    let each = silent.into_iter();
    each.map(|((family, address), nodes)| {
        let passed_by = probes.iter().any(|(_, probe, observation)| {
            probe.aim == Aim::Outside
                && probe.family() == family
                && probe.vantage.node().is_some_and(|node| nodes.contains(&node))
                && Reading::of(world, probe, observation).state == State::Good
        });
        let but = if passed_by { " (this run's own connections don't pass it)" } else { "" };
        let more = nodes.len().saturating_sub(NAMED);
        let more = (more > 0).then(|| format!("{more} more"));
        let named = nodes.iter().take(NAMED).map(ToString::to_string);
        format!(
            "no answer to {} for {address}, the {family} default gateway of {}: {family} traffic from there to other \
             networks is lost{but}; check that the router has the address, or remove the route if no egress is \
             intended",
            discovery(family),
            words::list(named.chain(more))
        )
    })
    .collect()
}

/// How a neighbour is asked for.
const fn discovery(family: IpFamily) -> &'static str {
    match family {
        IpFamily::V4 => "ARP",
        IpFamily::V6 => "neighbour discovery",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check::egress_notices, lab::Lab, net::IpFamily::V6, snapshot::Gateway};

    fn told(state: &str) -> Vec<String> {
        let lab = Lab::dual().changed(|lab| {
            let gateway =
                |node: &str| Gateway::read(node, &format!("6\tfd00:31::1\teth0\t{state}"));
            lab.facts.gateways = ["n1", "n3"].into_iter().filter_map(gateway).collect();
        });
        let run = lab.run();
        assert!(run.record.judged.iter().all(|it| it.verdict.failure().is_none()));
        egress_notices(lab.world(), &run.record.probes)
    }

    #[test]
    fn a_default_gateway_that_nobody_answers_for_is_told_with_its_nodes_and_reddens_nothing() {
        let told = told("FAILED");
        let [notice] = told.as_slice() else { panic!("{told:?}") };
        let start = format!("no answer to {} for fd00:31::1, the IPv6", discovery(V6));
        assert!(notice.starts_with(&start), "{notice}");
        assert!(
            notice.contains("default gateway of n1 and n3: ") && notice.contains("own connections")
        );
    }

    #[test]
    fn nothing_is_told_of_a_gateway_that_answers_or_is_still_asked() {
        for state in ["REACHABLE", "STALE", "PROBE"] {
            assert_eq!(told(state), Vec::<String>::new(), "{state}");
        }
    }
}
