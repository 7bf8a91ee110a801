//! `node_port_input_filtered`: a node's firewall drops what comes in for NodePorts and is for the node
//! itself: health checks, and connections that must be refused.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, commands},
    net::IpFamily,
    probe::Target,
};

#[derive(Debug)]
pub(super) struct NodePortInputFiltered;

impl CauseRule for NodePortInputFiltered {
    fn id(&self) -> &'static str {
        "node_port_input_filtered"
    }

    fn why(&self) -> &'static str {
        "NodePorts are translated and forwarded, so a node's firewall may allow them and still drop traffic to \
         the node itself: load balancers' health checks, without which the node gets no traffic, and \
         connections to Services without endpoints, which then hang instead of being refused."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let at_node = |probed: &Probed<'_>| probed.family == family && probed.at() == Some(node);
    let for_node = |probed: &Probed<'_>| {
        let own = matches!(probed.probe.target, Target::Health { .. } | Target::Closed { .. });
        own && at_node(probed)
    };
    let silent = |probed: &Probed<'_>| for_node(probed) && probed.kind() == Some(Kind::TimedOut);
    let lost: Vec<&Probed<'_>> = evidence.probed.iter().filter(|it| silent(it)).collect();
    let first = lost.first()?;
    let mut own = evidence.probed.iter().filter(|it| for_node(it));
    if !own.all(silent) {
        return None;
    }
    // Where no NodePort answers either, more is wrong.
    let open = evidence.probed.iter().find(|probed| {
        at_node(probed) && matches!(probed.probe.target, Target::Http { .. }) && probed.good()
    })?;
    let say = |probed: &Probed<'_>| probed.told();
    let address = first.probe.target.address()?;
    let tool = match family {
        IpFamily::V4 => "iptables",
        IpFamily::V6 => "ip6tables",
    };
    Some(Found {
        what: format!(
            "Node {node} drops {family} connections to the NodePort range that are for the node itself."
        ),
        evidence: lost.iter().map(|probed| say(probed)).chain([say(open)]).collect(),
        reproduce: vec![
            commands::on_node_as_root(node, &format!("{tool} -S INPUT")),
            commands::rules(node),
        ],
        fix: vec![
            format!(
                "Admit to the NodePort range (30000-32767 by default) of {node} itself over {family} the same clients \
                 and nodes as over {other}: in the INPUT chain of its firewall (firewalld, ufw, nftables), whose IPv4 \
                 and IPv6 rules are often kept apart.",
                other = family.other()
            ),
            format!("Check that no security group or network ACL drops {address} on the way."),
        ],
        probed: evidence.bad(silent),
        ..Found::default()
    })
}
