//! `backend_hung`: connections to a backend are opened, and its server takes none of them.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed};
use crate::{
    check::{Kind, commands, words},
    fixture::BACKEND_PORT,
    net::IpFamily,
    snapshot::Backlog,
};

/// How many connections must wait: a server that is only slow may keep one.
const LEAST: u32 = 2;

#[derive(Debug)]
pub(super) struct BackendHung;

impl CauseRule for BackendHung {
    fn id(&self) -> &'static str {
        "backend_hung"
    }

    fn why(&self) -> &'static str {
        "The kernel accepts connections for a server whose processes hang, so clients wait instead of being \
         refused. A readiness probe that only opens a connection succeeds, and Services keep sending clients there."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let own = evidence.pod_path(node, node, family)?;
    let silent = |probed: &Probed<'_>| probed.dead() && probed.kind() == Some(Kind::TimedOut);
    let mut to = evidence
        .touching(node, family)
        .filter(|probed| probed.is_pod_path() && probed.backend() == Some(node));
    if !silent(own) || !to.all(silent) {
        return None;
    }
    let backend = evidence.world.fixture.backend_on(node)?;
    let pod = backend.pod.as_deref()?;
    let inside = evidence.world.facts.inside(pod)?;
    let backlog =
        inside.backlog(family, BACKEND_PORT).filter(|backlog| backlog.waiting() >= LEAST)?;
    let namespace = &evidence.world.fixture.namespace;
    let table = match family {
        IpFamily::V4 => "tcp",
        IpFamily::V6 => "tcp6",
    };
    let processes = commands::on_node(node, "ps -o pid,stat,args | grep '[n]ginx'");
    Some(Found {
        what: format!(
            "nginx in pod {pod} on node {node} hangs: it accepts connections over {family}, but answers none. \
             No filter is involved."
        ),
        confidence: Confidence::Proved,
        evidence: vec![waits(backlog, pod), format!("from a pod on {node} itself: {}", own.seen())],
        reproduce: vec![
            format!(
                "kubectl -n {namespace} exec {pod} -- cat /proc/net/{table}  # 1F90 is port 8080, rx_queue what \
                 waits; only after run --keep"
            ),
            processes.clone(),
        ],
        fix: vec![
            format!(
                "Look at what its processes on {node} wait for (`{processes}`): STAT T is stopped (a debugger, \
                 SIGSTOP, a frozen cgroup), D waits for a disk or a network file system."
            ),
            format!(
                "Check whether the pod gets any of the processor: limits and throttling (cpu.stat of its cgroup), \
                 and how busy {node} is."
            ),
            "Delete the pod, so that another is made. Rules and NetworkPolicies need no change."
                .to_owned(),
        ],
        probed: evidence
            .bad(|probed| probed.family == family && probed.may_meet(|backend| backend == node)),
        ..Found::default()
    })
}

fn waits(backlog: &Backlog, pod: &str) -> String {
    let of = |n: u32, what: &str| {
        (n > 0).then(|| format!("{} {what}", words::count(n as usize, "connection")))
    };
    let both = [
        of(backlog.unaccepted, "not accepted yet"),
        of(backlog.unread, "with a request that is not read"),
    ];
    format!(
        "at port {} of {pod} over {}: {} (/proc/net in the pod)",
        backlog.port,
        backlog.family,
        words::list(both.into_iter().flatten())
    )
}
