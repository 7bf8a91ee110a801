//! JUnit XML: a test case for each rule, which fails where the rule found an error.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use crate::lint::{
    Report,
    rules::{Finding, Level, RULES},
};

use super::place;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut junit = Junit::new("dualstack lint");
    let mut suite = TestSuite::new("dualstack lint");
    for rule in RULES {
        let mut found: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.code == rule.code).collect();
        found.sort_by_key(|finding| std::cmp::Reverse(finding.level));
        let errors = found.iter().filter(|finding| finding.level == Level::Error).count();
        let line = |finding: &&Finding| {
            let (source, start, _) = place(report, finding.span);
            let (line, column) = (start.line, start.column);
            let (name, level) = (&source.name, finding.level.as_str());
            format!("{name}:{line}:{column}: {level}: {}", finding.message)
        };
        let text = found.iter().map(line).collect::<Vec<_>>().join("\n");
        let status = match found.first().filter(|_| errors > 0) {
            Some(first) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                let message = match found.len() {
                    1 => first.message.clone(),
                    count => format!("{} (and {} more)", first.message, count - 1),
                };
                status.set_message(message).set_type(rule.code);
                status.set_description(format!("{text}\n\n{}\n{}", rule.why, rule.fix));
                status
            }
            None => TestCaseStatus::success(),
        };
        let mut case = TestCase::new(format!("{} {}", rule.code, rule.name), status);
        case.set_classname(rule.area.title());
        if errors == 0 && !text.is_empty() {
            case.set_system_out(text);
        }
        suite.add_test_case(case);
    }
    junit.add_test_suite(suite);
    let xml = junit.to_string().map_err(io::Error::other)?;
    out.write_all(xml.as_bytes())?;
    writeln!(out)
}
