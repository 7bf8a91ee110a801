//! `service_range_unrouted`: a node itself has no route for ClusterIPs, while its pods reach them.

use super::{
    CauseRule, Confidence, Evidence, Found,
    evidence::Probed,
    proof::{self, Proof},
};
use crate::{
    check::{Kind, Subject, commands},
    fixture::ServiceRole,
    net::IpFamily,
    probe::Vantage,
};

#[derive(Debug)]
pub(super) struct ServiceRangeUnrouted;

impl CauseRule for ServiceRangeUnrouted {
    fn id(&self) -> &'static str {
        "service_range_unrouted"
    }

    fn why(&self) -> &'static str {
        "The kernel looks for a route before the service proxy translates the address. The kubelet, \
         host-network pods and admission plugins on the node reach no Service in this family, and \
         pods reach nothing outside the cluster in it."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

/// Whether the node's own tables show no way to ClusterIPs.
fn has_no_way(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> bool {
    let service = evidence.world.fixture.service(&ServiceRole::NodePort);
    let ip = service.and_then(|service| service.cluster_ip(family));
    let snapshot = evidence.world.facts.snapshot(node);
    let lookup = snapshot.zip(ip).and_then(|(snapshot, ip)| snapshot.lookup(ip));
    lookup.is_some_and(|lookup| lookup.route.is_none())
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let by_host = |probed: &&Probed<'_>| {
        (probed.is_cluster_ip() || probed.is_api_server())
            && matches!(&probed.probe.vantage, Vantage::HostNetwork { node: from } if from == node)
    };
    let tried = || evidence.touching(node, family).filter(by_host);
    let unreachable = |probed: &Probed<'_>| probed.kind() == Some(Kind::Unreachable);
    let silent = |probed: &Probed<'_>| probed.dead() && probed.kind() == Some(Kind::TimedOut);
    let example = tried().find(|probed| unreachable(probed)).or_else(|| tried().next())?;
    if !tried().all(|probed| unreachable(probed) || silent(probed)) {
        return None;
    }
    let pods_reach = evidence.touching(node, family).any(|probed| {
        probed.is_cluster_ip()
            && probed.good()
            && matches!(&probed.probe.vantage, Vantage::Pod { node: from } if from == node)
    });
    let ip = example.probe.target.address()?.ip();
    let mut facts = vec![format!("{ip} from the host network of {node}: {}", example.seen())];
    if pods_reach {
        facts.push(format!("pods on {node} reach {family} ClusterIPs"));
    }
    let flag = commands::flag(family);
    let advertised = match family {
        IpFamily::V4 => "",
        IpFamily::V6 => {
            ", or by router advertisements, which a node that forwards accepts only with \
             net.ipv6.conf.<interface>.accept_ra=2"
        }
    };
    // What the proxy should refuse finds no route either.
    let refusals = evidence.red("service::no_endpoints", |judged| {
        judged.case.family == Some(family)
            && matches!(&judged.case.subject, Subject::Node { name } if name == node)
    });
    let shown = proof::default_route_missing(evidence.world.facts, node, family);
    // There is a way for everything, but not for this: something was set against it.
    // A prohibition, a black hole, or a route that rejects.
    let said = example.seen().to_lowercase();
    let rejects =
        ["permission denied", "invalid argument"].iter().any(|words| said.contains(words));
    let refused =
        matches!(shown, Proof::Denied(_)) && (rejects || has_no_way(evidence, node, family));
    // It leaves the node as it is: the router says that there is no way, or nobody does.
    let untranslated = matches!(shown, Proof::Denied(_)) && !refused && pods_reach;
    if !untranslated && !tried().all(unreachable) {
        return None;
    }
    let own_ports = |probed: &Probed<'_>| {
        untranslated && probed.by_host() && probed.is_node_port() && probed.from() == Some(node)
    };
    let tool = match family {
        IpFamily::V4 => "iptables",
        IpFamily::V6 => "ip6tables",
    };
    let found = Found {
        what: if untranslated {
            format!(
                "Packets that node {node} itself sends to {family} ClusterIPs are lost, while those of its pods \
                 arrive: the node's own connections bypass the Service rules, or are dropped before them."
            )
        } else if refused {
            format!(
                "A routing rule or a route of node {node} keeps the node itself from sending to {family} \
                 ClusterIPs."
            )
        } else {
            format!(
                "Node {node} has no {family} route for ClusterIPs: usually its {family} default route is \
             missing."
            )
        },
        confidence: if pods_reach { Confidence::Likely } else { Confidence::Possible },
        evidence: facts,
        reproduce: vec![
            commands::route(node, ip),
            commands::on_node(node, &format!("ip {flag} route show default")),
            commands::on_node(node, &format!("ip {flag} rule")),
        ],
        fix: if untranslated {
            vec![
                format!(
                    "Check that what the node itself sends is led to the rules of Services (kube-proxy in mode \
                     iptables: `{tool} -t nat -S OUTPUT` must name KUBE-SERVICES). A firewall that was reloaded \
                     may have taken that away; kube-proxy writes it again when its pod on {node} is restarted."
                ),
                format!(
                    "Look on {node} for rules that drop {family} in the chain OUTPUT before that."
                ),
            ]
        } else if refused {
            vec![format!(
                "Find what set a rule or a route that prohibits the Service range on {node} (`ip {flag} rule`, \
                 `ip {flag} route`): a VPN, a routing daemon, a script; take it away."
            )]
        } else {
            vec![
                format!(
                    "Give {node} an {family} default route by the network's configuration (netplan, \
                 NetworkManager, systemd-networkd){advertised}."
                ),
                format!(
                    "Where there is none on purpose, add a route for the Service range to any interface \
                 (`ip {flag} route add <Service range> dev <interface>`): only its existence matters."
                ),
            ]
        },
        probed: evidence
            .bad(|probed| probed.family == family && (by_host(&probed) || own_ports(probed))),
        cases: refusals,
    };
    Some(found.shown(shown))
}
