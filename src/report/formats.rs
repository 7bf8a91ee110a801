//! The one list of the formats that a report in a file may have.

use super::{Format, gitlab, html, json, junit, markdown, tap};

/// Every format, in the order in which help lists them. A new one is a new file and a line
/// here.
pub static FORMATS: [&Format; 6] = [
    &html::FORMAT,
    &markdown::FORMAT,
    &junit::FORMAT,
    &tap::FORMAT,
    &gitlab::FORMAT,
    &json::FORMAT,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_format_has_an_option_of_its_own() {
        let options: BTreeSet<_> = FORMATS.iter().map(|format| format.option).collect();
        assert_eq!(options.len(), FORMATS.len());
        assert!(FORMATS.iter().all(|format| format.what.starts_with("the ")));
    }
}
