//! The one owner of the standard streams.
//!
//! Results go to standard output, progress and errors to standard error. On a terminal a running
//! step is shown on a line that its result replaces; elsewhere only plain, whole lines are written.

use std::{
    io::{IsTerminal, Write},
    sync::Mutex,
    time::Instant,
};

use anstyle::{AnsiColor, Style};

use crate::{
    error::Error,
    progress::{Event, Progress},
};

/// Where everything that the command says goes.
#[derive(Debug)]
pub(super) struct Output {
    began: Instant,
    terminal: bool,
    /// The steps that run, oldest first.
    running: Mutex<Vec<String>>,
}

impl Output {
    pub(super) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { began: Instant::now(), terminal, running: Mutex::new(Vec::new()) }
    }

    /// Writes a line of the command's result to standard output.
    pub(super) fn result(&self, line: &str) {
        // Nobody is left to be told that standard output is closed.
        let _ = writeln!(anstream::stdout(), "{line}");
    }

    /// Writes a line about what goes on to standard error.
    pub(super) fn note(&self, line: &str) {
        self.write(&format!("{:6.1} s  {line}", self.began.elapsed().as_secs_f64()));
    }

    /// Writes an error: its sentence, and below it the end of the log that explains it.
    pub(super) fn error(&self, error: &Error) {
        let red = AnsiColor::Red.on_default().bold();
        self.write(&format!("{red}error:{red:#} {error}"));
        for line in error.log_tail().lines() {
            let dim = Style::new().dimmed();
            self.write(&format!("  {dim}{line}{dim:#}"));
        }
    }

    fn write(&self, line: &str) {
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        let _ = writeln!(anstream::stderr(), "{clear}{line}");
        self.show_running();
    }

    /// Shows what runs, on a terminal, in a line that the next one overwrites.
    fn show_running(&self) {
        if !self.terminal {
            return;
        }
        let running = self.running.lock().unwrap_or_else(|e| e.into_inner());
        if !running.is_empty() {
            let mut err = anstream::stderr();
            let _ = write!(err, "\r\x1b[K          {} …", running.join(", "));
            let _ = err.flush();
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<String>)) {
        change(&mut self.running.lock().unwrap_or_else(|e| e.into_inner()));
    }
}

impl Progress for Output {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started { step } => {
                self.change(|running| running.push(step.to_owned()));
                self.show_running();
            }
            Event::Waiting { step } => {
                self.note(&format!("{step}: waiting for another process that makes it"));
            }
            Event::Line { .. } => {}
            Event::Finished { step, took } => {
                self.change(|running| running.retain(|other| other != step));
                self.note(&format!("{step} ({:.1} s)", took.as_secs_f64()));
            }
        }
    }
}
