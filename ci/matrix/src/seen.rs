//! What one run of the product said, as far as the table tells of it.

use std::{collections::BTreeMap, time::Duration};

use dualstack::{
    cause::{Cause, Confidence},
    check::Status,
    exit::Exit,
    net::IpFamily,
    record::{Phase, Record},
};

use crate::{
    programs::Ended,
    truth::{self, Judgement},
};

/// One run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The suite.
    pub(crate) suite: String,
    /// How it ended; `None` where a signal ended it.
    pub(crate) exit: Option<i32>,
    /// How many cases passed.
    pub(crate) passed: usize,
    /// The failed cases: how many of each check in each family.
    pub(crate) red: BTreeMap<(String, Option<IpFamily>), usize>,
    /// The nodes that took no part, each with the reason.
    pub(crate) passed_over: Vec<String>,
    /// How many could not be determined.
    pub(crate) inconclusive: usize,
    /// The causes named, in the report's order.
    pub(crate) causes: Vec<Named>,
    /// From the start to the last verdict; `None` where the run recorded nothing.
    pub(crate) took: Option<Duration>,
    /// Why it broke off, where it did.
    pub(crate) broken_off: Option<String>,
    /// Whether it did what it should, in a few words.
    pub(crate) result: String,
    /// What is right and wrong about it, where there was a fault and a record.
    pub(crate) judgement: Option<Judgement>,
}

/// A cause that was named.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    id: String,
    /// How sure it is said to be.
    pub(crate) confidence: Confidence,
    facts: usize,
}

impl Named {
    fn of(cause: &Cause) -> Self {
        Self { id: cause.id.clone(), confidence: cause.confidence, facts: cause.evidence.len() }
    }

    /// Its name, how sure it is and how many facts are shown for it: `path_mtu (proved, 3 facts)`.
    pub(crate) fn in_words(&self) -> String {
        let sure = match self.confidence {
            Confidence::Possible => "possible",
            Confidence::Likely => "likely",
            Confidence::Proved => "proved",
        };
        let facts = if self.facts == 1 { "fact" } else { "facts" };
        format!("{} ({sure}, {} {facts})", self.id, self.facts)
    }
}

impl Seen {
    /// What a run recorded, or, where it recorded nothing, what it said on standard error.
    pub(crate) fn of(suite: &str, ended: &Ended) -> Self {
        let mut seen = Self { suite: suite.to_owned(), exit: ended.exit, ..Self::default() };
        let Some(record) = &ended.record else {
            seen.broken_off = ended.said.lines().last().map(str::to_owned);
            return seen;
        };
        for case in truth::cases(record) {
            match case.status {
                Status::Pass => seen.passed += 1,
                Status::Fail => *seen.red.entry((case.check, case.family)).or_default() += 1,
                Status::Inconclusive => seen.inconclusive += 1,
                Status::Skip => {}
            }
        }
        seen.passed_over = truth::passed_over(record);
        seen.causes = record.causes.iter().map(Named::of).collect();
        seen.took = Some(judged_after(record));
        seen.broken_off = record.broken_off.as_ref().map(|broken_off| broken_off.error.clone());
        seen
    }

    /// How many cases failed.
    pub(crate) fn failed(&self) -> usize {
        self.red.values().sum()
    }

    /// Whether a case of this check failed.
    pub(crate) fn has_failed(&self, check: &str) -> bool {
        self.red.keys().any(|(name, _)| name == check)
    }

    /// The kinds of paths that are broken and that no case covers.
    pub(crate) fn not_asked(&self) -> &[String] {
        self.judgement.as_ref().map_or(&[], |judgement| &judgement.not_asked)
    }

    /// Whether everything passed.
    pub(crate) fn is_green(&self) -> bool {
        self.exit == Some(i32::from(Exit::Passed.code()))
    }

    /// The verdict's counts in a few words.
    pub(crate) fn summary(&self) -> String {
        let mut parts = vec![format!("{} passed, {} failed", self.passed, self.failed())];
        if self.inconclusive > 0 {
            parts.push(format!("{} inconclusive", self.inconclusive));
        }
        if !self.passed_over.is_empty() {
            parts.push(format!("without {}", self.passed_over.join(", ")));
        }
        if let Some(why) = &self.broken_off {
            parts.push(format!("broke off: {why}"));
        }
        parts.join(", ")
    }

    /// The failed cases, by check and family: `dns::records ipv6 (12)`.
    pub(crate) fn red_cases(&self) -> Vec<String> {
        let words = |((check, family), count): (&(String, Option<IpFamily>), &usize)| {
            let family = family.map_or_else(String::new, |family| format!(" {}", family.slug()));
            format!("{check}{family} ({count})")
        };
        self.red.iter().map(words).collect()
    }
}

/// From the start to the last verdict. Removing the fixture comes after it.
fn judged_after(record: &Record) -> Duration {
    let before = record.phases.iter().filter(|time| time.phase != Phase::Teardown);
    Duration::from_millis(before.map(|time| time.start_ms + time.millis).max().unwrap_or_default())
}
