//! A baseline held against a run.

use std::{collections::HashMap, fmt};

use super::{Baseline, Entry, glob};
use crate::{
    cause::Judged,
    check::{REGISTRY, Status, words},
    suite::{Suite, covers},
};

/// What a baseline makes of a run.
#[derive(Debug, Default)]
pub struct Review<'a> {
    /// The failed cases that are known, by their names.
    known: HashMap<String, &'a Entry>,
    /// What is wrong with the baseline itself.
    pub findings: Vec<Finding<'a>>,
}

/// What is wrong with an entry of a baseline.
#[derive(Debug)]
pub struct Finding<'a> {
    /// The baseline.
    pub baseline: &'a Baseline,
    /// The entry.
    pub entry: &'a Entry,
    /// What is wrong, as the end of a sentence.
    pub problem: String,
}

impl fmt::Display for Finding<'_> {
    /// One sentence with the entry's place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { baseline, entry, problem } = self;
        write!(f, "{}, line {}: `{}` {problem}", baseline.origin, entry.line, entry.case)
    }
}

impl<'a> Review<'a> {
    /// The entry because of which a failed case is known.
    pub fn entry(&self, judged: &Judged) -> Option<&'a Entry> {
        if self.known.is_empty() || judged.verdict.status() != Status::Fail {
            return None;
        }
        self.known.get(&judged.case.name()).copied()
    }

    /// What is wrong with the baseline itself, a sentence for each entry.
    pub fn sentences(&self) -> Vec<String> {
        self.findings.iter().map(ToString::to_string).collect()
    }

    /// How many failed cases are known.
    pub fn count(&self) -> usize {
        self.known.len()
    }
}

impl Baseline {
    /// Which failed cases are known, and which entries are expired, match nothing, or stand for what
    /// no longer fails. Of checks that the suite doesn't hold, and of a run that didn't come to its
    /// end (`complete`), absence says nothing.
    pub fn review<'a>(&'a self, suite: &Suite, judged: &[Judged], complete: bool) -> Review<'a> {
        let mut review = Review::default();
        let names: Vec<(String, &Judged)> =
            judged.iter().map(|judged| (judged.case.name(), judged)).collect();
        for entry in &self.entries {
            let matched: Vec<&(String, &Judged)> =
                names.iter().filter(|(name, judged)| entry.means(name, judged)).collect();
            let with = |status| {
                matched.iter().filter(|(_, judged)| judged.verdict.status() == status).count()
            };
            let (failed, doubtful) = (with(Status::Fail), with(Status::Inconclusive));
            let expired = entry.until < self.as_of;
            if !expired {
                for (name, judged) in &matched {
                    if judged.verdict.status() == Status::Fail {
                        review.known.entry(name.clone()).or_insert(entry);
                    }
                }
            }
            let asked_for = complete && entry.is_in(suite);
            let finding = if expired && failed > 0 {
                Some(format!(
                    "expired on {}, so {} fail the run again; fix them, or ask {} for a new end date",
                    entry.until,
                    words::count(failed, "case"),
                    entry.owner
                ))
            } else if expired {
                Some(format!("expired on {}, and nothing fails; remove it", entry.until))
            } else if matched.is_empty() && asked_for {
                Some("matches no case of this run; remove it, or correct the name".to_owned())
            } else if doubtful > 0 {
                Some(format!(
                    "matches {} that could not be determined, which no baseline covers",
                    words::count(doubtful, "case")
                ))
            } else if failed == 0 && asked_for {
                Some(format!(
                    "matches {}, none of which fails any more; remove it",
                    words::count(matched.len(), "case")
                ))
            } else {
                None
            };
            let finding = finding.map(|problem| Finding { baseline: self, entry, problem });
            review.findings.extend(finding);
        }
        review
    }
}

impl Entry {
    /// Whether it means a case.
    fn means(&self, name: &str, judged: &Judged) -> bool {
        if self.case.contains('/') {
            glob::matches(&self.case, name)
        } else {
            self.means_check(&judged.case.check)
        }
    }

    /// Whether a check of the suite is one that it means.
    fn is_in(&self, suite: &Suite) -> bool {
        let mut checks = REGISTRY.iter().map(|check| check.id()).filter(|id| suite.names(id));
        checks.any(|id| self.means_check(id))
    }

    fn means_check(&self, id: &str) -> bool {
        let check = self.case.split('/').next().unwrap_or_default();
        covers(check, id) || glob::matches(check, id)
    }
}
