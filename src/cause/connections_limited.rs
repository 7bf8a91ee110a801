//! `connections_limited`: a node lets some of the new connections in a family through, and drops others.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed, isolation, proof};
use crate::{
    check::{Kind, commands, words},
    net::IpFamily,
    probe::{Attempt, Outcome, Target},
};

/// How many paths must have come and gone for it not to be chance.
const ENOUGH: usize = 3;

/// After how many milliseconds TCP has sent its SYN a second time.
const REPEATED: u32 = 1_000;

/// By how much more of them there must be at the node than elsewhere, where few are late by chance.
const MORE: usize = 5;

#[derive(Debug)]
pub(super) struct ConnectionsLimited;

impl CauseRule for ConnectionsLimited {
    fn id(&self) -> &'static str {
        "connections_limited"
    }

    fn why(&self) -> &'static str {
        "Open connections continue, but new ones wait for SYN retransmissions or fail, and more of them the more are \
         opened. A full table of connections (`nf_conntrack: table full`) does that, and so \
         does a rule that limits how many connections a second may begin."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        evidence.of_each_node(at_node)
    }
}

/// Whether it was answered at one moment and not at another, though TCP repeated its SYN meanwhile.
fn comes_and_goes(probed: &Probed<'_>) -> bool {
    let attempts = probed.reading.attempts;
    // Once it has answered, no attempt is cut short.
    if probed.symptom().is_some_and(|it| it.intermittent && it.kind == Kind::TimedOut) {
        return true;
    }
    let silent = |it: &Attempt| it.outcome == Outcome::TimedOut && it.millis >= REPEATED;
    let answered = |it: &Attempt| matches!(it.outcome, Outcome::Answered(_));
    let Some(first) = attempts.iter().position(answered) else { return false };
    // A Service that was silent before its first answer may be one that a proxy was late to learn of.
    let (before, after) = attempts.split_at(first);
    after.iter().any(silent) || (probed.is_pod_path() && before.iter().any(silent))
}

fn is_tcp(probed: &Probed<'_>) -> bool {
    matches!(probed.probe.target, Target::Http { payload: 0, .. })
}

fn at_node(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> Option<Found> {
    let touches =
        |probed: &Probed<'_>| [probed.from(), probed.at(), probed.backend()].contains(&Some(node));
    // Of several backends one may be dead, which is another matter.
    let single = |probed: &Probed<'_>| is_tcp(probed) && probed.backend().is_some();
    let here = || evidence.touching(node, family).filter(|probed| single(probed));
    let mut fickle: Vec<&Probed<'_>> = here().filter(|probed| comes_and_goes(probed)).collect();
    fickle.sort_by_key(|probed| !probed.bad());
    // What is only so of the backend there is not the node's doing.
    let both_ways = fickle.iter().any(|probed| probed.backend() == Some(node))
        && fickle.iter().any(|probed| probed.backend() != Some(node));
    // Elsewhere all is well, where it is known that nothing went by this node.
    let elsewhere = || evidence.of(family).filter(|probed| single(probed) && !touches(probed));
    let by_chance = elsewhere().filter(|probed| comes_and_goes(probed)).count();
    if fickle.len() < ENOUGH.max(by_chance * MORE)
        || !both_ways
        || !here().any(Probed::bad)
        || elsewhere().any(Probed::bad)
        || loses(evidence, node, family)
    {
        return None;
    }
    let open = here().count();
    let shown = proof::connections_full(evidence.world.facts, node);
    let mut seen: Vec<String> = fickle.iter().take(2).map(|probed| probed.told()).collect();
    seen.push(format!(
        "{} of {} from, to and at {node} answered at one moment and were silent at another, {} elsewhere",
        fickle.len(),
        words::count(open, "path"),
        if by_chance == 0 { "none".to_owned() } else { by_chance.to_string() }
    ));
    let found = Found {
        what: format!(
            "Node {node} drops some new {family} connections, different ones each time: a limit is reached."
        ),
        confidence: Confidence::Likely,
        evidence: seen,
        reproduce: vec![
            commands::on_node(
                node,
                "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max",
            ),
            commands::rules(node),
            commands::on_node(node, "cat /proc/net/dev"),
        ],
        fix: vec![
            format!(
                "If nf_conntrack_count is near nf_conntrack_max, raise it on {node} by kube-proxy's \
                 conntrack.maxPerCore and conntrack.min, which it applies when it starts and which override what \
                 is set by hand. Then look for who opens so many connections (`conntrack -S`)."
            ),
            format!(
                "If not, look on {node} for a rule that limits new connections (`limit rate`, hashlimit, \
                 connlimit, synproxy) and that knows {family}, and take it away or raise it."
            ),
        ],
        probed: isolation::explained(evidence, node, family),
        ..Found::default()
    };
    Some(found.shown(shown))
}

/// Whether the datagrams of open flows are lost around a node as well: then it is the path that loses.
fn loses(evidence: &Evidence<'_>, node: &str, family: IpFamily) -> bool {
    evidence.touching(node, family).any(|probed| {
        probed.reading.attempts.iter().any(|attempt| match &attempt.outcome {
            Outcome::Counted { trains } => {
                trains.iter().any(|train| train.answered * 10 < train.sent * 9)
            }
            _ => false,
        })
    })
}
