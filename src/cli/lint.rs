//! `dualstack lint`: finds mistakes in configuration. Needs a cluster only for `--live`.

use clap::Args;

use super::{
    failure::Failure,
    options::{ClusterArgs, runtime},
};
use crate::{
    cluster,
    exit::Exit,
    lint::{self, LintError},
    report::streams::Stream,
};

/// Find dual-stack mistakes in configuration before a cluster is built from it
///
/// Exits with 0 if there are no errors, 1 if there are errors, 2 if the command line is wrong or a
/// PATH doesn't exist, 3 if the cluster of --live can't be reached, and 4 if there is nothing to
/// lint.
#[derive(Debug, Args)]
pub(super) struct LintCommand {
    #[command(flatten)]
    lint: lint::LintArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(super) fn lint(arguments: LintCommand, out: &mut Stream) -> Result<Exit, Failure> {
    let LintCommand { lint, cluster } = arguments;
    let live = if lint.live {
        let live = runtime()?.block_on(async {
            let cluster = cluster::connect(&cluster.into()).await?;
            lint::collect(&cluster).await
        })?;
        Some(live)
    } else {
        None
    };
    let (text, exit) = lint.execute(live.as_ref(), out.width())?;
    out.print(&text)?;
    Ok(exit)
}

impl From<LintError> for Failure {
    fn from(error: LintError) -> Self {
        Self::usage(error.to_string())
    }
}
