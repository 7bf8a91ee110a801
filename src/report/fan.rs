//! The one point at which events are handed to the reporters.

use std::{fmt, io};

use tokio::sync::mpsc::UnboundedReceiver;

use crate::event::Event;

/// Something that makes a report of a run.
pub trait Reporter: Send {
    /// Takes note of an event. Must not block for long: the next reporter waits.
    fn event(&mut self, event: &Event);

    /// CalledService once, after the last event. A run that broke off before it began has no
    /// [`Event::Finished`].
    ///
    /// # Errors
    /// Where the report can't be written.
    fn finish(self: Box<Self>) -> Result<(), ReportError>;
}

/// A report that could not be written, after the run.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {what}: {error}; the run itself is not affected")]
pub struct ReportError {
    /// Which report (`the JUnit report to results.xml`).
    pub what: String,
    /// What went wrong.
    #[source]
    pub error: io::Error,
}

/// The one point at which events are handed to the reporters, in their order.
#[derive(Default)]
pub struct Fan {
    reporters: Vec<Box<dyn Reporter>>,
}

impl fmt::Debug for Fan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fan").field("reporters", &self.reporters.len()).finish()
    }
}

impl Fan {
    /// Adds a reporter.
    #[must_use]
    pub fn with(mut self, reporter: impl Reporter + 'static) -> Self {
        self.reporters.push(Box::new(reporter));
        self
    }

    /// Hands an event to every reporter.
    pub fn event(&mut self, event: &Event) {
        for reporter in &mut self.reporters {
            reporter.event(event);
        }
    }

    /// Lets every reporter finish; one that fails doesn't keep the others from it.
    pub fn finish(self) -> Vec<ReportError> {
        self.reporters.into_iter().filter_map(|reporter| reporter.finish().err()).collect()
    }

    /// Hands on events until there are no more, then finishes.
    pub async fn drain(mut self, mut events: UnboundedReceiver<Event>) -> Vec<ReportError> {
        while let Some(event) = events.recv().await {
            self.event(&event);
        }
        self.finish()
    }
}
