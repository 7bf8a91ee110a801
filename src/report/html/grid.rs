//! The heat map of one check: source × target where its cases are paths, and otherwise what they are
//! about; IPv4 beside IPv6.

use std::collections::{BTreeMap, HashMap};

use maud::{Markup, html};

use super::{
    cells::Cell,
    data::Data,
    words::{anchor, title},
};
use crate::{
    cause::Judged,
    check::{self, Status, Subject},
    net::IpFamily,
    report::{
        axis::Axis,
        digest::{Checked, Digest, counted, family_name},
        safe,
    },
};

/// How many subjects have a row each; of more, only those that didn't pass.
const MOST: usize = 48;

/// From so many cases on a check's section is laid out only when it comes into view.
const LARGE: usize = 1000;

/// Whether some of a check's cases are paths.
pub(super) fn has_paths(checked: &Checked<'_>) -> bool {
    checked.cases.iter().any(|judged| matches!(judged.case.subject, Subject::Path { .. }))
}

/// The section of a check.
pub(super) fn render(
    digest: &Digest<'_>,
    checked: &Checked<'_>,
    nodes: &HashMap<&str, usize>,
    data: &mut Data,
) -> Markup {
    let (paths, others): (Vec<&Judged>, Vec<&Judged>) = checked
        .cases
        .iter()
        .copied()
        .partition(|judged| matches!(judged.case.subject, Subject::Path { .. }));
    html! {
        section.check.large[checked.cases.len() > LARGE] id=(anchor(checked.id)) {
            h3 { (title(checked.id)) " " code { (safe::line(checked.id)) } }
            @if let Some(check) = check::by_id(checked.id) { p.promise { (check.promise().summary) } }
            @if !paths.is_empty() { (maps(digest, checked.id, &paths, nodes, data)) }
            @if !others.is_empty() { (subjects(digest, checked.id, &others, data)) }
        }
    }
}

/// A map of paths for each family, of one shape.
fn maps(
    digest: &Digest<'_>,
    check: &str,
    paths: &[&Judged],
    nodes: &HashMap<&str, usize>,
    data: &mut Data,
) -> Markup {
    let ends = || {
        paths.iter().filter_map(|judged| match &judged.case.subject {
            Subject::Path { from, to } => Some((from.as_str(), to.as_str(), is_bad(judged))),
            _ => None,
        })
    };
    let node = |end: &str| nodes.get(end).copied();
    let rows = Axis::new(ends().map(|(from, _, bad)| (from, bad)), node);
    let columns = Axis::new(ends().map(|(_, to, bad)| (to, bad)), node);
    let families = digest.families.iter().copied();
    let families = families.filter(|&family| paths.iter().any(|it| it.case.family == family));
    let maps: Vec<Markup> =
        families.map(|family| map(digest, check, family, paths, (&rows, &columns), data)).collect();
    html! {
        @if rows.is_grouped() || columns.is_grouped() {
            p.note {
                (counted(rows.ends(), "source")) " and " (counted(columns.ends(), "target"))
                ": those that stand out have their own row or column, the others share one. A "
                "number is how many paths failed."
            }
        }
        div.maps { @for map in &maps { (map) } }
    }
}

fn map(
    digest: &Digest<'_>,
    check: &str,
    family: Option<IpFamily>,
    paths: &[&Judged],
    (rows, columns): (&Axis, &Axis),
    data: &mut Data,
) -> Markup {
    let mut cells: BTreeMap<(usize, usize), Cell<'_>> = BTreeMap::new();
    for &judged in paths.iter().filter(|judged| judged.case.family == family) {
        let Subject::Path { from, to } = &judged.case.subject else { continue };
        if let (Some(row), Some(column)) = (rows.place(from), columns.place(to)) {
            cells.entry((row, column)).or_default().cases.push(judged);
        }
    }
    let empty = Cell::default();
    let mut cell = |row: usize, column: usize, from: &str, to: &str| {
        let name = format!("{} {}, {from} → {to}", title(check), family_name(family));
        cells.get(&(row, column)).unwrap_or(&empty).render(digest, data, &safe::line(&name))
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(format!("{} {}", title(check), family_name(family))) {
            table.map.flat[columns.is_short()].many[columns.names.len() > 12] {
                caption { (family_name(family)) }
                thead { tr {
                    th.corner scope="col" { "from ↓ to →" }
                    @for to in &columns.names { th scope="col" { span { (safe::line(to)) } } }
                } }
                tbody {
                    @for (row, from) in rows.names.iter().enumerate() {
                        tr {
                            th scope="row" { (safe::line(from)) }
                            @for (column, to) in columns.names.iter().enumerate() {
                                (cell(row, column, from, to))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A row for each thing that isn't a path; where there are many, for those that didn't pass.
fn subjects(digest: &Digest<'_>, check: &str, cases: &[&Judged], data: &mut Data) -> Markup {
    let mut order: Vec<&Subject> = Vec::new();
    let mut cells: HashMap<&Subject, BTreeMap<Option<IpFamily>, Cell<'_>>> = HashMap::new();
    for &judged in cases {
        let subject = &judged.case.subject;
        let row = cells.entry(subject).or_insert_with(|| {
            order.push(subject);
            BTreeMap::new()
        });
        row.entry(judged.case.family).or_default().cases.push(judged);
    }
    let families: Vec<Option<IpFamily>> = digest
        .families
        .iter()
        .copied()
        .filter(|family| cases.iter().any(|judged| judged.case.family == *family))
        .collect();
    let all = order.len();
    if all > MOST {
        let bad = |subject: &&Subject| {
            cells
                .get(subject)
                .is_some_and(|row| row.values().any(|cell| cell.cases.iter().any(|it| is_bad(it))))
        };
        order.retain(bad);
        order.truncate(MOST);
    }
    let empty = Cell::default();
    let mut cell = |subject: &Subject, family: Option<IpFamily>| {
        let found = cells.get(subject).and_then(|row| row.get(&family)).unwrap_or(&empty);
        let name = format!("{} {}, {subject}", title(check), family_name(family));
        found.render(digest, data, &safe::line(&name))
    };
    html! {
        @if order.len() < all {
            p.note { (order.len()) " of " (all) " are shown: those that did not pass." }
        }
        @if !order.is_empty() {
            div.scroll tabindex="0" role="region" aria-label=(title(check)) {
                table.map.list {
                    thead { tr {
                        th.corner scope="col" { "of" }
                        @for family in &families { th scope="col" { (family_name(*family)) } }
                    } }
                    tbody {
                        @for subject in &order {
                            tr {
                                th scope="row" { (safe::line(&subject.to_string())) }
                                @for family in &families { (cell(subject, *family)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn is_bad(judged: &Judged) -> bool {
    matches!(judged.verdict.status(), Status::Fail | Status::Inconclusive)
}
