//! `backend_filtered`: packets to one pod are dropped, or refused in its name, in a family, even from its
//! own node.

use super::{CauseRule, Confidence, Evidence, Found, backend_not_listening, evidence::Probed};
use crate::{
    check::{Kind, commands},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct BackendFiltered;

impl CauseRule for BackendFiltered {
    fn id(&self) -> &'static str {
        "backend_filtered"
    }

    fn why(&self) -> &'static str {
        "No client reaches the pod in this family, although its node forwards it for other pods. Policies are \
         often written for the addresses of one family, and block the other one completely."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let mut found = evidence.of_each_node(at_node);
        found.extend(evidence.of_each_node(refused));
        found.extend(evidence.of_each_node(refused_out));
        found
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let paths =
        || evidence.touching(node, family).filter(|probed| probed.is_pod_path() && !probed.large);
    let to = || paths().filter(|probed| probed.backend() == Some(node));
    let lost = |probed: &Probed<'_>| probed.dead() && probed.kind() != Some(Kind::Refused);
    let own = evidence.pod_path(node, node, family)?;
    // Where pods on the node reach nobody else either, it is the node and not the pod.
    let node_works = paths().any(|probed| {
        probed.from() == Some(node) && probed.backend() != Some(node) && probed.good()
    });
    if !lost(own) || !to().all(lost) || !node_works {
        return None;
    }
    let backend = evidence.world.fixture.backend_on(node)?;
    let pod = backend.pod.as_deref().unwrap_or("nginx");
    let namespace = &evidence.world.fixture.namespace;
    // Its own node asks for the address on the pod's link, and nobody answers.
    let nobody = own.kind() == Some(Kind::Unreachable);
    let mut fix = vec![
        format!(
            "Look for a NetworkPolicy (or one of the pod network's own kinds, also cluster-wide) \
             that selects the pod and allows {} ranges alone in its ipBlocks.",
            family.other()
        ),
        format!("Look for rules on {node} that drop {family} on their way to pods."),
    ];
    let interface = format!(
        "kubectl -n {namespace} exec {pod} -- ip {} addr  # only after run --keep",
        commands::flag(family)
    );
    let mut reproduce = vec![
        format!("kubectl -n {namespace} get networkpolicies  # only after run --keep"),
        commands::rules(node),
    ];
    if nobody {
        reproduce.insert(0, interface);
        fix.insert(
            0,
            format!(
                "Check that the pod's interface has the {family} address of its status and that IPv6 isn't \
                 disabled in it (net.ipv6.conf.eth0.disable_ipv6); recreate the pod."
            ),
        );
    }
    Some(Found {
        what: if nobody {
            format!(
                "The {family} address of pod {pod} on node {node} does not answer, not even to its own node: its \
                 interface lacks the address that its status shows, or its node has no route to \
                 it."
            )
        } else {
            format!(
                "{family} packets to pod {pod} on node {node} are dropped, from every node and from its \
                 own."
            )
        },
        confidence: if nobody { Confidence::Possible } else { Confidence::Likely },
        evidence: vec![
            format!("from a pod on {node} itself: {}", own.seen()),
            format!("pods on {node} reach pods on other nodes over {family}"),
        ],
        reproduce,
        fix,
        probed: evidence
            .bad(|probed| probed.family == family && probed.may_meet(|backend| backend == node)),
        ..Found::default()
    })
}

/// What a filter refuses in the name of pods: somebody gets past it, so nginx listens.
fn refused(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let mut tried = evidence
        .touching(node, family)
        .filter(|probed| probed.is_pod_path() && probed.backend() == Some(node))
        .peekable();
    tried.peek()?;
    if !tried.all(|probed| probed.dead() && probed.kind() == Some(Kind::Refused)) {
        return None;
    }
    let past = backend_not_listening::reached(evidence, node, family)?;
    let own = evidence.pod_path(node, node, family)?;
    Some(Found {
        what: format!(
            "A filter on node {node} rejects {family} connections to its pods, as if the pods refused them: nginx \
             there listens, and answers what bypasses the filter."
        ),
        evidence: vec![
            format!("pod on {node} to pod on {node}: {}, as from every other node", own.seen()),
            format!("{} at {}, which leads there: answered", past.probe.vantage, past.probe.target),
        ],
        reproduce: vec![commands::rules(node)],
        fix: vec![
            format!(
                "Look for a rule on {node} that rejects with a TCP reset (firewalld, ufw, an agent of the \
                 pod network), and let {family} to the pods through as for {}.",
                family.other()
            ),
            format!(
                "Look for a NetworkPolicy of the pod network's own kind that denies by refusing, and whose \
                 ranges are {} alone.",
                family.other()
            ),
        ],
        probed: evidence.bad(|probed| {
            let own = probed.backend() == Some(node);
            // The pods that probe are behind it as well.
            let itself = probed.kind() == Some(Kind::Refused) && probed.from() == Some(node);
            // Any backend may have been picked.
            let shared = probed.is_shared();
            probed.family == family && !probed.udp() && (own || itself || shared)
        }),
        ..Found::default()
    })
}

/// What a filter refuses that pods of a node open: others are answered by the same backends.
fn refused_out(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let out: Vec<&Probed<'_>> = evidence
        .touching(node, family)
        .filter(|probed| probed.is_pod_path() && !probed.large && probed.from() == Some(node))
        .filter(|probed| probed.backend() != Some(node))
        .collect();
    let first = *out.first()?;
    let refused = |probed: &Probed<'_>| probed.dead() && probed.kind() == Some(Kind::Refused);
    let listens = |probed: &&Probed<'_>| {
        let to = probed.backend();
        to.is_some_and(|to| backend_not_listening::reached(evidence, to, family).is_some())
    };
    if !out.iter().all(|probed| refused(probed)) || !out.iter().all(listens) {
        return None;
    }
    Some(Found {
        what: format!(
            "A filter or a redirect on node {node} rejects the {family} connections that its pods open, as if their \
             destinations had refused them."
        ),
        evidence: vec![first.told(), "the same backends answer other clients".to_owned()],
        reproduce: vec![commands::rules(node)],
        fix: vec![format!(
            "Look for a rule on {node} that rejects or redirects what pods send over {family} (a proxy of a \
             service mesh, firewalld, an agent of the pod network), and treat {} alike.",
            family.other()
        )],
        probed: evidence.bad(|probed| {
            let all = probed.from() == Some(node) && refused(probed);
            let shared = probed.from() == Some(node) && probed.backend().is_none();
            probed.family == family && (all || (shared && probed.is_cluster_ip()))
        }),
        ..Found::default()
    })
}
