//! reviewdog's diagnostic format.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::lint::{
    Report,
    rules::{self, Level},
    source::{Edit, Position, Span},
};

use super::place;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let diagnostics = report.findings.iter().map(|finding| -> Value {
        let rule = rules::by_code(finding.code);
        let fix = finding.fix.as_deref().or_else(|| rule.map(|rule| rule.fix)).unwrap_or_default();
        let mut diagnostic = json!({
            "message": format!("{}. {fix}", finding.message),
            "location": location(report, finding.span),
            "severity": match finding.level {
                Level::Error => "ERROR",
                Level::Warning => "WARNING",
                Level::Note => "INFO",
            },
            "code": {
                "value": finding.code,
                "url": rule.and_then(|rule| rule.sources.first()).unwrap_or(&""),
            },
        });
        let suggestions = finding.edits.iter().filter_map(|edit| suggestion(report, edit));
        diagnostic["suggestions"] = suggestions.collect();
        diagnostic
    });
    let document = json!({
        "source": { "name": "dualstack lint" },
        "diagnostics": diagnostics.collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

/// A position counts in bytes of UTF-8 here.
fn location(report: &Report, span: Span) -> Value {
    let (source, start, end) = place(report, span);
    let path = source.name.trim_start_matches("./");
    json!({ "path": path, "range": range(report, span, start, end) })
}

fn range(report: &Report, span: Span, start: Position, end: Position) -> Value {
    let text = &report.sources.get(span.source).text;
    let column = |at: usize| {
        let before = text.get(..at).unwrap_or_default();
        at - before.rfind('\n').map_or(0, |line| line + 1) + 1
    };
    json!({
        "start": { "line": start.line, "column": column(span.start) },
        "end": { "line": end.line, "column": column(span.end) },
    })
}

/// An edit, whose text stands inside the quotes if there are any.
fn suggestion(report: &Report, edit: &Edit) -> Option<Value> {
    let inside = report.sources.text(edit.span).find(&edit.old)?;
    let start = edit.span.start + inside;
    let span = Span { start, end: start + edit.old.len(), ..edit.span };
    let (_, first, last) = place(report, span);
    Some(json!({ "range": range(report, span, first, last), "text": edit.new }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::{Options, lint_text};

    #[test]
    fn a_suggestion_replaces_the_text_at_columns_in_bytes() {
        let line = "networking: {dnsDomain: é.local, podSubnet: \"10.244.0.1/16\"}";
        let text =
            format!("apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n{line}\n");
        let report = lint_text("./a.yaml", text.into(), None, &Options::default());
        let mut out = Vec::new();
        write(&report, &mut out).unwrap();
        let document: Value = serde_json::from_slice(&out).unwrap();
        let all = document["diagnostics"].as_array().unwrap();
        assert_eq!(all.len(), report.findings.len());
        let fixable = all.iter().find(|one| one["suggestions"][0].is_object()).unwrap();
        assert_eq!(fixable["location"]["path"], "a.yaml");
        let suggestion = &fixable["suggestions"][0];
        let column = |end: &str| suggestion["range"][end]["column"].as_u64().unwrap() as usize - 1;
        assert_eq!(&line[column("start")..column("end")], "10.244.0.1/16");
        assert_eq!(suggestion["text"], "10.244.0.0/16");
    }
}
