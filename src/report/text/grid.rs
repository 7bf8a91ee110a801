//! The paths of a check that has red ones, as one small table of marks for each family: from where
//! down, to where across. It shows at a glance whether it is a node, a pair or a Service.

use std::collections::{BTreeMap, HashMap};

use anstyle::Style;

use super::{
    layout::{DIM, Prose, paint, style_of},
    view::View,
};
use crate::{
    cause::Judged,
    check::{Status, Subject},
    net::IpFamily,
    report::axis::Axis,
};

/// A column's name stands above it if all names are at most this long; otherwise they are numbered.
const SHORT: usize = 4;

/// Which mark means what.
pub(super) const LEGEND: &str =
    "From each row to each column: ✓ passed, ✗ failed, ? inconclusive, – skipped.";

/// The grids of these cases of one check: of each family in which a path failed, where it has several
/// sources and several targets. They are `titled` with the check where nothing above says which it is.
pub(super) fn render(view: &View<'_>, cases: &[&Judged], titled: bool) -> String {
    let mut text = String::new();
    for family in [Some(IpFamily::V4), Some(IpFamily::V6), None] {
        let of = |judged: &&&Judged| judged.case.family == family;
        let paths: Vec<&Judged> = cases.iter().filter(of).copied().collect();
        if paths.iter().any(|judged| judged.verdict.status() == Status::Fail) {
            text.push_str(&grid(view, family, &paths, titled).unwrap_or_default());
        }
    }
    text
}

fn grid(
    view: &View<'_>,
    family: Option<IpFamily>,
    cases: &[&Judged],
    titled: bool,
) -> Option<String> {
    let paths: Vec<(&str, &str, Status)> = cases
        .iter()
        .filter_map(|judged| match &judged.case.subject {
            Subject::Path { from, to } => {
                Some((from.as_str(), to.as_str(), judged.verdict.status()))
            }
            _ => None,
        })
        .collect();
    let places = view.record.facts.nodes.known().into_iter().flatten().zip(0..);
    let places: HashMap<&str, usize> =
        places.map(|(node, place)| (node.name.as_str(), place)).collect();
    let node = |end: &str| places.get(end).copied();
    let bad = |status: Status| matches!(status, Status::Fail | Status::Inconclusive);
    let rows = Axis::new(paths.iter().map(|&(from, _, status)| (from, bad(status))), node);
    let columns = Axis::new(paths.iter().map(|&(_, to, status)| (to, bad(status))), node);
    if rows.names.len() < 2 || columns.names.len() < 2 {
        return None;
    }
    let mut worst: BTreeMap<(usize, usize), Status> = BTreeMap::new();
    for (from, to, status) in paths {
        let cell = worst.entry((rows.place(from)?, columns.place(to)?)).or_insert(status);
        if badness(status) > badness(*cell) {
            *cell = status;
        }
    }
    let corner = family.map_or_else(|| "from \\ to".to_owned(), |family| format!("{family} to"));
    let names = rows.names.iter().chain([&corner]);
    let label = names.map(|name| textwrap::core::display_width(name)).max()?;
    let short = columns.names.iter().all(|name| textwrap::core::display_width(name) <= SHORT);
    let numbers: Vec<String> = (1..=columns.names.len()).map(|number| number.to_string()).collect();
    let heads = if short { &columns.names } else { &numbers };
    let width = heads.iter().map(|name| textwrap::core::display_width(name)).max()?.max(1) + 1;
    if label + width * heads.len() > view.layout.width {
        return None;
    }
    let mut prose = Prose::new(view.layout);
    let line = |name: &str, cells: Vec<(String, Style)>| {
        let gap = " ".repeat(label - textwrap::core::display_width(name));
        let cells = cells.into_iter().map(|(cell, style)| {
            let gap = " ".repeat(width.saturating_sub(textwrap::core::display_width(&cell)));
            format!("{gap}{}", paint(style, &cell))
        });
        format!("{name}{gap}{}", cells.collect::<String>())
    };
    prose.line("");
    if titled && let Some(first) = cases.first() {
        prose.line(&first.case.check);
    }
    prose.line(&line(&corner, heads.iter().map(|head| (head.clone(), DIM)).collect()));
    for (row, name) in rows.names.iter().enumerate() {
        let marks = (0..columns.names.len()).map(|column| match worst.get(&(row, column)) {
            Some(&status) => (mark(status).to_owned(), style_of(status)),
            None => (String::new(), Style::new()),
        });
        prose.line(line(name, marks.collect()).trim_end());
    }
    if !short {
        let names: Vec<String> = numbers
            .iter()
            .zip(&columns.names)
            .map(|(number, name)| format!("{number} {name}"))
            .collect();
        prose.paragraph(&paint(DIM, &names.join(", ")));
    }
    Some(prose.into_text())
}

const fn badness(status: Status) -> u8 {
    match status {
        Status::Skip => 0,
        Status::Pass => 1,
        Status::Inconclusive => 2,
        Status::Fail => 3,
    }
}

const fn mark(status: Status) -> &'static str {
    match status {
        Status::Pass => "✓",
        Status::Fail => "✗",
        Status::Skip => "–",
        Status::Inconclusive => "?",
    }
}
