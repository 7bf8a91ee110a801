//! The files that a run's reports go to, and the reporters of a command line.

use std::path::PathBuf;

use clap::Args;

use super::{
    conformance::{ConformanceArgs, ConformanceOutputs},
    logging,
    options::Console,
};
use crate::report::{
    Fan, OutputError, OutputFile, json::Json, junit::Junit, plain::Plain, results::Results,
    streams::Streams, terminal::Terminal, text::Detail,
};

/// Reports besides the one on the terminal.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Reports")]
pub(super) struct OutputArgs {
    /// Write JUnit XML to this file (`-`: stdout)
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the whole run as JSON to this file (`-`: stdout), for `judge` and other programs
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    conformance: ConformanceArgs,
}

/// Reports' places, opened.
#[derive(Debug)]
pub(super) struct Outputs {
    junit: Option<OutputFile>,
    json: Option<OutputFile>,
    conformance: ConformanceOutputs,
}

impl OutputArgs {
    /// Opens the files, so that a bad path is known before anything is begun.
    pub(super) fn open(&self) -> Result<Outputs, OutputError> {
        let open = |what, path: &Option<PathBuf>| {
            path.as_deref().map(|path| OutputFile::open(what, path)).transpose()
        };
        let outputs = Outputs {
            junit: open("the JUnit report", &self.junit)?,
            json: open("the run record", &self.json)?,
            conformance: self.conformance.open()?,
        };
        let all: Vec<&OutputFile> = outputs.all().collect();
        for (index, first) in all.iter().enumerate() {
            all.iter().skip(index + 1).try_for_each(|other| first.differs_from(other))?;
        }
        Ok(outputs)
    }

    /// Whether a conformance report is asked for.
    pub(super) const fn conformance(&self) -> bool {
        self.conformance.asked_for()
    }
}

impl Outputs {
    /// Every file.
    fn all(&self) -> impl Iterator<Item = &OutputFile> {
        self.junit.iter().chain(&self.json).chain(self.conformance.files())
    }

    /// Says of which record's file a conformance report is.
    pub(super) fn of_record(&mut self, sha256: String) {
        self.conformance.sha256 = Some(sha256);
    }

    /// Every reporter of a run.
    pub(super) fn fan(self, console: &Console) -> Fan {
        let (streams, detail) = (self.streams(console), console.detail());
        // A progress line and log lines on one terminal would overwrite each other.
        let logs = detail == Detail::Full || logging::asked_for();
        let fan = if streams.err.is_interactive() && !logs {
            Fan::default().with(Terminal::new(streams.out, detail))
        } else {
            Fan::default().with(Plain::new(streams.out, streams.err, detail))
        };
        self.files(fan)
    }

    /// The reporters of a run that is over: nothing is in progress any more.
    pub(super) fn fan_of_results(self, console: &Console) -> Fan {
        let results = Results::new(self.streams(console).out, console.detail());
        self.files(Fan::default().with(results))
    }

    /// The process's streams; results go to stderr where a file of ours takes stdout.
    fn streams(&self, console: &Console) -> Streams {
        let streams = Streams::standard(console.colour());
        if self.all().any(OutputFile::is_stdout) {
            streams.with_results_on_stderr(console.colour())
        } else {
            streams
        }
    }

    fn files(self, mut fan: Fan) -> Fan {
        if let Some(output) = self.junit {
            fan = fan.with(Junit::new(output));
        }
        if let Some(output) = self.json {
            fan = fan.with(Json::new(output));
        }
        self.conformance.reporters(fan)
    }
}
