//! `--baseline`, and `dualstack baseline`, which writes a first one.

use std::path::PathBuf;

use clap::Args;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{failure::Failure, saved, values};
use crate::{baseline::Baseline, check::Status, exit::Exit, report::streams::Stream};

/// The failures that are known.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "What to test")]
pub(super) struct BaselineArgs {
    /// Known failures (YAML; see `baseline`): they are reported and don't fail the run
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
}

impl BaselineArgs {
    /// The baseline as of today, where one is asked for.
    pub(super) fn load(&self) -> Result<Option<Baseline>, Failure> {
        let path = self.baseline.as_ref().map(|path| path.display().to_string());
        Ok(path.map(|path| Baseline::load(&path, today())).transpose()?)
    }
}

/// Write a baseline of the failures of a saved run
///
/// Prints YAML with an entry for each case that failed, for `run --baseline FILE` and `judge
/// --baseline FILE`. A case is known to fail until the end of its last day. In a case's name `*`
/// stands for any characters; a check or an area matches all its cases.
#[derive(Debug, Args)]
pub(super) struct BaselineCommand {
    /// The record (`-`: stdin)
    #[arg(value_name = "FILE")]
    record: PathBuf,
    /// Why the failures are tolerated
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who is responsible for fixing them
    #[arg(long, value_name = "NAME")]
    owner: String,
    /// The last day on which they are tolerated, as 2027-01-31
    #[arg(long, value_name = "DATE", value_parser = values::date)]
    until: Date,
}

/// Today, as it is everywhere in the record: in UTC.
fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

pub(super) fn baseline(arguments: &BaselineCommand, out: &mut Stream) -> Result<Exit, Failure> {
    if arguments.until < today() {
        let until = arguments.until;
        return Err(Failure::usage(format!(
            "--until {until} is in the past; name the last day on which the failures are tolerated"
        )));
    }
    let record = saved::rejudged(&arguments.record)?;
    let BaselineCommand { reason, owner, until, .. } = arguments;
    let failed = record.judged.iter().filter(|judged| judged.verdict.status() == Status::Fail);
    let entries: Vec<serde_json::Value> = failed
        .map(|judged| {
            let case = judged.case.name();
            serde_json::json!({"case": case, "reason": reason, "owner": owner, "until": until})
        })
        .collect();
    let text = serde_saphyr::to_string(&serde_json::json!({ "known": entries }))
        .map_err(|error| Failure::usage(format!("cannot write the baseline: {error}")))?;
    // What is written must be readable again: an empty reason is refused here, and not next week.
    Baseline::parse("that this would write", &text, *until)?;
    out.print(&text)?;
    Ok(Exit::Passed)
}
