//! What was tried, as one table for each area: check, family, subject, result, detail.
//!
//! Cases of one check and family that passed alike stand in one row where there are many of them;
//! a failure has a row of its own, unless there are so many with one cause or one outcome that they
//! would bury everything else. Such rows say how many cases they stand for, a grid under the table says
//! which paths they are, and [`Detail::Full`] splits them.

use std::{
    cmp::Reverse,
    collections::HashMap,
    mem::{self, Discriminant},
};

use anstyle::Style;
use comfy_table::{
    ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle, Width,
};

use super::{
    grid,
    layout::{BOLD, DIM, Detail, Prose, paint},
    subjects,
    view::View,
};
use crate::{
    cause::Judged,
    check::{Status, Subject},
    report::Tally,
};

/// How many similar cases get separate rows: all failures, unless they would bury everything
/// else; few paths, for there are many and they say little when they pass; and hardly any of those
/// that weren't determined, for their details are the same.
fn most_rows(view: &View<'_>, judged: &Judged) -> usize {
    match (judged.verdict.status(), &judged.case.subject) {
        (Status::Fail, Subject::Path { .. }) if view.cause_of(judged).is_some() => 4,
        (Status::Fail, _) => 12,
        (Status::Inconclusive | Status::Skip, _) => 2,
        (Status::Pass, Subject::Path { .. }) => 4,
        (Status::Pass, Subject::Service { .. }) => 16,
        (Status::Pass, _) => 8,
    }
}

const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none())
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .content_lines(ContentLineStyle::none());

/// From this width on there is room for a column with the checks' names.
const WIDE: usize = 110;

/// The tables, with a title line each: one for each area, or where the lines are short one for each
/// check.
pub(super) fn render(view: &View<'_>) -> String {
    let wide = view.layout.width >= WIDE;
    let mut blocks: Vec<(&str, Vec<&Judged>)> = Vec::new();
    for judged in &view.record.judged {
        let check = judged.case.check.as_str();
        let title = if wide { check.split("::").next().unwrap_or(check) } else { check };
        match blocks.iter_mut().find(|(of, _)| *of == title) {
            Some((_, cases)) => cases.push(judged),
            None => blocks.push((title, vec![judged])),
        }
    }
    let blocks: Vec<_> = blocks
        .into_iter()
        .map(|(title, cases)| {
            let tally = Tally::of(cases.iter().copied(), &view.review);
            (
                format!("{}: {tally}", paint(BOLD, title)),
                rows(view, &cases),
                grids(view, &cases, wide),
            )
        })
        .collect();
    let rows = || blocks.iter().flat_map(|(_, rows, _)| rows);
    let columns = Columns::of(rows(), view.layout.width, wide);
    let mut text = String::new();
    for (title, rows, grids) in &blocks {
        text.push_str(&format!("{title}\n{}\n{grids}\n", columns.table(rows)));
    }
    if blocks.iter().any(|(.., grids)| !grids.is_empty()) {
        let mut legend = Prose::new(view.layout);
        legend.paragraph(&paint(DIM, grid::LEGEND));
        text.push_str(&legend.into_text());
    }
    if rows().any(|row| row.cases.len() > 1) {
        text.push_str(&paint(DIM, "Similar cases share a row; use --verbose to list each."));
        text.push('\n');
    } else {
        text.pop();
    }
    text
}

/// The grids of each check among these cases. With every case in a row they say nothing more.
fn grids(view: &View<'_>, cases: &[&Judged], titled: bool) -> String {
    if view.layout.detail == Detail::Full {
        return String::new();
    }
    let of_one_check = |a: &&Judged, b: &&Judged| a.case.check == b.case.check;
    cases.chunk_by(of_one_check).map(|block| grid::render(view, block, titled)).collect()
}

/// One row, and the cases it stands for.
struct Row<'a> {
    cases: Vec<&'a Judged>,
    /// The result in one word, and the style to show it in.
    result: (&'static str, Style),
    detail: String,
}

impl Row<'_> {
    /// The cells, and the result among them in its style.
    fn cells(&self) -> Option<([String; 5], String)> {
        let first = self.cases.first()?;
        let subjects: Vec<_> = self.cases.iter().map(|judged| &judged.case.subject).collect();
        let (family, (word, style)) = (first.case.family, self.result);
        let cells = [
            first.case.check.split("::").last().unwrap_or_default().to_owned(),
            family.map_or_else(|| "both".to_owned(), |family| family.to_string()),
            subjects::counted(&subjects),
            word.to_owned(),
            self.detail.clone(),
        ];
        Some((cells, paint(style, word)))
    }
}

/// The columns of all tables, so that they stand in line.
struct Columns {
    width: usize,
    /// The first column that is shown: without the checks' names where they are in the title.
    first: usize,
    /// The width of every column but the last.
    widths: [usize; 4],
}

impl Columns {
    const HEADER: [&str; 5] = ["check", "family", "subject", "result", "detail"];
    /// Blanks after a column.
    const GAP: u16 = 2;
    /// What is left to the detail at least, however long the subjects are.
    const DETAIL: usize = 30;

    fn of<'a>(rows: impl Iterator<Item = &'a Row<'a>>, width: usize, wide: bool) -> Self {
        let [mut widths @ .., _] = Self::HEADER.map(str::len);
        for (cells, _) in rows.filter_map(Row::cells) {
            for (width, cell) in widths.iter_mut().zip(&cells) {
                *width = (*width).max(textwrap::core::display_width(cell));
            }
        }
        let first = usize::from(!wide);
        let gaps = widths.len().saturating_sub(first) * usize::from(Self::GAP);
        let others: usize = gaps + Self::DETAIL + widths[first..].iter().sum::<usize>() - widths[2];
        widths[2] = widths[2].min(width.saturating_sub(others).max(Self::HEADER[2].len()));
        Self { width, first, widths }
    }

    fn table(&self, rows: &[Row<'_>]) -> String {
        let mut table = Table::new();
        table
            .force_no_tty()
            .load_style(STYLE)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(self.width).unwrap_or(u16::MAX))
            .set_header(Self::HEADER.iter().skip(self.first).map(|name| paint(DIM, name)));
        for (mut cells, result) in rows.iter().filter_map(Row::cells) {
            cells[3] = result;
            table.add_row(cells.into_iter().skip(self.first));
        }
        for (column, width) in table.column_iter_mut().zip(&self.widths[self.first..]) {
            let width = u16::try_from(*width).unwrap_or(u16::MAX).saturating_add(Self::GAP);
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, Self::GAP));
        }
        table.trim_fmt()
    }
}

/// The rows of an area: its checks in the registry's order, within a check and family the worst
/// first, and otherwise in the order of the cases.
fn rows<'a>(view: &View<'a>, cases: &[&'a Judged]) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    let of_one_kind =
        |a: &&Judged, b: &&Judged| a.case.check == b.case.check && a.case.family == b.case.family;
    for block in cases.chunk_by(of_one_kind) {
        let mut ranked = Vec::new();
        for group in groups(view, block) {
            let Some(&(first, judged)) = group.first() else { continue };
            let rank = rank(judged.verdict.status());
            if group.len() > most_rows(view, judged) && view.layout.detail < Detail::Full {
                let cases: Vec<_> = group.into_iter().map(|(_, judged)| judged).collect();
                let detail = common_detail(view, &cases);
                let result = view.result(judged);
                ranked.push((rank, first, Row { cases, result, detail }));
            } else {
                ranked.extend(group.into_iter().map(|(index, judged)| {
                    let (result, detail) = (view.result(judged), detail(view, judged));
                    let row = Row { cases: vec![judged], result, detail };
                    (rank, index, row)
                }));
            }
        }
        ranked.sort_by_key(|(rank, index, _)| (*rank, *index));
        rows.extend(ranked.into_iter().map(|(_, _, row)| row));
    }
    rows
}

/// Cases of one check and family, those together that can stand in one row, each with its place.
fn groups<'a>(view: &View<'a>, block: &[&'a Judged]) -> Vec<Vec<(usize, &'a Judged)>> {
    let mut groups: Vec<Vec<(usize, &'a Judged)>> = Vec::new();
    let mut places: HashMap<Ending<'a>, usize> = HashMap::new();
    for (index, &judged) in block.iter().enumerate() {
        let place = *places.entry(Ending::of(view, judged)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push((index, judged)),
            None => groups.push(vec![(index, judged)]),
        }
    }
    groups
}

const fn rank(status: Status) -> u8 {
    match status {
        Status::Fail => 0,
        Status::Inconclusive => 1,
        Status::Pass => 2,
        Status::Skip => 3,
    }
}

/// How a case ended, as far as cases of one check and family that can stand in one row have that in
/// common.
#[derive(PartialEq, Eq, Hash)]
struct Ending<'a> {
    of: Discriminant<Subject>,
    rank: u8,
    retried: bool,
    cause: Option<usize>,
    known: bool,
    detail: Option<&'a str>,
}

impl<'a> Ending<'a> {
    fn of(view: &View<'a>, judged: &'a Judged) -> Self {
        let status = judged.verdict.status();
        let (of, rank) = (mem::discriminant(&judged.case.subject), rank(status));
        if status == Status::Pass {
            // A pass that needed a second try is worth a row.
            let retried = view.was_retried(judged);
            return Self { of, rank, retried, cause: None, known: false, detail: None };
        }
        let (cause, known) = (view.cause_of(judged), view.review.entry(judged).is_some());
        // What is behind such paths is known, and the grid shows which they are.
        let of_cause = status == Status::Fail && cause.is_some() && is_path(judged);
        let detail = (!of_cause).then(|| judged.verdict.detail());
        Self { of, rank, retried: false, cause, known, detail }
    }
}

const fn is_path(judged: &Judged) -> bool {
    matches!(judged.case.subject, Subject::Path { .. })
}

fn detail(view: &View<'_>, judged: &Judged) -> String {
    match view.cause_of(judged) {
        Some(number) => format!("cause {number}: {}", judged.verdict.detail()),
        None => judged.verdict.detail().to_owned(),
    }
}

/// What like cases have in common: the same words, or how long they took, or from which to which.
fn common_detail<'a>(view: &View<'a>, group: &[&'a Judged]) -> String {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return String::new() };
    if group.iter().all(|judged| judged.verdict.detail() == first.verdict.detail()) {
        return detail(view, first);
    }
    if let Some(number) = view.cause_of(first) {
        return format!("cause {number}: mostly {}", commonest(group));
    }
    let tries = |judged: &&'a Judged| {
        view.attempts(judged).position(|attempt| attempt.outcome.succeeded()).map(|place| place + 1)
    };
    if view.was_retried(first)
        && let (Some(least), Some(most)) =
            (group.iter().filter_map(tries).min(), group.iter().filter_map(tries).max())
    {
        return if least == most {
            format!("succeeded on attempt {most}")
        } else {
            format!("succeeded on attempts {least} to {most}")
        };
    }
    let took =
        || group.iter().flat_map(|judged| view.attempts(judged)).map(|attempt| attempt.millis);
    match (took().min(), took().max()) {
        (Some(least), Some(most)) if least == most => format!("each attempt took {most} ms"),
        (Some(least), Some(most)) => format!("each attempt took {least} to {most} ms"),
        _ => format!("{} … {}", first.verdict.detail(), last.verdict.detail()),
    }
}

/// The detail that most of these cases have, and of several such the first.
fn commonest<'a>(group: &[&'a Judged]) -> &'a str {
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    for (place, judged) in group.iter().enumerate() {
        counts.entry(judged.verdict.detail()).or_insert((0, place)).0 += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, (count, place))| (*count, Reverse(*place)));
    most.map_or("", |(detail, _)| detail)
}
