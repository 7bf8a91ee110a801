//! What is broken, in full sentences: first the causes, then the failures that no cause explains.

use std::collections::BTreeSet;

use super::{
    layout::{Detail, Prose, RED, YELLOW, paint},
    subjects,
    view::View,
};
use crate::{
    baseline::Entry,
    cause::{Cause, Judged, telling_facts},
    check::{Failure, Subject, by_id},
    report::grouped::grouped,
};

/// The blocks; nothing where nothing failed.
pub(super) fn render(view: &View<'_>) -> String {
    let causes =
        (1..).zip(&view.record.causes).map(|(number, cause)| explain_cause(view, number, cause));
    let groups = unexplained(view);
    let unknown = without_cause(view, &groups);
    // Each check says once why it matters, however many groups its failures are in.
    let mut told = BTreeSet::new();
    let groups = groups.iter().map(|group| explain_group(view, group, told.insert(group.check)));
    causes.chain(unknown).chain(groups).collect::<Vec<_>>().join("\n")
}

/// What is to be said of failures by probes that no cause explains. What the API server says needs no
/// other explanation than its own.
fn without_cause(view: &View<'_>, groups: &[Group<'_>]) -> Option<String> {
    let members = groups.iter().flat_map(|group| &group.members).map(|(judged, _)| *judged);
    let probed: Vec<&Judged> = members.filter(|judged| !judged.case.probes.is_empty()).collect();
    let facts = telling_facts(&view.record.judged, &probed);
    if facts.is_empty() {
        return None;
    }
    let cases = match probed.len() {
        1 => "1 failed case has".to_owned(),
        count => format!("{count} failed cases have"),
    };
    let mut prose = Prose::new(view.layout);
    prose
        .paragraph(&format!("{} {cases} no known cause.", paint(RED, "Unexplained:")))
        .labelled("Facts", &facts)
        .labelled(
            "Next",
            &["Keep the record (`dualstack run --json run.json`) and share it with whoever investigates: it holds \
                 everything that was observed, and `dualstack judge run.json` shows it without the cluster."],
        );
    Some(prose.into_text())
}

fn explain_cause(view: &View<'_>, number: usize, cause: &Cause) -> String {
    let mut prose = Prose::new(view.layout);
    let sure = cause.confidence.aside();
    prose
        .paragraph(&format!("{} {}", paint(RED, &format!("Cause {number}{sure}:")), cause.what))
        .labelled("Why", &[&cause.why])
        .labelled("Evidence", &cause.evidence)
        .commands("Reproduce", &cause.reproduce)
        .labelled("Fix", &cause.fix)
        .labelled("Explains", &explained(view, number))
        .labelled("Known", &known(view, number));
    if view.layout.detail == Detail::Full {
        let failures = view.explained_by(number).iter().filter_map(|judged| with_failure(judged));
        let what: Vec<String> = failures.map(|(_, failure)| failure.what.clone()).collect();
        prose.labelled("In full", &what);
    }
    prose.into_text()
}

/// The cases that a cause explains, check by check.
fn explained(view: &View<'_>, number: usize) -> Vec<String> {
    let cases = view.explained_by(number).iter().copied();
    let groups = grouped(cases, |judged| (judged.case.check.as_str(), judged.case.family));
    let told = groups.into_iter().map(|(_, cases)| {
        let title = cases.first().map(|first| title(first)).unwrap_or_default();
        let subjects: Vec<&Subject> = cases.iter().map(|judged| &judged.case.subject).collect();
        match subjects.len() {
            1 => format!("{title}: {}", subjects::listed(&subjects, view.most())),
            count => format!("{title} ({count}): {}", subjects::listed(&subjects, view.most())),
        }
    });
    told.collect()
}

/// What the baseline says of the cases that a cause explains, each reason once.
fn known(view: &View<'_>, number: usize) -> Vec<String> {
    let cases = view.explained_by(number).iter();
    let told = cases.filter_map(|judged| view.review.entry(judged).map(Entry::told));
    grouped(told, String::clone).into_iter().map(|(told, _)| told).collect()
}

/// Failures of one check and family that want the same done about them.
struct Group<'a> {
    check: &'a str,
    title: String,
    /// The entry of the baseline that knows them.
    known: Option<&'a Entry>,
    members: Vec<(&'a Judged, &'a Failure)>,
}

/// The failures that no cause explains, in groups; each by itself where every detail was asked for.
fn unexplained<'a>(view: &View<'a>) -> Vec<Group<'a>> {
    let failures = view.record.judged.iter().filter_map(with_failure);
    let failures = failures.filter(|(judged, _)| view.cause_of(judged).is_none()).enumerate();
    let apart = view.layout.detail == Detail::Full;
    let key = |(place, (judged, failure)): &(usize, (&'a Judged, &'a Failure))| {
        let known = view.review.entry(judged);
        let (check, family) = (judged.case.check.as_str(), judged.case.family);
        (check, family, known, failure.fix.as_slice(), apart.then_some(*place))
    };
    let group = |members: Vec<(usize, (&'a Judged, &'a Failure))>| {
        let members: Vec<_> = members.into_iter().map(|(_, member)| member).collect();
        let (first, _) = members.first()?;
        let (check, title) = (first.case.check.as_str(), title(first));
        Some(Group { check, title, known: view.review.entry(first), members })
    };
    grouped(failures, key).into_iter().filter_map(|(_, members)| group(members)).collect()
}

fn explain_group(view: &View<'_>, group: &Group<'_>, first_of_check: bool) -> String {
    let mut prose = Prose::new(view.layout);
    let Some((first, failure)) = group.members.first() else { return String::new() };
    let label = match group.known {
        Some(_) => paint(YELLOW, "Known failure:"),
        None => paint(RED, "Failure:"),
    };
    let why = by_id(group.check).filter(|_| first_of_check).map(|check| check.promise().why);
    let why: Vec<&str> = why.into_iter().collect();
    let count = group.members.len();
    if count == 1 {
        prose
            .paragraph(&format!("{label} {}", failure.what))
            .labelled("Why", &why)
            .labelled("Case", &[first.case.name()])
            .labelled("Observed", &[first.verdict.detail()]);
    } else {
        prose
            .paragraph(&format!("{label} {count} cases of {} failed.", group.title))
            .labelled("Why", &why);
        let shown = if count > view.most() { view.most() - 1 } else { count };
        let members = group.members.iter().take(shown);
        let mut what: Vec<String> = members.map(|(_, failure)| failure.what.clone()).collect();
        if shown < count {
            what.push(format!("And {} more, see the table below.", count - shown));
        }
        prose.labelled("What", &what);
    }
    prose
        .commands("Reproduce", &failure.reproduce)
        .labelled("Fix", &failure.fix)
        .labelled("Known", &group.known.map(Entry::told).into_iter().collect::<Vec<_>>());
    prose.into_text()
}

fn with_failure(judged: &Judged) -> Option<(&Judged, &Failure)> {
    judged.verdict.failure().map(|failure| (judged, failure))
}

/// A check and family: `node_port::from_outside IPv6`.
fn title(judged: &Judged) -> String {
    let check = &judged.case.check;
    judged.case.family.map_or_else(|| check.clone(), |family| format!("{check} {family}"))
}
