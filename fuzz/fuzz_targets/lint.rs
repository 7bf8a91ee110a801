//! Whatever bytes a file holds, linting ends, in bounded memory, with spans inside the text and a
//! report in each form.
#![no_main]

use dualstack::lint::{Options, Format, lint_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let report = lint_text("fuzz.yaml", bytes.to_vec(), None, &Options::default());
    for finding in &report.findings {
        for span in finding.also.iter().map(|(span, _)| *span).chain([finding.span]) {
            let text = &report.sources.get(span.source).text;
            assert!(text.get(span.start..span.end).is_some());
        }
    }
    // One form at a time: those that list every rule take longer than all the rest.
    let formats = [
        Format::Text,
        Format::Json,
        Format::Sarif,
        Format::Github,
        Format::Gitlab,
        Format::Rdjson,
        Format::Junit,
    ];
    let mut out = Vec::new();
    if formats[bytes.len() % formats.len()].write(&report, 80, &mut out).is_err() {
        panic!("a report must be writable to memory");
    }
});
