//! Logs, for those who ask for them: to stderr, apart from every report.

use std::io;

use tracing_subscriber::{EnvFilter, fmt};

use super::options::Console;

/// The environment variable with a filter of its own (`dualstack=trace,kube=debug`).
const VARIABLE: &str = "DUALSTACK_LOG";

/// Starts logging as the command line or the environment asks for.
pub(super) fn start(console: &Console) {
    let filter = match console.verbose {
        0 => "off",
        1 => "dualstack=info,warn",
        2 => "dualstack=debug,kube=info,warn",
        _ => "dualstack=trace,kube=debug,info",
    };
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(filter));
    let ansi = !matches!(anstream::AutoStream::choice(&io::stderr()), anstream::ColorChoice::Never);
    // Somebody who embeds this may log already; then that stays as it is.
    let _ = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(ansi).try_init();
}
