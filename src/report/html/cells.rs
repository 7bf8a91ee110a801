//! One cell of a heat map: the cases that it stands for, worst first, and the button that opens it.

use maud::{Markup, html};

use super::{
    data::{CellData, Data},
    words::shown,
};
use crate::{
    cause::Judged,
    check::Status,
    report::{Tally, digest::Digest},
};

/// The cases that a cell stands for.
#[derive(Debug, Default)]
pub(super) struct Cell<'a> {
    pub(super) cases: Vec<&'a Judged>,
}

impl<'a> Cell<'a> {
    /// The worst that became of its cases.
    fn status(&self) -> Option<Status> {
        let badness = |status: &Status| match status {
            Status::Skip => 0,
            Status::Pass => 1,
            Status::Inconclusive => 2,
            Status::Fail => 3,
        };
        self.cases.iter().map(|judged| judged.verdict.status()).max_by_key(badness)
    }

    /// Whether it passed, though not at the first try.
    fn was_retried(&self, digest: &Digest<'a>) -> bool {
        self.cases.iter().any(|judged| {
            let mut observations = digest.record.observations(judged);
            observations.any(|observation| {
                observation.attempts.iter().any(|attempt| !attempt.outcome.succeeded())
            })
        })
    }

    /// The table cell. What it opens goes into `data`, under the title `name`.
    pub(super) fn render(&self, digest: &Digest<'a>, data: &mut Data, name: &str) -> Markup {
        let Some(status) = self.status() else {
            return html! { td.none { span.sr { "nothing tried" } } };
        };
        let (word, mark, class) = shown(status);
        let tally: Tally = self.cases.iter().copied().collect();
        let retried = status == Status::Pass && self.was_retried(digest);
        let class = if retried { "again" } else { class };
        let text = match (status, tally.total()) {
            (Status::Fail, 2..) => tally.failed.to_string(),
            (Status::Inconclusive, 2..) => tally.inconclusive.to_string(),
            _ if retried => "↻".to_owned(),
            _ => mark.to_owned(),
        };
        let said = match tally.total() {
            1 if retried => format!("{name}: passed on retry"),
            1 => format!("{name}: {word}"),
            _ => format!("{name}: {tally}"),
        };
        let id = data.add(CellData::new(digest, name, word, class, &self.cases));
        html! { td class=(class) { button type="button" data-c=(id) aria-label=(said) { (text) } } }
    }
}
