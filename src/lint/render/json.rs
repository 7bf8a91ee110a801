//! For programs.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use crate::lint::{
    Report,
    rules::{self, Level},
    source::Span,
};

use super::place;

/// Raised when a field changes its meaning or goes away; new fields don't raise it.
const VERSION: u32 = 2;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    version: u32,
    summary: Summary<'a>,
    findings: Vec<Found<'a>>,
    capacity: Vec<Capacity<'a>>,
    skipped: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    errors: usize,
    warnings: usize,
    notes: usize,
    allowed: usize,
    files: usize,
    documents: usize,
    ignored: usize,
    /// How many templates and patches in directories were passed over.
    templates: usize,
    /// How many of the ignored documents have no kind that tells what they are.
    without_kind: usize,
    /// How many of them are of kinds that are not known, by kind.
    unknown_kinds: &'a BTreeMap<String, usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found<'a> {
    code: &'a str,
    name: &'a str,
    level: &'a str,
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
    related: Vec<Related<'a>>,
    why: &'a str,
    fix: &'a str,
    enforced_by: String,
    /// The first and the last version of Kubernetes that the rule holds for.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    sources: &'a [&'a str],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    source: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct Related<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: Place<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Capacity<'a> {
    resource: &'a str,
    family: &'a str,
    from: &'a str,
    at_most: u64,
    planned: Option<u64>,
    fits: bool,
}

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let at = |span: Span| {
        let (source, start, end) = place(report, span);
        Place {
            source: &source.name,
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
        }
    };
    let findings = report.findings.iter().filter_map(|finding| {
        let rule = rules::by_code(finding.code)?;
        let related = finding.also.iter();
        let reason = finding.reason(rule);
        Some(Found {
            code: finding.code,
            name: rule.name,
            level: finding.level.as_str(),
            message: &finding.message,
            place: at(finding.span),
            related: related.map(|(span, message)| Related { message, place: at(*span) }).collect(),
            why: reason.why,
            fix: finding.fix.as_deref().unwrap_or(rule.fix),
            enforced_by: super::text::enforced(reason.enforced_by),
            since: rule.versions.since.map(|version| version.to_string()),
            until: rule.versions.until.map(|version| version.to_string()),
            sources: reason.sources,
        })
    });
    let capacity = report.capacity.iter().map(|room| Capacity {
        resource: room.resource.as_str(),
        family: room.family.as_str(),
        from: &room.from,
        at_most: room.room,
        planned: room.asked,
        fits: room.fits(),
    });
    let document = Document {
        version: VERSION,
        summary: Summary {
            errors: report.count(Level::Error),
            warnings: report.count(Level::Warning),
            notes: report.count(Level::Note),
            allowed: report.allowed,
            files: report.files,
            documents: report.understood,
            ignored: report.ignored,
            templates: report.templates,
            without_kind: report.without_kind,
            unknown_kinds: &report.unknown,
        },
        findings: findings.collect(),
        capacity: capacity.collect(),
        skipped: &report.skipped,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}
