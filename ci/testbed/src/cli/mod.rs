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

/// Real multi-node dual-stack Kubernetes clusters in Linux namespaces, on this very machine.
#[derive(Debug, Parser)]
#[command(name = "testbed", version, after_help = EXIT_CODES)]
struct Cli {
    /// The cluster's name; clusters of different names live side by side.
    #[arg(long, global = true, env = "TESTBED_NAME", default_value = "testbed")]
    name: Name,

    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 a step failed; 2 the command line or request makes no sense; \
3 the machine lacks something, nothing was touched; 4 the cluster is not up, or for `status` \
not healthy. `exec`, `with` and `enclose` pass their command's exit code on.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what this machine lacks for such a cluster, all at once; touches nothing.
    Preflight(up::Args),
    /// Bring the cluster up; does nothing if it is up already.
    Up(up::Args),
    /// Take the cluster down and remove everything of it, also after a crash.
    Down,
    /// Say which clusters there are, and whether this one is healthy.
    Status,
    /// Print the path of the administrator's kubeconfig.
    Kubeconfig,
    /// Run a command in a node.
    Exec(exec::Args),
    /// Show the logs of nodes, kubeadm and the testbed's agent.
    Logs(logs::Args),
    /// Make the images of an archive (docker save, OCI layout) available to the cluster.
    Load(load::Args),
    /// Break the running cluster in known ways, and fix it.
    #[command(subcommand)]
    Fault(fault::Command),
    /// Bring the cluster up if need be and run a command with KUBECONFIG set.
    With(with::Args),
    /// Run a command in a root file system and namespaces of its own, of which nothing is left.
    Enclose(enclose::Args),
    /// Make what kind clusters are made of where there is no registry, and print where it lies.
    Kind(kind::Args),
    /// Print what kubeadm would be given on a node of such a cluster; brings nothing up.
    Config(config::Args),
    /// Print what there is: all shapes and versions of clusters, and all faults (Markdown).
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
