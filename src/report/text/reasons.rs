//! Why the rest is not known, what was passed over, and what else the operator should know.

use std::collections::BTreeMap;

use super::{
    layout::{BOLD, Prose, YELLOW, paint},
    view::View,
};
use crate::{check::Status, record::Record, report::reason::Reason};

/// The lists; nothing where there is nothing to say.
pub(super) fn render(view: &View<'_>, notices: &[String]) -> String {
    let record = view.record;
    lists(
        view,
        [
            (paint(YELLOW, "Inconclusive"), reasons(record, Status::Inconclusive)),
            (paint(BOLD, "Skipped: nothing to test"), reasons(record, Status::Skip)),
            (paint(YELLOW, "Checks not reached"), not_reached(record)),
            (paint(BOLD, "Nodes not tested"), passed_over(record)),
            (paint(YELLOW, "Baseline"), view.review.sentences()),
            (paint(BOLD, "Notices"), notices.to_vec()),
        ],
    )
}

/// Why a run is inconclusive, as briefly as that can be said.
pub(super) fn undetermined(view: &View<'_>) -> String {
    let shorten = |mut points: Vec<String>| {
        let more = points.len().saturating_sub(view.most());
        points.truncate(view.most());
        if more > 0 {
            points.push(format!("{more} more, without --quiet"));
        }
        points
    };
    lists(
        view,
        [
            (paint(YELLOW, "Inconclusive"), shorten(reasons(view.record, Status::Inconclusive))),
            (paint(YELLOW, "Checks not reached"), shorten(not_reached(view.record))),
        ],
    )
}

/// What is wrong with the baseline: an entry that expired may be why a run fails.
pub(super) fn baseline(view: &View<'_>) -> String {
    lists(view, [(paint(YELLOW, "Baseline"), view.review.sentences())])
}

/// Lists under their titles, without those that are empty.
fn lists<const N: usize>(view: &View<'_>, lists: [(String, Vec<String>); N]) -> String {
    let lists = lists.into_iter().filter(|(_, points)| !points.is_empty());
    let texts = lists.map(|(title, points)| {
        let mut prose = Prose::new(view.layout);
        prose.line(&title).points(points);
        prose.into_text()
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn reasons(record: &Record, status: Status) -> Vec<String> {
    Reason::all(record, status).iter().map(Reason::sentence).collect()
}

/// So many nodes that are left out for one reason have a line each; more are counted.
pub(super) const EACH: usize = 8;

fn passed_over(record: &Record) -> Vec<String> {
    let nodes = record.fixture.iter().flat_map(|fixture| &fixture.nodes);
    let left_out: Vec<(&str, &str)> = nodes
        .filter_map(|node| Some((node.name.as_str(), node.excluded.as_ref()?.reason.as_str())))
        .collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, reason) in &left_out {
        *counts.entry(reason).or_default() += 1;
    }
    let mut lines = Vec::new();
    for (name, reason) in left_out {
        match counts.get(reason).copied().unwrap_or_default() {
            0 => {}
            count if count > EACH => {
                lines.push(format!("{name} and {} more: {reason}", count - 1));
                counts.insert(reason, 0);
            }
            _ => lines.push(format!("{name}: {reason}")),
        }
    }
    lines
}

/// The checks without a single case, in a run that was broken off.
fn not_reached(record: &Record) -> Vec<String> {
    if record.broken_off.is_none() {
        return Vec::new();
    }
    let reached = |id: &str| record.judged.iter().any(|judged| judged.case.check == id);
    let checks = record.suite.checks().into_iter().map(|check| check.id());
    checks.filter(|id| !reached(id)).map(str::to_owned).collect()
}
