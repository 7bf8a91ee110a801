//! `pod_way_missing`: pods on a node have an address and no route beyond it.

use super::{CauseRule, Confidence, Evidence, Found, isolation};
use crate::{
    check::{Kind, commands, remedy},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct PodWayMissing;

impl CauseRule for PodWayMissing {
    fn id(&self) -> &'static str {
        "pod_way_missing"
    }

    fn why(&self) -> &'static str {
        "The address exists, so Services send traffic to the pod, but its replies don't leave it. The CNI \
         plugin that gives pods their addresses also sets their routes, and may do so for one family only."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let fixture = evidence.world.fixture;
    let probe = fixture.probe_on(node)?;
    let pod = probe.pod.as_deref()?;
    let inside = evidence.world.facts.inside(pod).filter(|inside| inside.is_complete())?;
    let address = probe.address(family)?;
    inside.address(address)?;
    // Its own kernel says so, of every pod elsewhere.
    let elsewhere = fixture.backends.iter().filter(|backend| backend.node != node);
    let mut lookups =
        elsewhere.filter_map(|backend| inside.lookup(backend.address(family)?)).peekable();
    let said = lookups.peek()?.said.clone();
    let to = lookups.peek()?.address;
    if lookups.any(|lookup| lookup.route.is_some()) {
        return None;
    }
    let path = evidence
        .touching(node, family)
        .find(|probed| {
            probed.is_pod_path() && probed.from() == Some(node) && probed.backend() != Some(node)
        })
        .filter(|probed| probed.kind() == Some(Kind::Unreachable))?;
    let flag = commands::flag(family);
    Some(Found {
        what: format!(
            "Pods on node {node} have an {family} address but no {family} route: they reach nothing outside the \
             pod, and can't reply."
        ),
        confidence: Confidence::Proved,
        evidence: vec![
            format!("the route from pod {pod}, which has {address}, to {to}: {said}"),
            path.told(),
        ],
        reproduce: vec![
            format!(
                "kubectl -n {} exec {pod} -- ip {flag} route  # only after run --keep",
                fixture.namespace
            ),
            commands::on_node_as_root(node, "sh -c 'cat /etc/cni/net.d/* /var/lib/rancher/k3s/agent/etc/cni/net.d/* \
            2>/dev/null'"),
        ],
        fix: [
            format!(
                "Check that the pod network's configuration on {node} gives pods an {family} default route \
                 (for host-local: \"routes\" with {{\"dst\": \"{}\"}} in /etc/cni/net.d), as on other nodes, and \
                 recreate the pods there.",
                match family {
                    IpFamily::V4 => "0.0.0.0/0",
                    IpFamily::V6 => "::/0",
                }
            ),
        ]
        .into_iter()
        .chain(remedy::pod_network_of_cni(evidence.world, family))
        .collect(),
        probed: isolation::explained(evidence, node, family),
        ..Found::default()
    })
}
