//! `lossy_path`: ways between nodes lose packets without being down.

use super::{CauseRule, Confidence, Evidence, Found, evidence::Probed};
use crate::{
    check::{LossyPlace, PlaceLoss, Status, Subject, commands, losing, words},
    net::IpFamily,
    probe::{Aim, Attempt, Outcome, ProbeId},
};

/// How many ways are shown.
const SHOWN: usize = 4;

#[derive(Debug)]
pub(super) struct LossyPath;

impl CauseRule for LossyPath {
    fn id(&self) -> &'static str {
        "lossy_path"
    }

    fn why(&self) -> &'static str {
        "Everything works, but slowly and not always: a lost SYN costs one, three or seven seconds, and health \
         checks flap. Other failures there may be random."
    }

    fn findings(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let of = |family| {
            let places =
                losing(evidence.world, &evidence.busy, evidence.probes, family).into_iter();
            places.filter_map(move |lossy| at_place(evidence, family, &lossy))
        };
        evidence.families().flat_map(of).collect()
    }
}

fn at_place(evidence: &Evidence<'_>, family: IpFamily, lossy: &PlaceLoss<'_>) -> Option<Found> {
    let place = &lossy.place;
    let here = |probed: &Probed<'_>| passes(evidence, probed, family, place);
    let probed = evidence.bad(|probed| {
        // Where much is lost, all attempts of a probe may be.
        here(probed) && (lossy.red || by_chance(probed))
    });
    let doubted: Vec<ProbeId> = evidence
        .probed
        .iter()
        .filter(|probed| here(probed) && lost_one(probed))
        // What a busy machine explains by itself is no sign of a loss.
        .filter(|probed| lossy.red || !evidence.busy.touches(evidence.world, probed.probe))
        .map(Probed::id)
        .collect();
    let cases = (0..evidence.judged.len()).filter(|&case| {
        let judged = &evidence.judged[case];
        let counted = judged.case.check == "pod::loss"
            && judged.case.family == Some(family)
            && judged.verdict.detail().starts_with("lossy")
            && is_there(&judged.case.subject, place);
        let doubted = judged.verdict.status() == Status::Inconclusive
            && judged.case.probes.iter().any(|id| doubted.contains(id));
        counted || doubted
    });
    let (what, node, to) = match *place {
        LossyPlace::Node(node) => {
            let what = format!(
                "{family} traffic between node {node} and other nodes loses packets, but is not down."
            );
            let other = evidence.nodes().into_iter().find(|other| *other != node)?;
            (what, node, other)
        }
        LossyPlace::Pair(a, b) => {
            let what = format!(
                "The path between node {a} and node {b} loses {family} packets, but is not down."
            );
            (what, a, b)
        }
        LossyPlace::Everywhere => {
            let what = format!(
                "{family} traffic between nodes loses packets everywhere, but is not down."
            );
            let nodes = evidence.nodes();
            (what, *nodes.first()?, *nodes.get(1)?)
        }
    };
    let ip = evidence.world.fixture.backend_on(to)?.address(family)?;
    let train = lossy.train;
    let mut seen = vec![format!(
        "{} of {} lost there ({} %)",
        train.lost(),
        words::count(train.sent as usize, "datagram"),
        (train.lost() * 100 / train.sent.max(1)).max(1)
    )];
    let each = evidence.judged.iter().filter(|judged| {
        let case = &judged.case;
        case.check == "pod::loss"
            && case.family == Some(family)
            && judged.verdict.detail().contains(" datagrams lost")
            && is_there(&case.subject, place)
    });
    seen.extend(
        each.take(SHOWN)
            .map(|judged| format!("{}: {}", judged.case.subject, judged.verdict.detail())),
    );
    Some(Found {
        what,
        confidence: Confidence::Likely,
        evidence: seen,
        reproduce: vec![commands::route(node, ip), commands::on_node(node, "cat /proc/net/dev")],
        fix: fix(place),
        probed,
        cases: cases.collect(),
    })
}

fn fix(place: &LossyPlace<'_>) -> Vec<String> {
    let first = match place {
        LossyPlace::Node(node) => format!(
            "Compare drop and error counters of the interfaces on {node}, the tunnel's too, and of what it is \
             connected to: its other end sees the same of nobody else."
        ),
        LossyPlace::Pair(a, b) => format!(
            "Compare drop and error counters of the interfaces on {a} and {b}, the tunnel's too."
        ),
        LossyPlace::Everywhere => {
            "Look at what all nodes share: the switch or network between them, and the tunnel's settings.".to_owned()
        }
    };
    vec![
        first,
        "Look for rate limits, full queues and random drops on the way (tc, nftables, security \
         appliances), and for one bad link among several that share the traffic."
            .to_owned(),
    ]
}

/// Whether a path is at a place.
fn is_there(subject: &Subject, place: &LossyPlace<'_>) -> bool {
    let Subject::Path { from, to } = subject else { return false };
    match place {
        LossyPlace::Node(node) => from == node || to == node,
        LossyPlace::Pair(a, b) => (from == a && to == b) || (from == b && to == a),
        LossyPlace::Everywhere => true,
    }
}

/// Whether a probe's packets pass a place, always or now and then.
fn passes(
    evidence: &Evidence<'_>,
    probed: &Probed<'_>,
    family: IpFamily,
    place: &LossyPlace<'_>,
) -> bool {
    let by_dns =
        matches!(probed.probe.aim, Aim::Records { .. } | Aim::Pointer { .. } | Aim::DnsService);
    let speaks = if by_dns && !probed.is_dns_server() {
        evidence.dns_speaks(family)
    } else {
        probed.family == family
    };
    // What is shared by all backends picks one there now and then.
    let shared = probed.backend().is_none() && probed.service().is_some();
    let nodes = || [probed.from(), probed.at(), probed.backend()];
    let at_dns = |node: &str| match &probed.probe.aim {
        Aim::DnsPod { node: on, .. } => on.as_deref() == Some(node),
        _ => by_dns && evidence.dns_nodes().any(|on| on == node),
    };
    speaks
        && match *place {
            LossyPlace::Everywhere => true,
            LossyPlace::Node(node) => nodes().contains(&Some(node)) || shared || at_dns(node),
            LossyPlace::Pair(a, b) => {
                let picks = || shared && (probed.at() == Some(a) || probed.at() == Some(b));
                evidence.crosses(probed, a, b, false) || picks()
            }
        }
}

/// Whether it failed in a way in which a lost packet shows.
fn by_chance(probed: &Probed<'_>) -> bool {
    probed.symptom().is_some_and(|symptom| symptom.intermittent) || probed.dns_unheard()
}

/// Whether it got answers and once none, which leaves a doubt.
fn lost_one(probed: &Probed<'_>) -> bool {
    let silent = |attempt: &Attempt| matches!(attempt.outcome, Outcome::TimedOut);
    let answered = |attempt: &Attempt| attempt.outcome.succeeded();
    !probed.good()
        && probed.reading.attempts.iter().any(silent)
        && probed.reading.attempts.iter().any(answered)
}
