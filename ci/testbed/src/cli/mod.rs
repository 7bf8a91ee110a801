//! The command line: one file per subcommand.

mod catalogue;
mod config;
mod down;
mod enclose;
mod exec;
mod fault;
mod kind;
mod kubeconfig;
mod load;
mod logs;
mod output;
mod preflight;
mod status;
mod up;
mod with;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use self::output::Output;
use crate::{agent, enclosure, error::Result, exit::Exit, node, spec::Name};

/// Create multi-node Kubernetes clusters in Linux namespaces on this machine, and break them in
/// known ways.
#[derive(Debug, Parser)]
#[command(name = "testbed", version, after_help = EXIT_CODES)]
struct Cli {
    /// Name of the cluster; clusters of different names can run at the same time.
    #[arg(long, global = true, env = "TESTBED_NAME", default_value = "testbed")]
    name: Name,

    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 a step failed; 2 the command line or the request is invalid; 3 the machine \
lacks something, and nothing was changed; 4 the cluster is not up (`status`: or not healthy). `exec`, \
`with` and `enclose` exit with their command's code.";

#[derive(Debug, Subcommand)]
enum Command {
    /// List everything that this machine lacks for a cluster, without changing anything.
    Preflight(up::Args),
    /// Bring up the cluster, unless it is up already.
    Up(up::Args),
    /// Take down the cluster and remove all of it, even after a crash.
    Down,
    /// List the clusters, and show whether this one is healthy.
    Status,
    /// Print the path of the administrator's kubeconfig.
    Kubeconfig,
    /// Run a command in a node.
    Exec(exec::Args),
    /// Print the logs of nodes, kubeadm and the testbed's agent.
    Logs(logs::Args),
    /// Load the images of an archive (docker save, OCI layout) into the cluster's registry.
    Load(load::Args),
    /// Inject faults into the running cluster, and revert them.
    #[command(subcommand)]
    Fault(fault::Command),
    /// Bring up the cluster if needed, and run a command with KUBECONFIG set.
    With(with::Args),
    /// Run a command in its own root file system and namespaces, and leave nothing behind.
    Enclose(enclose::Args),
    /// Build what kind clusters need without a registry, and print its path.
    Kind(kind::Args),
    /// Print the configuration that kubeadm would get on a node, without bringing anything up.
    Config(config::Args),
    /// Print all shapes and versions of clusters and all faults, as Markdown.
    Catalogue,
    #[command(name = agent::AGENT, hide = true)]
    Agent { dir: PathBuf },
    #[command(name = node::LAUNCHER, hide = true)]
    Launch { dir: PathBuf },
    #[command(name = node::BOOT, hide = true)]
    Boot { dir: PathBuf },
    #[command(name = enclosure::ENCLOSED, hide = true)]
    Enclosed { dir: PathBuf },
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new();
    match run(&cli, &output) {
        Ok(code) => code,
        Err(error) => {
            output.error(&error);
            Exit::from(&error).into()
        }
    }
}

fn run(cli: &Cli, output: &Output) -> Result<ExitCode> {
    match &cli.command {
        Command::Preflight(args) => preflight::run(&cli.name, args, output),
        Command::Up(args) => up::run(&cli.name, args, output),
        Command::Down => down::run(&cli.name, output),
        Command::Status => status::run(&cli.name, output),
        Command::Kubeconfig => kubeconfig::run(&cli.name, output),
        Command::Exec(args) => exec::run(&cli.name, args),
        Command::Logs(args) => logs::run(&cli.name, args, output),
        Command::Load(args) => load::run(&cli.name, args, output),
        Command::Fault(command) => fault::run(&cli.name, command, output),
        Command::With(args) => with::run(&cli.name, args, output),
        Command::Enclose(args) => enclose::run(&cli.name, args),
        Command::Kind(args) => kind::run(&cli.name, args, output),
        Command::Config(args) => config::run(&cli.name, args, output),
        Command::Catalogue => catalogue::run(output),
        Command::Agent { dir } => daemon(|| agent::run_agent(dir)),
        Command::Launch { dir } => daemon(|| node::run_launcher(dir)),
        Command::Boot { dir } => daemon(|| node::run_boot(dir)),
        Command::Enclosed { dir } => Ok(ExitCode::from(enclosure::run_enclosed(dir)?)),
    }
}

/// Runs a hidden subcommand, whose standard error is a log file.
fn daemon(work: impl FnOnce() -> Result<()>) -> Result<ExitCode> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    work()?;
    Ok(Exit::Success.into())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_subcommand_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn with_takes_the_arguments_of_up_and_a_command() {
        let words = ["testbed", "with", "--nodes", "2", "--", "true", "--nodes"];
        let Command::With(args) = Cli::try_parse_from(words).unwrap().command else {
            panic!("another subcommand")
        };
        assert!(format!("{args:?}").contains("nodes: Some(2)"), "{args:?}");
    }
}
