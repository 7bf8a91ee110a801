//! What a report in a file is: one format, rendered once, when the run is over.

use std::{io, sync::Arc};

use flate2::{Compression, write::GzEncoder};

use super::{OutputFile, ReportError, Reporter};
use crate::{
    event::{Event, Finished},
    record::Record,
};

/// A kind of report that goes to a file. Its option, its name and its content are all there is to
/// it: the command line and the reporters are made from [`super::FORMATS`].
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The option that asks for it, without the dashes (`junit`).
    pub option: &'static str,
    /// Which report it is, for messages (`the JUnit report`).
    pub what: &'static str,
    /// The option's help.
    pub help: &'static str,
    /// The report of an ending; `None` where there is nothing to report.
    pub render: fn(Ending<'_>) -> io::Result<Option<Vec<u8>>>,
}

/// How a run ended, as far as its reports can know.
#[derive(Clone, Copy, Debug)]
pub enum Ending<'a> {
    /// There is a record.
    Finished(&'a Record),
    /// It broke off before there was one: why, in one sentence.
    NotBegun(&'a str),
}

/// A report in a file: waits for the end of a run, and writes it.
#[derive(Debug)]
pub struct FileReport {
    format: &'static Format,
    output: OutputFile,
    end: End,
}

/// The end of a run, taken from its events.
#[derive(Debug, Default)]
pub(super) struct End {
    finished: Option<Arc<Finished>>,
    broken_off: Option<String>,
}

impl End {
    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::Finished(finished) => self.finished = Some(Arc::clone(finished)),
            Event::BrokenOff { error } => self.broken_off = Some(error.clone()),
            _ => {}
        }
    }

    /// `None` where nothing ran and nothing went wrong.
    pub(super) fn ending(&self) -> Option<Ending<'_>> {
        match (&self.finished, &self.broken_off) {
            (Some(finished), _) => Some(Ending::Finished(&finished.record)),
            (None, Some(error)) => Some(Ending::NotBegun(error)),
            (None, None) => None,
        }
    }
}

impl FileReport {
    /// A report of this format into this place.
    pub fn new(format: &'static Format, output: OutputFile) -> Self {
        Self { format, output, end: End::default() }
    }
}

impl Reporter for FileReport {
    fn event(&mut self, event: &Event) {
        self.end.event(event);
    }

    fn finish(self: Box<Self>) -> Result<(), ReportError> {
        let Self { format, output, end } = *self;
        let Some(ending) = end.ending() else { return Ok(()) };
        let what = output.describe();
        let compress = output.wants_gzip();
        let written = (format.render)(ending).and_then(|content| {
            let Some(content) = content else { return Ok(()) };
            output.write(&if compress { gzip(&content)? } else { content })
        });
        written.map_err(|error| ReportError { what, error })
    }
}

/// The content as gzip writes it.
fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    io::Write::write_all(&mut encoder, content)?;
    encoder.finish()
}
