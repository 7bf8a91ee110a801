//! A record as the parts of the report look at it.

use std::collections::HashMap;

use anstyle::Style;

use super::layout::{Detail, Layout, YELLOW, style_of, word_of};
use crate::{baseline::Review, cause::Judged, probe::Attempt, record::Record};

/// A record, with what belongs together found quickly.
pub(super) struct View<'a> {
    pub(super) record: &'a Record,
    pub(super) layout: Layout,
    /// The number in the report, from 1, of the cause that explains a case, by the case's name.
    causes: HashMap<&'a str, usize>,
    /// The cases that each cause explains, in the causes' order.
    explained: Vec<Vec<&'a Judged>>,
    /// Which failures are known.
    pub(super) review: Review<'a>,
}

impl<'a> View<'a> {
    pub(super) fn new(record: &'a Record, layout: Layout) -> Self {
        let mut causes = HashMap::new();
        for (number, cause) in (1..).zip(&record.causes) {
            for name in &cause.explains {
                causes.entry(name.as_str()).or_insert(number);
            }
        }
        let mut explained = vec![Vec::new(); record.causes.len()];
        for judged in &record.judged {
            let number = causes.get(judged.case.name().as_str()).copied();
            // Numbers count from 1.
            if let Some(cases) = number.and_then(|number: usize| explained.get_mut(number - 1)) {
                cases.push(judged);
            }
        }
        Self { record, layout, causes, explained, review: record.review() }
    }

    /// The cases that a cause explains, by its number in the report, in the record's order.
    pub(super) fn explained_by(&self, number: usize) -> &[&'a Judged] {
        let place = number.checked_sub(1);
        place.and_then(|place| self.explained.get(place)).map_or(&[], Vec::as_slice)
    }

    /// The number of the cause that explains a case.
    pub(super) fn cause_of(&self, judged: &Judged) -> Option<usize> {
        self.causes.get(judged.case.name().as_str()).copied()
    }

    /// A case's result in one word, and the style to show it in.
    pub(super) fn result(&self, judged: &Judged) -> (&'static str, Style) {
        let status = judged.verdict.status();
        match self.review.entry(judged) {
            Some(_) => ("known", YELLOW),
            None => (word_of(status), style_of(status)),
        }
    }

    /// Every attempt of a case's own probes.
    pub(super) fn attempts(&self, judged: &'a Judged) -> impl Iterator<Item = &'a Attempt> {
        self.record.observations(judged).flat_map(|observation| &observation.attempts)
    }

    /// Whether something had to be tried again.
    pub(super) fn was_retried(&self, judged: &'a Judged) -> bool {
        self.attempts(judged).any(|attempt| !attempt.outcome.succeeded())
    }

    /// How many subjects or sentences of one kind prose may list.
    pub(super) const fn most(&self) -> usize {
        match self.layout.detail {
            Detail::Full => usize::MAX,
            Detail::Brief | Detail::Normal => 6,
        }
    }
}
