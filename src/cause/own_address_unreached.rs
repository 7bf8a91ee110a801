//! `own_address_unreached`: a node does not reach its own address, and everybody else does.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed, proof};
use crate::{
    check::{Kind, commands},
    net::IpFamily,
    probe::Aim,
};

#[derive(Debug)]
pub(super) struct OwnAddressUnreached;

impl CauseRule for OwnAddressUnreached {
    fn id(&self) -> &'static str {
        "own_address_unreached"
    }

    fn why(&self) -> &'static str {
        "Traffic from a node to its own addresses uses the loopback interface. Agents that talk to \
         others on their own node, and Services whose backend is there, are cut off in this family. Firewall \
         rules that accept everything on `lo` are often written for IPv4 only."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let itself = |probed: &Probed<'_>| probed.by_host() && probed.from() == Some(node);
    let is_direct = |probed: &Probed<'_>| matches!(&probed.probe.aim, Aim::HostBackend { node: at } if at == node);
    let own = |family| {
        evidence.touching(node, family).filter(|probed| itself(probed) && is_direct(probed))
    };
    let lost = own(family).find(|probed| probed.dead())?;
    if !matches!(lost.kind(), Some(Kind::TimedOut | Kind::Unreachable | Kind::Refused)) {
        return None;
    }
    let others =
        evidence.of(family).find(|probed| is_direct(probed) && !itself(probed) && probed.good())?;
    let other_family = own(family.other()).find(|probed| probed.good());
    let disabled = proof::loopback_disabled(evidence.world.facts, node, family);
    let address = lost.probe.target.address()?.ip();
    let tool = match family {
        IpFamily::V4 => "iptables",
        IpFamily::V6 => "ip6tables",
    };
    let why = match &disabled {
        Some(_) => "IPv6 is disabled on its loopback interface".to_owned(),
        None => "a filter on its loopback interface".to_owned(),
    };
    let fix = match &disabled {
        Some(_) => format!(
            "Enable it: `{}`; and in /etc/sysctl.d, where it was disabled.",
            commands::on_node_as_root(node, "sysctl -w net.ipv6.conf.lo.disable_ipv6=0")
        ),
        None => format!(
            "Let everything on the interface `lo` through over {family}, as over {}, in the chains INPUT and \
             OUTPUT of the firewall of {node} (firewalld, ufw, nftables).",
            family.other()
        ),
    };
    let seen = [Some(lost), Some(others), other_family].into_iter().flatten().map(Probed::told);
    Some(Found {
        what: format!(
            "Node {node} does not reach its own {family} address {address}, and others do: {why}."
        ),
        confidence: if disabled.is_some() { Confidence::Proved } else { Confidence::Likely },
        evidence: disabled.into_iter().chain(seen).collect(),
        reproduce: vec![
            commands::on_node_as_root(node, &format!("{tool} -S INPUT")),
            commands::on_node(node, &format!("ip {} addr show dev lo", commands::flag(family))),
        ],
        fix: vec![fix],
        probed: evidence.bad(|probed| {
            let there = [probed.host_backend(), probed.at()].contains(&Some(node));
            probed.family == family && itself(probed) && there
        }),
        ..Found::default()
    })
}
