//! `service_range_unrouted`: a node itself has no route for ClusterIPs, while its pods reach them.

use super::{
    CauseRule, Confidence, Evidence, Found,
    evidence::Probed,
    proof::{self, Shown},
};
use crate::{
    check::{Kind, Subject, commands},
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

    fn find(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(find)
    }
}

fn find(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let by_host = |probed: &&Probed<'_>| {
        (probed.is_cluster_ip() || probed.is_api_server())
            && matches!(&probed.probe.vantage, Vantage::HostNetwork { node: from } if from == node)
    };
    let tried = || evidence.touching(node, family).filter(by_host);
    let unreachable = |probed: &Probed<'_>| probed.kind() == Some(Kind::Unreachable);
    let example = tried().next()?;
    if !tried().all(unreachable) {
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
    let refused = matches!(shown, Shown::Denied(_))
        && example.seen().to_lowercase().contains("permission denied");
    let found = Found {
        what: if refused {
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
        fix: if refused {
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
        probed: evidence.bad(|probed| probed.family == family && by_host(&probed)),
        cases: refusals,
    };
    Some(found.shown(shown))
}
