//! Annotations in the log of a GitHub workflow (`::error file=…::message`).

use std::io::{self, Write};

use crate::lint::{
    Report,
    rules::{self, Level},
};

use super::place;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        let (source, start, end) = place(report, finding.span);
        let command = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "notice",
        };
        let rule = rules::by_code(finding.code);
        let fix = finding.fix.as_deref().or_else(|| rule.map(|rule| rule.fix));
        let name = rule.map_or("", |rule| rule.name);
        let title = property(&format!("{} {name}", finding.code));
        write!(out, "::{command} ")?;
        if source.is_file {
            let (line, column) = (start.line, start.column);
            let file = property(&source.name);
            write!(out, "file={file},line={line},endLine={},col={column},", end.line)?;
            if end.line == line {
                write!(out, "endColumn={},", end.column)?;
            }
        }
        let message = format!("{}\n{}", finding.message, fix.unwrap_or_default());
        writeln!(out, "title={title}::{}", data(&message))?;
    }
    let (errors, warnings) = (report.count(Level::Error), report.count(Level::Warning));
    writeln!(out, "dualstack lint: errors: {errors}, warnings: {warnings}")
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
