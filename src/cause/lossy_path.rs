//! `lossy_path`: the path between two nodes loses packets without being down.

use std::collections::{BTreeSet, HashMap};

use super::{CauseRule, Evidence, Found};
use crate::{
    check::{Subject, commands},
    net::IpFamily,
};

#[derive(Debug)]
pub(super) struct LossyPath;

impl CauseRule for LossyPath {
    fn id(&self) -> &'static str {
        "lossy_path"
    }

    fn why(&self) -> &'static str {
        "Everything works, slowly and not always: a lost SYN costs one, three or seven seconds, and \
         health checks flap. Whatever else is red between the two nodes may be red by chance."
    }

    fn find(&self, evidence: &Evidence<'_>) -> Vec<Found> {
        let order: HashMap<&str, usize> = evidence.nodes().into_iter().zip(0..).collect();
        let mut found = Vec::new();
        for family in evidence.families() {
            let lossy = evidence.red("pod::loss", |judged| {
                judged.case.family == Some(family) && judged.verdict.detail().starts_with("lossy")
            });
            let pairs =
                lossy.iter().filter_map(|&case| match &evidence.judged[case].case.subject {
                    Subject::Path { from, to } => {
                        let (from, to) = (from.as_str(), to.as_str());
                        let places = (*order.get(from)?, *order.get(to)?);
                        Some(if places.0 < places.1 {
                            (places, from, to)
                        } else {
                            ((places.1, places.0), to, from)
                        })
                    }
                    _ => None,
                });
            let pairs: BTreeSet<_> = pairs.filter(|(_, from, to)| from != to).collect();
            found.extend(pairs.into_iter().filter_map(|(_, a, b)| find(evidence, family, a, b)));
        }
        found
    }
}

fn find(evidence: &Evidence<'_>, family: IpFamily, a: &str, b: &str) -> Option<Found> {
    let ends = |subject: &Subject| match subject {
        Subject::Path { from, to } => (from == a && to == b) || (from == b && to == a),
        _ => false,
    };
    let cases = evidence.red("pod::loss", |judged| {
        judged.case.family == Some(family)
            && judged.verdict.detail().starts_with("lossy")
            && ends(&judged.case.subject)
    });
    let facts: Vec<String> = cases
        .iter()
        .map(|&case| &evidence.judged[case])
        .map(|judged| format!("{}: {}", judged.case.subject, judged.verdict.detail()))
        .collect();
    if facts.is_empty() {
        return None;
    }
    let ip = evidence.world.fixture.backend_on(b)?.address(family)?;
    Some(Found {
        what: format!("The path between node {a} and node {b} loses {family} packets, without being down."),
        evidence: facts,
        reproduce: vec![commands::route(a, ip), commands::on_node(a, "ip -s link")],
        fix: vec![
            format!("Compare drop and error counters of the interfaces on {a} and {b}, the tunnel's too."),
            "Look for rate limits, full queues and random drops on the way (tc, nftables, security \
             appliances), and for one bad link among several that share the traffic."
                .to_owned(),
        ],
        probed: evidence.bad(|probed| {
            // A NodePort that is shared by all backends picks one now and then across this path.
            let picks = || {
                let at = probed.at();
                probed.backend().is_none() && (at == Some(a) || at == Some(b))
            };
            probed.family == family && (evidence.crosses(probed, a, b, false) || picks())
        }),
        cases,
        ..Found::default()
    })
}
