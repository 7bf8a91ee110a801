//! What a long preparation says while it runs. Whoever asked for it renders it.

use std::time::Duration;

/// Receives what happens while artefacts are made. Several threads call it at once.
pub trait Progress: Send + Sync {
    /// Takes one event.
    fn event(&self, event: Event<'_>);
}

/// One thing that happened to one step. Steps are told apart by their name, such as `kubelet
/// v1.36.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Another process is making the same artefact: this one waits for it.
    Waiting {
        /// The step that waits.
        step: &'a str,
    },
    /// The step began.
    Started {
        /// The step that began.
        step: &'a str,
    },
    /// The step wrote a line to its log.
    Line {
        /// The step that wrote it.
        step: &'a str,
        /// The line, without its end.
        line: &'a str,
    },
    /// The step ended well. A step whose artefact was there already says nothing at all.
    Finished {
        /// The step that ended.
        step: &'a str,
        /// How long it took.
        took: Duration,
    },
}

/// Says nothing to anybody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event<'_>) {}
}
