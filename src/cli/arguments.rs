//! The command line as clap reads it.

use clap::{Parser, Subcommand};

use super::{
    baseline::BaselineCommand, cleanup::CleanupArgs, completions::CompletionsArgs, diff::DiffArgs,
    explain::ExplainArgs, judge::JudgeArgs, lint::LintCommand, list::ListArgs, man::ManArgs,
    options::Console, plan::PlanArgs, report::ReportArgs, run::RunArgs, schema::SchemaArgs,
    sysdump::SysdumpArgs, verify::VerifyArgs,
};

/// Shows whether a Kubernetes cluster's IPv4/IPv6 dual-stack networking works, and if not, what is broken and how to
/// fix it
#[derive(Debug, Parser)]
#[command(name = "dualstack", version, max_term_width = 100)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) console: Console,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Run(Box<RunArgs>),
    Plan(Box<PlanArgs>),
    List(ListArgs),
    Explain(ExplainArgs),
    Judge(JudgeArgs),
    Report(ReportArgs),
    Diff(DiffArgs),
    Baseline(BaselineCommand),
    Verify(VerifyArgs),
    Sysdump(Box<SysdumpArgs>),
    Cleanup(CleanupArgs),
    Lint(Box<LintCommand>),
    Schema(SchemaArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}
