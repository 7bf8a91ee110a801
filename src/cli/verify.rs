//! `dualstack verify`: holds a conformance report against the record that it says it follows from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{failure::Failure, saved};
use crate::{
    conformance::{API_VERSION, KIND, Report, digest, verify as differences},
    exit::Exit,
    report::{
        streams::Stream,
        text::{Layout, Prose, paint_verdict},
        words_for_terminal,
    },
    run,
};

/// Check a conformance report against the record of its run
///
/// Judges the record with the checks of this version, generates the report again, and lists every difference. Exits
/// with 0 if there is none and with 1 otherwise. A record does not prove which cluster it is from: see the report's
/// `reproduce`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The conformance report, as `run --conformance FILE` wrote it
    #[arg(value_name = "REPORT")]
    report: PathBuf,
    /// The record of the run, as `run --json FILE` wrote it
    #[arg(value_name = "RECORD")]
    record: PathBuf,
}

pub(super) fn verify(arguments: &VerifyArgs, out: &mut Stream) -> Result<Exit, Failure> {
    let report = read(&arguments.report)?;
    let file = saved::bytes(&arguments.record)?;
    let record = saved::parse(&arguments.record, &file)?;
    let checks = record.suite.checks();
    let record = run::rejudge(record, checks);
    let found = differences(&report, &record, &digest(&file));
    let mut prose = Prose::new(Layout { width: out.width(), ..Layout::default() });
    let (exit, word) =
        if found.is_empty() { (Exit::Passed, "VERIFIED") } else { (Exit::Failed, "DIFFERS") };
    let (name, result) = (&report.implementation.project, report.result);
    let said = format!("{name} {}, result {result}", report.implementation.version);
    prose.paragraph(&format!("{} {}", paint_verdict(exit, word), words_for_terminal(&said)));
    prose.points(found.iter().map(|difference| words_for_terminal(difference)));
    if report.dualstack_version != env!("CARGO_PKG_VERSION") {
        let judged = words_for_terminal(&report.dualstack_version);
        let ours = env!("CARGO_PKG_VERSION");
        prose.paragraph(&format!(
            "note: the report was written by dualstack {judged}, and this is {ours}, whose checks may judge otherwise"
        ));
    }
    out.print(&prose.into_text())?;
    Ok(exit)
}

/// The report in a file.
///
/// # Errors
/// Where it can't be read, or is none that this version knows.
pub(super) fn read(path: &Path) -> Result<Report, Failure> {
    let name = path.display();
    let next = "pass a file written by `dualstack run --conformance FILE`";
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("cannot read the conformance report {name}: {error}; {next}"))
    })?;
    let report: Report = serde_saphyr::from_str(&text).map_err(|error: serde_saphyr::Error| {
        let error = words_for_terminal(&error.without_snippet().to_string());
        Failure::usage(format!("invalid conformance report {name}: {error}; {next}"))
    })?;
    if report.api_version != API_VERSION || report.kind != KIND {
        let (version, kind) =
            (words_for_terminal(&report.api_version), words_for_terminal(&report.kind));
        return Err(Failure::usage(format!(
            "unsupported conformance report {name}: it is {kind} of {version}, and this dualstack \
             reads {KIND} of {API_VERSION}; verify it with the dualstack that wrote it"
        )));
    }
    Ok(report)
}
