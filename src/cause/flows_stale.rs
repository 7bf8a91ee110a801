//! `flows_stale`: datagrams of a flow stay with a backend that is gone.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Subject, commands, proxy_logs, words},
    fixture::Turn,
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct FlowsStale;

impl CauseRule for FlowsStale {
    fn id(&self) -> &'static str {
        "flows_stale"
    }

    fn why(&self) -> &'static str {
        "Clients that keep their port, such as resolvers, QUIC and syslog, stay cut off after a rollout for as \
         long as they keep sending: conntrack translates each datagram like the first one. The service proxy \
         must delete these entries, separately in each family."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let in_turn = |turn| {
        let all = evidence.probed.iter().filter(move |probed| probed.family == family);
        all.filter(move |probed| probed.probe.aim.turn() == Some(turn))
    };
    // What doesn't follow by connections either is no matter of flows.
    let follows =
        |node: &str| in_turn(Turn::Back).any(|probed| probed.from() == Some(node) && probed.good());
    let stale: Vec<&Probed<'_>> = in_turn(Turn::After)
        .filter(|probed| probed.bad() && probed.from().is_some_and(follows))
        .collect();
    let first = stale.first()?;
    let nodes: Vec<&str> = stale.iter().filter_map(|probed| probed.from()).collect();
    let &node = nodes.first()?;
    let cases = evidence.red("change::endpoints", |judged| {
        let there = matches!(&judged.case.subject,
            Subject::Path { from, .. } if nodes.contains(&from.as_str()));
        judged.case.family == Some(family) && there
    });
    let address = first.probe.target.address()?.ip();
    let (named, keep) = if nodes.len() > 1 { ("Nodes", "keep") } else { ("Node", "keeps") };
    Some(Found {
        what: format!(
            "{named} {} {keep} sending a flow of {family} datagrams to the backend that a Service had before, \
             while new connections follow the Service.",
            words::list(&nodes)
        ),
        evidence: stale
            .iter()
            .map(|probed| {
                format!(
                    "{} from one port at {}: {}",
                    probed.whence(),
                    probed.probe.target,
                    probed.seen()
                )
            })
            .collect(),
        reproduce: [commands::on_node_as_root(
            node,
            &format!("conntrack -L -f {} -p udp -d {address}", conntrack_family(family)),
        )]
        .into_iter()
        .chain(proxy_logs(evidence.world, node))
        .collect(),
        fix: vec![
            format!(
                "Check that the service proxy on {node} may delete conntrack entries and says nothing of failing \
                 to: kube-proxy needs the capability NET_ADMIN and the kernel's nf_conntrack_netlink."
            ),
            format!(
                "Check that no rules of others translate these {family} datagrams before the service proxy's do."
            ),
            "Until then, an entry is forgotten when its client is silent for as long as \
             net.netfilter.nf_conntrack_udp_timeout_stream says."
                .to_owned(),
        ],
        cases,
        ..Found::default()
    })
}

/// The name of a family as conntrack has it.
const fn conntrack_family(family: IpFamily) -> &'static str {
    match family {
        IpFamily::V4 => "ipv4",
        IpFamily::V6 => "ipv6",
    }
}
