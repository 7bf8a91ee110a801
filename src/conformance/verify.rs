//! A report held against the record that it says it follows from.

use serde_json::Value;

use super::{assess, model::Report};
use crate::record::Record;

/// Where a report says otherwise than the record, as sentences; none where it follows from it.
/// `record` is judged with the checks of this version, and `sha256` the digest of its file.
pub(crate) fn verify(report: &Report, record: &Record, sha256: &str) -> Vec<String> {
    if report.record.sha256 != sha256 {
        return vec![format!(
            "The report is of another record: its sha256 is {}, and that of the file is {sha256}.",
            report.record.sha256
        )];
    }
    let implementation = report.implementation.clone();
    let mut expected = assess(record, implementation, sha256.to_owned());
    // Which version judged is for the reader to know, and nothing that the record says.
    expected.dualstack_version.clone_from(&report.dualstack_version);
    let mut found = Vec::new();
    let value = |report: &Report| serde_json::to_value(in_order(report)).unwrap_or_default();
    differences("", &value(report), &value(&expected), &mut found);
    for (what, text) in [
        ("organization", &report.implementation.organization),
        ("project", &report.implementation.project),
        ("url", &report.implementation.url),
        ("version", &report.implementation.version),
    ] {
        if text.trim().is_empty() {
            found.push(format!("implementation.{what} is empty."));
        }
    }
    if report.implementation.contact.iter().all(|contact| contact.trim().is_empty()) {
        found.push("implementation.contact is empty.".to_owned());
    }
    found
}

/// The same with its lists in the order of names: that of this version's registry says nothing.
fn in_order(report: &Report) -> Report {
    let mut report = report.clone();
    for profile in &mut report.profiles {
        profile.core.failed_checks.sort();
        profile.extended.supported_features.sort();
        for features in
            [&mut profile.extended.unsupported_features, &mut profile.extended.skipped_features]
        {
            features.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }
    report
}

/// Each place where two values differ.
fn differences(path: &str, said: &Value, actual: &Value, found: &mut Vec<String>) {
    match (said, actual) {
        (Value::Object(said), Value::Object(actual)) => {
            let keys = said.keys().chain(actual.keys().filter(|key| !said.contains_key(*key)));
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let [said, actual] = [said.get(key), actual.get(key)];
                differences(
                    &path,
                    said.unwrap_or(&Value::Null),
                    actual.unwrap_or(&Value::Null),
                    found,
                );
            }
        }
        (Value::Array(said), Value::Array(actual)) if said.len() == actual.len() => {
            for (index, (said, actual)) in said.iter().zip(actual).enumerate() {
                differences(&format!("{path}[{index}]"), said, actual, found);
            }
        }
        (said, actual) if said != actual => {
            let shown = |value: &Value| match value {
                Value::Null => "nothing".to_owned(),
                value => value.to_string(),
            };
            found.push(format!(
                "{path}: the report says {}, and the record {}.",
                shown(said),
                shown(actual)
            ));
        }
        _ => {}
    }
}
