//! What cells open, as data for the page's script: it is put into the page as text and never as
//! HTML.

use maud::PreEscaped;
use serde::Serialize;

use super::words::shown;
use crate::{
    cause::Judged,
    check::Status,
    report::{
        Tally,
        digest::{self, Digest},
        safe,
    },
};

/// How many cases of a cell are shown in full.
const MOST: usize = 8;

/// What all cells open.
#[derive(Debug, Default, Serialize)]
pub(super) struct Data {
    cells: Vec<CellData>,
}

/// What a cell opens.
#[derive(Debug, Serialize)]
pub(super) struct CellData {
    title: String,
    /// The word and the class of its status.
    status: (&'static str, &'static str),
    /// How its cases ended, where there are several.
    #[serde(skip_serializing_if = "String::is_empty")]
    tally: String,
    cases: Vec<CaseData>,
    /// How many cases of the same status are not shown.
    #[serde(skip_serializing_if = "is_zero")]
    more: usize,
}

#[derive(Debug, Serialize)]
struct CaseData {
    /// The case's name, where the cell has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    status: &'static str,
    detail: String,
    /// The failure in full sentences.
    #[serde(skip_serializing_if = "String::is_empty")]
    what: String,
    /// The number of the cause that explains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<usize>,
    /// What points to the cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<String>,
    /// Each probe: from where, to what, and its attempts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    probes: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reproduce: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fix: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Data {
    /// Adds what a cell opens, and says under which number.
    pub(super) fn add(&mut self, cell: CellData) -> usize {
        self.cells.push(cell);
        self.cells.len() - 1
    }

    /// As JSON that can stand in a `script` element: nothing in it ends one or opens another.
    pub(super) fn script(&self) -> PreEscaped<String> {
        let json = serde_json::to_string(self).unwrap_or_else(|_| r#"{"cells":[]}"#.to_owned());
        PreEscaped(json.replace('<', "\\u003c"))
    }
}

impl CellData {
    /// What a cell with these cases opens: of many, the worst ones.
    pub(super) fn new(
        digest: &Digest<'_>,
        title: &str,
        word: &'static str,
        class: &'static str,
        cases: &[&Judged],
    ) -> Self {
        let several = cases.len() > 1;
        let of = |status| cases.iter().filter(move |judged| judged.verdict.status() == status);
        let worst: Vec<_> = match of(Status::Fail).count() {
            0 if several => of(Status::Inconclusive).collect(),
            0 => cases.iter().collect(),
            _ => of(Status::Fail).collect(),
        };
        // Of many passes one stands for the others: there are too many to tell each.
        let worst = if worst.is_empty() { cases.iter().take(1).collect() } else { worst };
        let passed = worst.iter().all(|judged| judged.verdict.status() == Status::Pass);
        Self {
            title: safe::line(title),
            status: (word, class),
            tally: if several {
                cases.iter().copied().collect::<Tally>().to_string()
            } else {
                String::new()
            },
            more: if several && passed { 0 } else { worst.len().saturating_sub(MOST) },
            cases: worst
                .into_iter()
                .take(MOST)
                .map(|judged| CaseData::new(digest, judged, several))
                .collect(),
        }
    }
}

impl CaseData {
    fn new(digest: &Digest<'_>, judged: &Judged, named: bool) -> Self {
        let failure = judged.verdict.failure();
        let cause = digest.cause_of(judged);
        let evidence = cause.and_then(|number| digest.record.causes.get(number - 1));
        let lines = |lines: &[String]| lines.iter().map(|line| safe::text(line).into()).collect();
        let probes = judged.case.probes.iter().filter_map(|&id| {
            let probe = digest.record.probes.probe(id)?;
            let seen = match digest.record.probes.observation(id) {
                Some(observation) => digest::attempts(observation),
                None => "not tried".to_owned(),
            };
            let large = if probe.target.is_large() { ", packets of full size" } else { "" };
            let path = format!("{} → {}{large}", probe.vantage, probe.target);
            Some((safe::line(&path), safe::line(&seen)))
        });
        Self {
            name: if named { safe::line(&judged.case.name()) } else { String::new() },
            status: shown(judged.verdict.status()).0,
            detail: safe::line(judged.verdict.detail()),
            what: failure.map(|failure| safe::text(&failure.what).into()).unwrap_or_default(),
            cause,
            evidence: evidence.map(|cause| lines(&cause.evidence)).unwrap_or_default(),
            probes: probes.collect(),
            reproduce: failure.map(|failure| lines(&failure.reproduce)).unwrap_or_default(),
            fix: failure.map(|failure| lines(&failure.fix)).unwrap_or_default(),
        }
    }
}
