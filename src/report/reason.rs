//! Why cases ended without a verdict on the cluster, each reason once.

use std::collections::HashMap;

use crate::{
    check::{Status, words},
    record::Record,
};

/// How many checks are named of those that stopped for one reason.
const NAMED: usize = 2;

/// A reason, and the cases that ended so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason<'a> {
    /// The reason itself.
    pub text: &'a str,
    /// The checks whose cases ended so, in the order of the run, with the number of their cases.
    checks: Vec<(&'a str, usize)>,
}

impl<'a> Reason<'a> {
    /// Why cases of a record ended with a status, in the order in which the reasons appear first.
    pub(super) fn all(record: &'a Record, status: Status) -> Vec<Self> {
        let mut reasons: Vec<Self> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for judged in record.judged.iter().filter(|judged| judged.verdict.status() == status) {
            let (check, text) = (judged.case.check.as_str(), judged.verdict.detail());
            let place = *places.entry(text).or_insert(reasons.len());
            let Some(known) = reasons.get_mut(place) else {
                reasons.push(Self { text, checks: vec![(check, 1)] });
                continue;
            };
            // The cases of a check stand together.
            match known.checks.last_mut() {
                Some((last, count)) if *last == check => *count += 1,
                _ => known.checks.push((check, 1)),
            }
        }
        reasons
    }

    /// The first check whose cases ended so.
    pub(super) fn check(&self) -> &'a str {
        self.checks.first().map_or("", |(check, _)| check)
    }

    /// How many cases ended so.
    pub(super) fn cases(&self) -> usize {
        self.checks.iter().map(|(_, count)| count).sum()
    }

    /// What ended so: `pod::loss`, `pod::loss (4 cases)`, `9 cases of pod::loss, pod::payload and 3 more`.
    pub(super) fn subject(&self) -> String {
        match (self.checks.len(), self.cases()) {
            (1, 1) => self.check().to_owned(),
            (1, cases) => format!("{} ({cases} cases)", self.check()),
            (checks, cases) => {
                let named = self.checks.iter().take(NAMED).map(|(check, _)| (*check).to_owned());
                let more = (checks > NAMED).then(|| words::count(checks - NAMED, "more check"));
                format!("{cases} cases of {}", words::list(named.chain(more)))
            }
        }
    }

    /// One sentence of it.
    pub(super) fn sentence(&self) -> String {
        format!("{}: {}", self.subject(), self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(checks: &[(&'static str, usize)]) -> String {
        Reason { text: "n3 is gone", checks: checks.to_vec() }.subject()
    }

    #[test]
    fn a_reason_names_its_first_checks_and_counts_the_others() {
        assert_eq!(subject(&[("pod::loss", 1)]), "pod::loss");
        assert_eq!(subject(&[("pod::loss", 4)]), "pod::loss (4 cases)");
        let many =
            [("pod::loss", 4), ("pod::payload", 2), ("service::udp", 2), ("dns::records", 1)];
        assert_eq!(subject(&many[..2]), "6 cases of pod::loss and pod::payload");
        assert_eq!(subject(&many), "9 cases of pod::loss, pod::payload and 2 more checks");
        assert_eq!(subject(&many[..3]), "8 cases of pod::loss, pod::payload and 1 more check");
    }
}
