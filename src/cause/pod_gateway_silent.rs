//! `pod_gateway_silent`: pods on a node don't find the gateway that their default route names.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed, isolation};
use crate::{check::commands, net::IpFamily};

#[derive(Debug)]
pub(super) struct PodGatewaySilent;

impl CauseRule for PodGatewaySilent {
    fn id(&self) -> &'static str {
        "pod_gateway_silent"
    }

    fn why(&self) -> &'static str {
        "A pod sends everything to its gateway, which is its own node, and must first learn the gateway's link \
         address: by ARP, or by neighbour discovery, which is ICMPv6. A firewall on the node that filters its \
         own traffic and blocks ICMPv6 cuts off its pods in that family."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let pod = evidence.world.fixture.probe_on(node)?.pod.as_deref()?;
    let inside = evidence.world.facts.inside(pod)?;
    let neighbours = inside.default_routes(family).filter_map(|route| inside.neighbour(route.via?));
    let mut silent = neighbours.filter(|it| matches!(it.state.as_str(), "FAILED" | "INCOMPLETE"));
    let gateway = silent.next()?;
    let mut paths = evidence
        .touching(node, family)
        .filter(|probed| probed.is_pod_path() && !probed.large && probed.from() == Some(node))
        .peekable();
    let first = *paths.peek()?;
    if !paths.all(Probed::dead) {
        return None;
    }
    let (by, types) = match family {
        IpFamily::V4 => ("ARP", "ARP"),
        IpFamily::V6 => ("neighbour discovery", "ICMPv6 neighbour discovery (types 135 and 136)"),
    };
    let (address, state) = (gateway.address, &gateway.state);
    Some(Found {
        what: format!(
            "Pods on node {node} get no answer to {by} from their {family} gateway, which is {node} itself: they reach \
             nothing over {family}."
        ),
        confidence: Confidence::Proved,
        evidence: vec![
            format!("pod {pod} gets no answer to {by} from its gateway {address} ({state})"),
            first.told(),
        ],
        reproduce: vec![
            commands::rules(node),
            commands::on_node(node, &format!("ip {} addr", commands::flag(family))),
        ],
        fix: vec![
            format!(
                "Let {types} between {node} and its pods through, in the chains INPUT and OUTPUT of the firewall of \
                 {node}, and whatever else the node and its pods say to each other (the kubelet's probes)."
            ),
            format!(
                "If nothing drops it, check that the pods' links on {node} still have {address}."
            ),
        ],
        probed: isolation::explained(evidence, node, family),
        ..Found::default()
    })
}
