//! What one run of the product said, as far as the table tells of it.

use std::collections::{BTreeMap, BTreeSet};

use dualstack::{check::Status, exit::Exit, net::IpFamily, record::Record};

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
    /// The causes named.
    pub(crate) causes: BTreeSet<String>,
    /// Why it broke off, where it did.
    pub(crate) broken_off: Option<String>,
}

impl Seen {
    /// What a record says, or, where there is none, what was said on standard error.
    pub(crate) fn of(suite: &str, exit: Option<i32>, record: Option<&Record>, said: &str) -> Self {
        let mut seen = Self { suite: suite.to_owned(), exit, ..Self::default() };
        let Some(record) = record else {
            seen.broken_off = said.lines().last().map(str::to_owned);
            return seen;
        };
        for judged in &record.judged {
            match judged.verdict.status() {
                Status::Pass => seen.passed += 1,
                Status::Fail => {
                    let key = (judged.case.check.clone(), judged.case.family);
                    *seen.red.entry(key).or_default() += 1;
                }
                Status::Inconclusive => seen.inconclusive += 1,
                Status::Skip => {}
            }
        }
        let nodes = record.fixture.iter().flat_map(|fixture| &fixture.nodes);
        seen.passed_over = nodes
            .filter_map(|node| Some(format!("{} ({})", node.name, node.excluded.as_ref()?)))
            .collect();
        seen.causes = record.causes.iter().map(|cause| cause.id.clone()).collect();
        seen.broken_off = record.broken_off.as_ref().map(|broken_off| broken_off.error.clone());
        seen
    }

    /// How many cases failed.
    pub(crate) fn failed(&self) -> usize {
        self.red.values().sum()
    }

    /// How many cases failed in a family.
    pub(crate) fn failed_in(&self, family: IpFamily) -> usize {
        let of = |(key, count): (&(String, Option<IpFamily>), &usize)| {
            (key.1 == Some(family)).then_some(*count)
        };
        self.red.iter().filter_map(of).sum()
    }

    /// Whether a case of this check failed.
    pub(crate) fn has_failed(&self, check: &str) -> bool {
        self.red.keys().any(|(name, _)| name == check)
    }

    /// Whether everything passed.
    pub(crate) fn is_green(&self) -> bool {
        self.exit == Some(i32::from(Exit::Passed.code()))
    }

    /// Whether it ended with failed cases.
    pub(crate) fn is_red(&self) -> bool {
        self.exit == Some(i32::from(Exit::Failed.code()))
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
