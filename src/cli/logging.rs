//! Logs, for those who ask for them: to stderr, apart from every report.

use std::{env, io};

use tracing_subscriber::{EnvFilter, fmt, fmt::format::FmtSpan};

use super::{
    failure::Failure,
    options::{Console, LogFormat},
};

/// The environment variable with a filter of its own (`dualstack=trace,kube=debug`).
const VARIABLE: &str = "DUALSTACK_LOG";

/// Starts logging as the command line or the environment asks for. Each step of a run is a span,
/// and how long it took is logged when it ends.
///
/// # Errors
/// Where the environment's filter isn't one.
pub(super) fn start(console: &Console) -> Result<(), Failure> {
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
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(ansi)
        .with_span_events(FmtSpan::CLOSE);
    // Somebody who embeds this may log already; then that stays as it is.
    let _ = match console.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    Ok(())
}

/// Whether the environment asks for logs.
pub(super) fn asked_for() -> bool {
    env::var_os(VARIABLE).is_some_and(|filter| !filter.is_empty())
}
