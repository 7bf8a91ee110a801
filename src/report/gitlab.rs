//! The run as a report of GitLab's code quality, which a merge request shows and compares with its
//! target branch: a finding for each cause, each other kind of failure, and each reason for a doubt.

use std::io;

use serde_json::{Value, json};

use super::{Ending, Format, digest::Digest, reason::Reason, safe};
use crate::{check::Status, record::Record};

/// What GitLab shows in place of a file, which a finding must have.
const PLACE: &str = "cluster";

/// The run as a code quality report.
pub(crate) static FORMAT: Format = Format {
    option: "gitlab",
    what: "the GitLab report",
    help: "Write a report of GitLab's code quality to this file (`-`: stdout), with a finding for each \
           cause",
    render: |ending| {
        let findings = match ending {
            Ending::Finished(record) => of_record(record),
            Ending::NotBegun(error) => vec![finding("run/finished", "critical", error)],
        };
        let mut text = serde_json::to_vec_pretty(&findings).map_err(io::Error::from)?;
        text.push(b'\n');
        Ok(Some(text))
    },
};

fn of_record(record: &Record) -> Vec<Value> {
    let digest = Digest::new(record);
    let stopped = record.broken_off.iter().map(|it| finding("run/finished", "critical", &it.error));
    let causes = record.causes.iter().map(|cause| {
        let fix = cause.fix.first().map(|fix| format!(" Fix: {fix}")).unwrap_or_default();
        finding(&cause.id, "major", &format!("{}{fix}", cause.what))
    });
    let mut findings: Vec<Value> = stopped.chain(causes).collect();
    for group in digest.unexplained() {
        let Some((_, failure)) = group.members.first() else { continue };
        let more = match group.members.len() - 1 {
            0 => String::new(),
            more => format!(" And {more} more like it."),
        };
        findings.push(finding(group.check, "major", &format!("{}{more}", failure.what)));
    }
    for reason in Reason::all(record, Status::Inconclusive) {
        let text = format!("Not determined, {}", reason.sentence());
        findings.push(finding(reason.check(), "minor", &text));
    }
    findings
}

/// A finding. GitLab takes two of one fingerprint, here and on the target branch, for the same.
fn finding(name: &str, severity: &str, text: &str) -> Value {
    let description = safe::line(text);
    json!({
        "check_name": name,
        "fingerprint": format!("dualstack {name} {description}"),
        "description": description,
        "severity": severity,
        "location": { "path": PLACE, "lines": { "begin": 1 } },
    })
}
