//! `own_backends_lost`: by Services, the pods of a node get no answer from backends on the same node.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, commands},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct OwnBackendsLost;

impl CauseRule for OwnBackendsLost {
    fn id(&self) -> &'static str {
        "own_backends_lost"
    }

    fn why(&self) -> &'static str {
        "kube-proxy translates what a pod sends to a Service, and must see the reply to translate it back. Pods \
         on one bridge reply to each other directly, unless the kernel passes bridged packets to its packet \
         filter (br_netfilter): the client then gets a reply from an address that it didn't connect to. Each \
         family has its own setting for that, and backends on other nodes hide it, because Services pick one at \
         random."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let silent = |probed: &Probed<'_>| probed.dead() && probed.kind() == Some(Kind::TimedOut);
    let by_service = || {
        evidence.touching(node, family).filter(|probed| {
            probed.is_cluster_ip() && !probed.by_host() && probed.from() == Some(node)
        })
    };
    let own = || by_service().filter(|probed| probed.backend() == Some(node));
    let first = own().next()?;
    let elsewhere = by_service()
        .find(|probed| probed.backend().is_some_and(|backend| backend != node) && probed.good())?;
    let direct = evidence.pod_path(node, node, family).filter(|probed| probed.good())?;
    if !own().all(silent) {
        return None;
    }
    let tool = match family {
        IpFamily::V4 => "iptables",
        IpFamily::V6 => "ip6tables",
    };
    let setting = format!("net.bridge.bridge-nf-call-{tool}");
    let mut seen = vec![
        format!(
            "pod on {node}, for a backend on {node}, at {}: {}",
            first.probe.target,
            first.seen()
        ),
        format!("the same at the backend's own address: {}", direct.seen()),
        format!(
            "pod on {node}, for a backend elsewhere, at {}: {}",
            elsewhere.probe.target,
            elsewhere.seen()
        ),
    ];
    let snapshot = evidence.world.facts.snapshot(node);
    if snapshot.and_then(|it| it.setting(&setting)) == Some("0") {
        seen.insert(0, format!("{setting} is 0 on {node}"));
    }
    Some(Found {
        what: format!(
            "Pods on node {node} get no answer through {family} Services from backends on {node} itself, which \
             they reach directly: translated packets are lost there."
        ),
        evidence: seen,
        reproduce: vec![
            commands::on_node(node, &format!("sysctl {setting}")),
            commands::rules(node),
        ],
        fix: vec![
            format!(
                "If the pods are on a bridge, load the module br_netfilter on {node}, set {setting}=1, and keep \
                 both: the module in /etc/modules-load.d, the setting in /etc/sysctl.d."
            ),
            format!(
                "If not, look for a rule on {node} that drops {family} between its own pods once kube-proxy has \
                 translated it."
            ),
        ],
        probed: evidence.bad(|probed| {
            let here = probed.family == family && probed.from() == Some(node) && !probed.by_host();
            let enters_here = probed.at().is_none_or(|at| at == node);
            let to_own = probed.backend().is_none_or(|backend| backend == node);
            here && enters_here
                && to_own
                && probed.service().is_some()
                && probed.host_backend().is_none()
        }),
        ..Found::default()
    })
}
