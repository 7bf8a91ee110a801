//! A report of GitLab's code quality.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use serde_json::{Value, json};

use crate::lint::{Report, rules::Level};

use super::place;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let issues = report.findings.iter().map(|finding| -> Value {
        let (source, start, end) = place(report, finding.span);
        // What is found stays the same issue when lines above it are added.
        let fingerprint = format!("{} {} {}", finding.code, source.name, finding.message);
        let count = seen.entry(fingerprint.clone()).or_default();
        *count += 1;
        json!({
            "check_name": finding.code,
            "description": finding.message,
            "fingerprint": format!("{fingerprint} {count}"),
            "severity": match finding.level {
                Level::Error => "major",
                Level::Warning => "minor",
                Level::Note => "info",
            },
            "location": {
                "path": source.name.trim_start_matches("./"),
                "lines": { "begin": start.line, "end": end.line },
            },
        })
    });
    let issues: Vec<Value> = issues.collect();
    serde_json::to_writer_pretty(&mut *out, &issues)?;
    writeln!(out)
}
