//! The results as text, when the run is over: all of the report on a run that was saved, and the end
//! of both reports that people watch.

use std::{io, sync::Arc};

use super::{
    ReportError, Reporter,
    streams::Stream,
    text::{self, Detail, Layout},
};
use crate::event::{Event, Finished};

/// The results as text on one stream.
#[derive(Debug)]
pub(crate) struct Results {
    out: Stream,
    detail: Detail,
    notices: Vec<String>,
    finished: Option<Arc<Finished>>,
    /// The first thing that went wrong with `out`.
    failed: Option<io::Error>,
}

impl Results {
    /// Results to `out`.
    pub(crate) const fn new(out: Stream, detail: Detail) -> Self {
        Self { out, detail, notices: Vec::new(), finished: None, failed: None }
    }

    pub(super) const fn detail(&self) -> Detail {
        self.detail
    }

    pub(super) const fn is_interactive(&self) -> bool {
        self.out.is_interactive()
    }

    const fn layout(&self) -> Layout {
        Layout { width: self.out.width(), detail: self.detail }
    }

    fn print(&mut self, text: &str) {
        if let Err(error) = self.out.print(text) {
            self.failed.get_or_insert(error);
        }
    }
}

impl Reporter for Results {
    fn event(&mut self, event: &Event) {
        match event {
            // Before anything is touched, and not at the end.
            Event::Started(started) if self.detail > Detail::Brief => {
                self.print(&text::header(started, self.layout()));
            }
            Event::Creating(objects) if self.detail > Detail::Brief => {
                self.print(&text::creating(objects, self.layout()));
            }
            Event::Notice(notice) => self.notices.push(notice.clone()),
            Event::Finished(finished) => self.finished = Some(Arc::clone(finished)),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Result<(), ReportError> {
        if let Some(finished) = self.finished.take() {
            let body = text::body(&finished, &self.notices, self.layout());
            self.print(&body);
        }
        match self.failed {
            Some(error) => Err(ReportError { what: "the results to stdout".to_owned(), error }),
            None => Ok(()),
        }
    }
}
