//! SARIF 2.1.0 (OASIS), as code hosts and editors read it.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::lint::{
    Report,
    rules::{self, Level, RULES, Rule},
    source::Span,
};

use super::place;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            let index = RULES.iter().position(|rule| rule.code == finding.code);
            let fix = finding.fix.as_deref();
            let fix = fix.or_else(|| rules::by_code(finding.code).map(|rule| rule.fix));
            let fix = fix.unwrap_or_default();
            let related: Vec<Value> = finding
                .also
                .iter()
                .enumerate()
                .map(|(id, (span, message))| {
                    let mut location = location(report, *span);
                    location["id"] = json!(id);
                    location["message"] = json!({ "text": message });
                    location
                })
                .collect();
            let mut result = json!({
                "ruleId": finding.code,
                "level": level(finding.level),
                "message": { "text": format!("{}. {fix}", finding.message) },
                "locations": [location(report, finding.span)],
                "relatedLocations": related,
            });
            if let Some(index) = index {
                result["ruleIndex"] = json!(index);
            }
            result
        })
        .collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "dualstack",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": RULES.iter().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": true }],
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

fn rule(rule: &Rule) -> Value {
    let enforced = super::text::enforced(rule.enforced_by);
    let help = format!("{}\n\n{}\n\nEnforced by: {enforced}", rule.why, rule.fix);
    let mut value = json!({
        "id": rule.code,
        "name": rule.name,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": rule.why },
        "help": { "text": help },
        "defaultConfiguration": { "level": level(rule.level) },
        "properties": { "tags": ["kubernetes", "dual-stack", rule.area.title()] },
    });
    for (name, version) in [("since", rule.versions.since), ("until", rule.versions.until)] {
        if let Some(version) = version {
            value["properties"][name] = json!(version.to_string());
        }
    }
    if let Some(source) = rule.sources.first() {
        value["helpUri"] = json!(source);
    }
    value
}

fn location(report: &Report, span: Span) -> Value {
    let (source, start, end) = place(report, span);
    if !source.is_file {
        return json!({ "logicalLocations": [{ "fullyQualifiedName": source.name }] });
    }
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(&source.name) },
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
    }})
}

/// A path as a URI reference (RFC 3986): relative ones as they are, to be resolved where the
/// report is read.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let mut uri = String::new();
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.trim_start_matches("./").bytes() {
        if plain(byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri("./a b/é.yaml"), "a%20b/%C3%A9.yaml");
        assert_eq!(uri("/etc/a.yaml"), "file:///etc/a.yaml");
        assert_eq!(uri("<stdin>"), "%3Cstdin%3E");
    }
}
