//! How many cases ended in which way.

use std::fmt;

use crate::{baseline::Review, cause::Judged, check::Status};

/// The counts of a run, or of a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Seen to be as promised.
    pub passed: usize,
    /// Seen not to be.
    pub failed: usize,
    /// Seen not to be, and in the baseline.
    pub known: usize,
    /// Nothing to try.
    pub skipped: usize,
    /// Could not be determined.
    pub inconclusive: usize,
}

impl Tally {
    /// Counts one case more.
    pub const fn add(&mut self, status: Status) {
        match status {
            Status::Pass => self.passed += 1,
            Status::Fail => self.failed += 1,
            Status::Skip => self.skipped += 1,
            Status::Inconclusive => self.inconclusive += 1,
        }
    }

    /// Counts cases of a run, those apart that fail and are in its baseline.
    pub fn of<'a>(judged: impl IntoIterator<Item = &'a Judged>, review: &Review<'_>) -> Self {
        let mut tally = Self::default();
        for judged in judged {
            match review.entry(judged) {
                Some(_) => tally.known += 1,
                None => tally.add(judged.verdict.status()),
            }
        }
        tally
    }

    /// All cases.
    pub const fn total(&self) -> usize {
        self.passed + self.failed + self.known + self.skipped + self.inconclusive
    }
}

impl<'a> FromIterator<&'a Judged> for Tally {
    fn from_iter<I: IntoIterator<Item = &'a Judged>>(judged: I) -> Self {
        let mut tally = Self::default();
        judged.into_iter().for_each(|judged| tally.add(judged.verdict.status()));
        tally
    }
}

impl fmt::Display for Tally {
    /// `11 failed, 2 inconclusive, 99 passed, 6 skipped`: the worst first, what there is none of
    /// left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.failed, "failed"),
            (self.known, "known to fail"),
            (self.inconclusive, "inconclusive"),
            (self.passed, "passed"),
            (self.skipped, "skipped"),
        ];
        let mut parts = parts.iter().filter(|(count, _)| *count > 0).peekable();
        if parts.peek().is_none() {
            return f.write_str("no cases");
        }
        while let Some((count, word)) = parts.next() {
            write!(f, "{count} {word}{}", if parts.peek().is_some() { ", " } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_names_the_worst_first_and_leaves_out_what_there_is_none_of() {
        let tally = Tally { passed: 99, failed: 11, inconclusive: 2, ..Tally::default() };
        assert_eq!(tally.to_string(), "11 failed, 2 inconclusive, 99 passed");
        assert_eq!(Tally::default().to_string(), "no cases");
    }
}
