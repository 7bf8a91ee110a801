//! Logs, for those who ask for them: to stderr, apart from every report.

use std::{
    env, io,
    sync::{Arc, Mutex, PoisonError},
};

use tracing_subscriber::{
    EnvFilter, Layer, fmt, fmt::format::FmtSpan, layer::SubscriberExt, util::SubscriberInitExt,
};

use super::{
    failure::Failure,
    options::{Console, LogFormat},
};

/// The environment variable with a separate filter (`dualstack=trace,kube=debug`).
const VARIABLE: &str = "DUALSTACK_LOG";

/// Starts logging as the command line or the environment asks for. Each step of a run is a span,
/// and how long it took is logged when it ends.
///
/// # Errors
/// Where the environment's filter isn't one.
///
/// With `keep`, what a colleague would want to read is kept as well, whatever is asked for.
pub(super) fn start(console: &Console, keep: bool) -> Result<Option<Buffer>, Failure> {
    let filter = match env::var(VARIABLE).ok().filter(|filter| !filter.is_empty()) {
        Some(filter) => EnvFilter::try_new(&filter).map_err(|error| {
            Failure::usage(format!(
                "invalid {VARIABLE} `{filter}`: {error}; use a level, or filters such as dualstack=debug,kube=info"
            ))
        })?,
        None => EnvFilter::new(match console.verbose {
            0 => "off",
            1 => "dualstack=info,warn",
            2 => "dualstack=debug,kube=info,warn",
            _ => "dualstack=trace,kube=debug,info",
        }),
    };
    let ansi = !matches!(anstream::AutoStream::choice(&io::stderr()), anstream::ColorChoice::Never);
    let shown =
        fmt::layer().with_writer(io::stderr).with_ansi(ansi).with_span_events(FmtSpan::CLOSE);
    let kept = keep.then(Buffer::default);
    let keeping = kept.clone().map(|kept| {
        fmt::layer()
            .with_writer(move || kept.clone())
            .with_ansi(false)
            .with_span_events(FmtSpan::CLOSE)
            .with_filter(EnvFilter::new(KEPT))
    });
    let registry = tracing_subscriber::registry().with(keeping);
    // Somebody who embeds this may log already; then that stays as it is.
    let _ = match console.log_format {
        LogFormat::Text => registry.with(shown.with_filter(filter)).try_init(),
        LogFormat::Json => registry.with(shown.json().with_filter(filter)).try_init(),
    };
    Ok(kept)
}

/// What is kept of logs.
const KEPT: &str = "dualstack=debug,kube=info,warn";

/// No more of a log is kept, in bytes.
const MOST: usize = 4 << 20;

/// A log in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    /// What was logged until now.
    pub(super) fn text(&self) -> String {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&log).into_owned()
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST.saturating_sub(log.len());
        log.extend(bytes.iter().take(room));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the environment asks for logs.
pub(super) fn asked_for() -> bool {
    env::var_os(VARIABLE).is_some_and(|filter| !filter.is_empty())
}
