//! `backend_not_listening`: packets reach a backend in a family, and it refuses them.

use super::{CauseRule, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, words},
    net::IpFamily,
    probe::Target,
};

#[derive(Debug)]
pub(super) struct BackendNotListening;

impl CauseRule for BackendNotListening {
    fn id(&self) -> &'static str {
        "backend_not_listening"
    }

    fn why(&self) -> &'static str {
        "The network delivers the family to the pod, so no network setting fixes it: the program in the pod \
         doesn't listen in this family."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.families().filter_map(|family| in_family(evidence, family)).collect()
    }
}

/// A probe that nginx on a node answered over TCP: then it listens, and whoever refuses is in between.
pub(super) fn reached<'e, 'a>(
    evidence: &'e Evidence<'a>,
    node: &'e str,
    family: IpFamily,
) -> Option<&'e Probed<'a>> {
    evidence.touching(node, family).find(|probed| {
        let asks = matches!(probed.probe.target, Target::Http { .. });
        asks && probed.backend() == Some(node) && probed.good()
    })
}

fn in_family(evidence: &Evidence<'_>, family: IpFamily) -> Option<Found> {
    let deaf: Vec<&str> = evidence
        .world
        .fixture
        .backends
        .iter()
        .map(|backend| backend.node.as_str())
        .filter(|node| {
            let mut tried = evidence
                .touching(node, family)
                .filter(|probed| probed.is_pod_path() && probed.backend() == Some(node))
                .peekable();
            tried.peek().is_some()
                && tried.all(|probed| probed.dead() && probed.kind() == Some(Kind::Refused))
                && reached(evidence, node, family).is_none()
        })
        .collect();
    let first = *deaf.first()?;
    let names = words::list(&deaf);
    let backend = evidence.world.fixture.backend_on(first)?;
    let ip = backend.address(family)?;
    let pod = backend.pod.as_deref().unwrap_or("nginx");
    let namespace = &evidence.world.fixture.namespace;
    let table = match family {
        IpFamily::V4 => "tcp",
        IpFamily::V6 => "tcp6",
    };
    Some(Found {
        what: format!(
            "nginx on {names} does not listen on {family}, though the pod has an address."
        ),
        evidence: vec![format!(
            "{ip} on {first} refuses connections over {family} from every node, its own included"
        )],
        reproduce: vec![
            format!(
                "kubectl -n {namespace} exec {pod} -- cat /proc/net/{table}  # 1F90 is port 8080; only after run --keep"
            ),
            format!("kubectl -n {namespace} logs {pod}  # only after run --keep"),
        ],
        fix: vec![
            format!(
                "Look in the pod whether {family} was there when nginx started: `kubectl -n {namespace} exec {pod} \
                 -- sh -c 'cat /proc/net/if_inet6; grep -H . /proc/sys/net/ipv6/conf/*/disable_ipv6'` (only after \
                 run --keep). A CNI plugin (`tuning`) or an init container may have disabled it."
            ),
            "If you replaced the image or the manifests, check that nginx listens on [::]:8080 too."
                .to_owned(),
            "Look for a policy that rejects the connection instead of dropping it.".to_owned(),
        ],
        probed: evidence
            .bad(|probed| probed.family == family && probed.may_meet(|node| deaf.contains(&node))),
        ..Found::default()
    })
}
