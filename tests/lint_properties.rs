//! What holds of `dualstack lint` whatever it is given. `PROPTEST_CASES` says how often each is
//! tried, 256 times by default.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use dualstack::lint::{Format, Options, Report, lint_text, rules::RULES};
use proptest::prelude::*;
use quick_junit::Report as Junit;
use serde_json::Value;

fn lint(bytes: Vec<u8>) -> Report {
    lint_text("any.yaml", bytes, None, &Options::default())
}

/// Every span is within its text, on boundaries of characters; every format that machines read can
/// be parsed and has every finding; text for people has nothing that controls a terminal.
fn is_sound(report: &Report) {
    for finding in &report.findings {
        for span in finding.also.iter().map(|(span, _)| *span).chain([finding.span]) {
            let text = &report.sources.get(span.source).text;
            assert!(text.get(span.start..span.end).is_some(), "{span:?} in {text:?}");
        }
    }
    let count = report.findings.len();
    let json: Value = serde_json::from_str(&written(report, Format::Json)).unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), count);
    let sarif: Value = serde_json::from_str(&written(report, Format::Sarif)).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), count);
    let github = written(report, Format::Github);
    assert_eq!(github.lines().filter(|line| line.starts_with("::")).count(), count);
    let gitlab: Value = serde_json::from_str(&written(report, Format::Gitlab)).unwrap();
    let gitlab = gitlab.as_array().unwrap();
    assert_eq!(gitlab.len(), count);
    let fingerprints: HashSet<_> = gitlab.iter().map(|issue| &issue["fingerprint"]).collect();
    assert_eq!(fingerprints.len(), count);
    let rdjson: Value = serde_json::from_str(&written(report, Format::Rdjson)).unwrap();
    assert_eq!(rdjson["diagnostics"].as_array().unwrap().len(), count);
    let junit = Junit::deserialize_from_str(&written(report, Format::Junit)).unwrap();
    assert_eq!(junit.test_suites[0].test_cases.len(), RULES.len());
    let text = written(report, Format::Text);
    let text = anstream::adapter::strip_str(&text).to_string();
    assert_eq!(text.lines().filter(|line| line.contains("= fix:")).count(), count);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

fn written(report: &Report, format: Format) -> String {
    let mut bytes = Vec::new();
    format.write(report, 80, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// An example of a rule, good or bad.
fn example() -> impl Strategy<Value = &'static str> {
    let all: Vec<_> =
        RULES.iter().flat_map(|rule| rule.good.iter().chain(rule.bad)).map(|e| e.text).collect();
    proptest::sample::select(all)
}

/// Pieces of which YAML's mistakes are made.
fn piece() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "\"",
        "'",
        "\t",
        ":",
        ": ",
        "- ",
        "\n",
        "\n---\n",
        "\n...\n",
        "|\n",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "<<: *a",
        "#",
        " # dualstack: allow DS110 x",
        "%YAML 1.2\n",
        "\u{FEFF}",
        "é",
        "\r\n",
        "\r",
        "!!str ",
        "fd00::",
        "0/",
        ",",
        "? ",
        "\\",
        "\0",
        "  ",
        "@",
        "`",
        "~",
        "\u{85}",
    ])
}

proptest! {
    #[test]
    fn any_bytes_give_a_sound_report(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        is_sound(&lint(bytes));
    }

    #[test]
    fn any_text_gives_a_sound_report(text in "\\PC{0,300}") {
        is_sound(&lint(text.into_bytes()));
    }

    #[test]
    fn a_configuration_damaged_anywhere_gives_a_sound_report(
        text in example(),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), piece()), 1..4),
    ) {
        let mut text = text.to_owned();
        for (at, piece) in damage {
            let at = text.floor_char_boundary(at.index(text.len() + 1));
            text.insert_str(at, piece);
        }
        is_sound(&lint(text.into_bytes()));
    }

    #[test]
    fn a_configuration_cut_off_anywhere_gives_a_sound_report(
        text in example(),
        at in any::<proptest::sample::Index>(),
    ) {
        let at = text.floor_char_boundary(at.index(text.len() + 1));
        is_sound(&lint(text.as_bytes()[..at].to_vec()));
    }

    #[test]
    fn the_form_of_line_ends_changes_no_finding(text in example()) {
        prop_assume!(!text.contains('\0'));
        let codes = |report: &Report| -> Vec<_> {
            report.findings.iter().map(|finding| (finding.code, finding.message.clone())).collect()
        };
        let unix = lint(text.as_bytes().to_vec());
        let windows = lint(text.replace('\n', "\r\n").into_bytes());
        prop_assert_eq!(codes(&unix), codes(&windows));
    }

    #[test]
    fn the_same_input_gives_the_same_report(text in example(), cut in any::<proptest::sample::Index>()) {
        let at = text.floor_char_boundary(cut.index(text.len() + 1));
        let half = text.as_bytes()[at..].to_vec();
        prop_assert_eq!(lint(half.clone()).findings, lint(half).findings);
    }
}
