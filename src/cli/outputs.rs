//! The files that a run's reports go to, and the reporters of a command line.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, error::ErrorKind, value_parser};

use super::{
    conformance::{ConformanceArgs, ConformanceOutputs},
    logging,
    options::Console,
};
use crate::{
    event::Event,
    report::{
        FORMATS, Fan, FileReport, Format, OutputError, OutputFile, ReportError, github::GitHub,
        plain::Plain, results::Results, streams::Streams, terminal::Terminal, text::Detail,
    },
};

/// Reports besides the one on the terminal: an option for each of [`FORMATS`], and the conformance
/// report.
#[derive(Clone, Debug, Default)]
pub(super) struct OutputArgs {
    wanted: Vec<(&'static Format, PathBuf)>,
    conformance: ConformanceArgs,
}

impl Args for OutputArgs {
    fn augment_args(command: Command) -> Command {
        let command = command.args(FORMATS.iter().map(|format| {
            Arg::new(format.option)
                .long(format.option)
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help(format.help)
                .help_heading("Reports")
        }));
        ConformanceArgs::augment_args(command.next_help_heading("Reports"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OutputArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let wanted = FORMATS.iter().filter_map(|&format| {
            Some((format, matches.get_one::<PathBuf>(format.option)?.clone()))
        });
        let conformance = ConformanceArgs::from_arg_matches(matches)?
            .complete()
            .map_err(|problem| clap::Error::raw(ErrorKind::ValueValidation, problem + "\n"))?;
        Ok(Self { wanted: wanted.collect(), conformance })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl OutputArgs {
    /// Opens the files, so that a bad path is known before anything is begun.
    pub(super) fn open(&self) -> Result<Outputs, OutputError> {
        let mut files: Vec<(&'static Format, OutputFile)> = Vec::new();
        for (format, path) in &self.wanted {
            let file = OutputFile::open(format.what, path)?;
            for (_, other) in &files {
                other.differs_from(&file)?;
            }
            files.push((format, file));
        }
        let outputs = Outputs { files, conformance: self.conformance.open()? };
        for file in outputs.conformance.files() {
            outputs.files.iter().try_for_each(|(_, other)| other.differs_from(file))?;
        }
        Ok(outputs)
    }

    /// Whether a conformance report is asked for.
    pub(super) const fn conformance(&self) -> bool {
        self.conformance.asked_for()
    }

    /// Whether any report is asked for.
    pub(super) const fn wants_any(&self) -> bool {
        !self.wanted.is_empty() || self.conformance.asked_for()
    }

    /// The same, with a report of this format on stdout.
    #[must_use]
    pub(super) fn with_stdout(mut self, format: &'static Format) -> Self {
        self.wanted.push((format, PathBuf::from("-")));
        self
    }

    /// Whether a report takes stdout.
    pub(super) fn takes_stdout(&self) -> bool {
        self.wanted.iter().any(|(_, path)| path == Path::new("-"))
    }
}

/// Reports' places, opened.
#[derive(Debug)]
pub(super) struct Outputs {
    files: Vec<(&'static Format, OutputFile)>,
    conformance: ConformanceOutputs,
}

impl Outputs {
    /// Every file.
    fn all(&self) -> impl Iterator<Item = &OutputFile> {
        self.files.iter().map(|(_, file)| file).chain(self.conformance.files())
    }

    /// Says of which record's file a conformance report is.
    pub(super) fn of_record(&mut self, sha256: String) {
        self.conformance.sha256 = Some(sha256);
    }

    /// Every reporter of a run. Without a detail, nothing but files is written.
    pub(super) fn fan(self, console: &Console, detail: Option<Detail>) -> Fan {
        let streams = self.streams(console);
        // A progress line and log lines on one terminal would overwrite each other.
        let logs = console.logs() || logging::asked_for();
        let Some(detail) = detail else { return self.into_files(Fan::default()) };
        let fan = if streams.err.is_interactive() && !logs {
            Fan::default().with(Terminal::new(streams.out, detail))
        } else {
            Fan::default().with(Plain::new(streams.out, streams.err, detail))
        };
        let colour = console.colour();
        let on_stderr = self.all().any(OutputFile::is_stdout);
        let fan = self.into_files(fan);
        // After the others, so that its lines stand below the results.
        match GitHub::from_environment(|| {
            let streams = Streams::standard(colour);
            if on_stderr { streams.err } else { streams.out }
        }) {
            Some(github) => fan.with(github),
            None => fan,
        }
    }

    /// The reporters of a run that is over: nothing is in progress any more. Without a detail,
    /// there are no results as text.
    pub(super) fn fan_of_results(self, console: &Console, detail: Option<Detail>) -> Fan {
        let mut fan = Fan::default();
        if let Some(detail) = detail {
            fan = fan.with(Results::new(self.streams(console).out, detail));
        }
        self.into_files(fan)
    }

    /// The files of a run that could not even begin: each says why, where its format can.
    pub(super) fn not_begun(self, error: &str) -> Vec<ReportError> {
        let mut fan = self.into_files(Fan::default());
        fan.event(&Event::BrokenOff { error: error.to_owned() });
        fan.finish()
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

    fn into_files(self, fan: Fan) -> Fan {
        let reports = self.files.into_iter();
        let fan = reports.fold(fan, |fan, (format, file)| fan.with(FileReport::new(format, file)));
        self.conformance.reporters(fan)
    }
}
