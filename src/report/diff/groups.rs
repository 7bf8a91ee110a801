//! A comparison in few words: like cases together, in sections that text and Markdown share.

use crate::{
    check::{Status, Subject},
    compare::{Change, Comparison, RemovalReason, RemovedCase, TimeChange},
    exit::Exit,
    net::IpFamily,
    report::grouped::grouped,
};

/// How many subjects of one kind are named.
const MOST: usize = 6;

/// A title and what stands under it.
pub(super) struct Section {
    pub(super) title: String,
    pub(super) points: Vec<String>,
}

/// Everything that changed, the most important first; sections without points are left out.
pub(super) fn sections(found: &Comparison) -> Vec<Section> {
    let Comparison { causes, .. } = found;
    let cause = |cause: &crate::compare::CauseChange| {
        let cases = counted(cause.explains, "case");
        format!("{} ({}, explains {cases})", cause.what, cause.id)
    };
    let section = |title: String, points: Vec<String>| Section { title, points };
    let of = |title: &str, count: usize, points| section(format!("{title} ({count})"), points);
    let facts = found.facts.iter();
    let only_cause = causes.came.len() + causes.stayed.len() == 1;
    let news = |change: &Change| Some(news(change, only_cause));
    let nothing = |_: &Change| None;
    let sections = [
        of("New causes", causes.came.len(), causes.came.iter().map(cause).collect()),
        of("Resolved causes", causes.went.len(), causes.went.iter().map(cause).collect()),
        of("New failures", found.regressions.len(), changed(&found.regressions, news)),
        of("Fixed", found.fixed.len(), changed(&found.fixed, nothing)),
        of("Became inconclusive", found.inconclusive.len(), changed(&found.inconclusive, news)),
        of("Tested before, skipped now", found.skipped.len(), changed(&found.skipped, news)),
        of("No longer there", found.gone.len(), gone(&found.gone)),
        of("Still failing", found.still_failing.len(), changed(&found.still_failing, nothing)),
        of(
            "Still inconclusive",
            found.still_inconclusive.len(),
            changed(&found.still_inconclusive, nothing),
        ),
        of("Slower", found.slower.len(), timed(&found.slower)),
        of("Faster", found.faster.len(), timed(&found.faster)),
        of(
            "Facts that changed",
            found.facts.len(),
            facts.map(|fact| format!("{}: {} -> {}", fact.what, fact.before, fact.now)).collect(),
        ),
    ];
    sections.into_iter().filter(|section| !section.points.is_empty()).collect()
}

/// How it ended, in one word, and the numbers.
pub(super) fn verdict(found: &Comparison) -> (&'static str, String) {
    let word = match found.exit() {
        Exit::Failed => "REGRESSED",
        Exit::Inconclusive => "INCONCLUSIVE",
        _ => "NO REGRESSION",
    };
    let lost = found.inconclusive.len() + found.skipped.len();
    let numbers = [
        (found.regressions.len(), "new failures", "new failure"),
        (found.fixed.len(), "fixed", "fixed"),
        (lost, "no longer determined", "no longer determined"),
        (found.gone.len(), "no longer there", "no longer there"),
        (found.still_failing.len(), "still failing", "still failing"),
        (found.still_inconclusive.len(), "still inconclusive", "still inconclusive"),
        (found.appeared, "new and not failing", "new and not failing"),
        (found.unchanged, "unchanged", "unchanged"),
    ];
    let parts: Vec<String> = numbers
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, many, one)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
    (word, parts.join(", "))
}

fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// A check and family, and the subjects, the first few by name.
fn title(check: &str, family: Option<IpFamily>, subjects: &[&Subject]) -> String {
    let family = family.map_or_else(String::new, |family| format!(" {family}"));
    let shown = if subjects.len() > MOST { MOST - 1 } else { subjects.len() };
    let mut named: Vec<String> = subjects.iter().take(shown).map(ToString::to_string).collect();
    if shown < subjects.len() {
        named.push(format!("and {} more", subjects.len() - shown));
    }
    let count = match subjects.len() {
        1 => String::new(),
        count => format!(" ({count})"),
    };
    format!("{check}{family}{count}: {}", named.join(", "))
}

/// What is news of a changed case: the cause that explains it, the check that blocks it, or what was
/// seen.
fn news(change: &Change, only_cause: bool) -> String {
    let was = match change.before {
        None => ", was not there",
        Some(Status::Inconclusive) => ", was inconclusive",
        Some(Status::Skip) => ", was skipped",
        Some(Status::Fail) => ", failed before",
        Some(Status::Pass) => "",
    };
    let seen = match &change.cause {
        // It stands above.
        Some(_) if only_cause => "explained by the cause",
        Some(cause) => cause.trim_end_matches('.'),
        None => blocker(&change.detail).unwrap_or(&change.detail),
    };
    format!("{seen}{was}")
}

/// `blocked by CHECK`, of a detail that goes on with what that check saw from here or there.
fn blocker(detail: &str) -> Option<&str> {
    detail.starts_with("blocked by ").then(|| detail.split_once(": ").map(|(by, _)| by))?
}

/// Changed cases: those of a check and family of which the same is news.
fn changed(changes: &[Change], news: impl Fn(&Change) -> Option<String>) -> Vec<String> {
    let key = |change: &&Change| (change.check.clone(), change.family, news(change));
    let groups = grouped(changes, key);
    let told = groups.into_iter().map(|((check, family, news), members)| {
        let subjects: Vec<&Subject> = members.iter().map(|change| &change.subject).collect();
        let title = title(&check, family, &subjects);
        match news {
            Some(news) => format!("{title}: {news}"),
            None => title,
        }
    });
    told.collect()
}

fn gone(gone: &[RemovedCase]) -> Vec<String> {
    let key = |gone: &&RemovedCase| {
        (gone.because.clone(), gone.check.clone(), gone.before == Status::Fail)
    };
    let mut groups = grouped(gone, key);
    groups.sort_by(|((a, ..), _), ((b, ..), _)| a.cmp(b));
    let told = groups.into_iter().map(|((because, check, failed), members)| {
        let was = if failed { " that failed before" } else { "" };
        let cases = counted(members.len(), "case");
        let why = match because {
            RemovalReason::CheckNotRun => "the check was not run".to_owned(),
            RemovalReason::NodeNotTested { node } => format!("node {node} was not tested"),
            RemovalReason::NodeLeft { node } => format!("node {node} was removed from the cluster"),
            RemovalReason::PodLeft => "the pod no longer exists".to_owned(),
            RemovalReason::Unknown => "the record has no reason".to_owned(),
        };
        format!("{check}, {cases}{was}: {why}")
    });
    told.collect()
}

fn timed(changes: &[TimeChange]) -> Vec<String> {
    let groups = grouped(changes, |change| (change.check.clone(), change.family));
    let told = groups.into_iter().map(|((check, family), members)| {
        let subjects: Vec<&Subject> = members.iter().map(|change| &change.subject).collect();
        let span = |ms: &dyn Fn(&TimeChange) -> u32| {
            let least = members.iter().map(|change| ms(change)).min().unwrap_or_default();
            let most = members.iter().map(|change| ms(change)).max().unwrap_or_default();
            if least == most { format!("{most} ms") } else { format!("{least} to {most} ms") }
        };
        let (before, now) = (span(&|change| change.before_ms), span(&|change| change.now_ms));
        format!("{}: {before} before, {now} now", title(&check, family, &subjects))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_says_how_much_is_missing() {
        let nodes: Vec<Subject> =
            (1..=9).map(|i| Subject::Node { name: format!("n{i}") }).collect();
        let nodes: Vec<&Subject> = nodes.iter().collect();
        assert_eq!(title("a::b", None, &nodes), "a::b (9): n1, n2, n3, n4, n5, and 4 more");
        assert_eq!(title("a::b", Some(IpFamily::V6), &nodes[..1]), "a::b IPv6: n1");
    }
}
