//! Options that several commands share.

use std::{path::PathBuf, time::Duration};

use anstream::ColorChoice;
use clap::{ArgAction, Args, ValueEnum};
use tokio::runtime::Runtime;

use super::{failure::Failure, values};
use crate::{cluster::ConnectOptions, report::text::Detail};

/// What the command says of itself, and how.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Console {
    /// When to use colours; `auto` respects NO_COLOR, CLICOLOR, CLICOLOR_FORCE and whether the
    /// output is a terminal
    #[arg(
        long = "color",
        visible_alias = "colour",
        value_name = "WHEN",
        default_value = "auto",
        global = true
    )]
    pub(super) colour: Colour,
    /// Show only failures and the summary
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Show each case in a separate row, and log on stderr how long each step takes; -vv also
    /// logs retries and what is read, -vvv every request. DUALSTACK_LOG sets a filter instead
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub(super) verbose: u8,
    /// How to write the logs of -v and DUALSTACK_LOG
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text", global = true)]
    pub(super) log_format: LogFormat,
}

impl Console {
    /// When to use colours.
    pub(super) const fn colour(&self) -> ColorChoice {
        self.colour.choice()
    }

    /// Whether it logs.
    pub(super) const fn logs(&self) -> bool {
        self.verbose > 0
    }

    /// How much the reports say.
    pub(super) const fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Brief,
            (false, 0) => Detail::Normal,
            (false, _) => Detail::Full,
        }
    }
}

/// When to use colours.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    const fn choice(self) -> ColorChoice {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
    }

    /// Applies this to everything in this process that decides on colours itself.
    pub(super) fn write_global(self) {
        self.choice().write_global();
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object in each line, for programs.
    Json,
}

/// Which cluster.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct ClusterArgs {
    /// The kubeconfig [default: the files in KUBECONFIG, ~/.kube/config, or the pod's own
    /// credentials]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context in the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Time limit for connecting to the API server; a credential plugin may take three times as
    /// long
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration)]
    connect_timeout: Duration,
}

impl From<ClusterArgs> for ConnectOptions {
    fn from(arguments: ClusterArgs) -> Self {
        Self {
            kubeconfig: arguments.kubeconfig,
            context: arguments.context,
            connect_timeout: arguments.connect_timeout,
        }
    }
}

/// The threads on which a command talks with a cluster.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Runtime::new().map_err(|error| {
        Failure::usage(format!("cannot start threads: {error}; raise the limit on processes"))
    })
}
