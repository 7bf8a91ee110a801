//! The run record as a file: everything, for `judge` and for other programs.

use std::{io, sync::Arc};

use super::{OutputFile, ReportError, Reporter};
use crate::event::{Event, Finished};

/// The record as JSON.
#[derive(Debug)]
pub struct Json {
    output: OutputFile,
    finished: Option<Arc<Finished>>,
}

impl Json {
    /// Into this place.
    pub const fn new(output: OutputFile) -> Self {
        Self { output, finished: None }
    }
}

impl Reporter for Json {
    fn event(&mut self, event: &Event) {
        if let Event::Finished(finished) = event {
            self.finished = Some(Arc::clone(finished));
        }
    }

    fn finish(self: Box<Self>) -> Result<(), ReportError> {
        // A run that broke off before it began has no record.
        let Some(finished) = &self.finished else { return Ok(()) };
        let what = self.output.describe();
        serde_json::to_vec_pretty(&finished.record)
            .map_err(io::Error::from)
            .and_then(|mut record| {
                record.push(b'\n');
                self.output.write(&record)
            })
            .map_err(|error| ReportError { what, error })
    }
}
