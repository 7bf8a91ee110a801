//! Help texts that aren't one option's: names, examples, exit codes.

use std::{ffi::OsStr, path::Path};

use clap::{Command, CommandFactory};

use super::Cli;
use crate::exit::Exit;

/// The name under which kubectl finds a plugin called `dualstack`.
const PLUGIN: &str = "kubectl-dualstack";

/// What a person typed to get here.
pub(super) fn called_as(program: Option<&OsStr>) -> &'static str {
    let stem = program.and_then(|program| Path::new(program).file_stem());
    if stem.is_some_and(|stem| stem == PLUGIN) { "kubectl dualstack" } else { "dualstack" }
}

/// The command line, with help that speaks of it under this name.
pub(super) fn command(name: &'static str) -> Command {
    let examples = |examples: &[(&str, &str)]| {
        let lines =
            examples.iter().map(|(arguments, what)| format!("  # {what}\n  {name} {arguments}\n"));
        format!("Examples:\n{}", lines.collect::<Vec<_>>().join("\n"))
    };
    Cli::command()
        .bin_name(name)
        .after_help(exit_codes())
        .after_long_help(format!(
            "{}\n{}",
            examples(&[
                ("run", "Test the cluster of the current context"),
                ("list", "See what is tested"),
                ("explain service::cluster_ip_reachable", "See what a check promises, and why"),
            ]),
            exit_codes(),
        ))
        .mut_subcommand("run", |command| {
            command.after_long_help(format!(
                "{}\n{}",
                examples(&[
                    ("run", "Test the cluster of the current context"),
                    (
                        "run --context staging --junit results.xml",
                        "Another one, with a report for the pipeline"
                    ),
                    ("run --suite smoke --nodes 2", "A quick look at a big cluster"),
                    ("run --check dns --check node_port::from_outside", "These checks alone"),
                    (
                        "run --suite ./mine.yaml --json run.json",
                        "Your own expectations, and everything that was seen"
                    ),
                    (
                        "run --namespace net-test --image-registry registry.example/mirror",
                        "In a namespace you may use, with images from your mirror"
                    ),
                ]),
                exit_codes(),
            ))
        })
        .mut_subcommand("judge", |command| {
            command.after_long_help(format!(
                "{}\n{}",
                examples(&[
                    (
                        "judge run.json",
                        "Judge what `run --json run.json` saw, as today's checks see it"
                    ),
                    ("judge run.json --junit results.xml", "Make another report of it"),
                ]),
                exit_codes(),
            ))
        })
        .mut_subcommand("cleanup", |command| {
            command.after_long_help(format!(
                "{}\n{}",
                examples(&[
                    ("cleanup --dry-run", "See what dead runs left"),
                    ("cleanup", "Take it away"),
                    ("cleanup --namespace net-test", "Where you may not look into every namespace"),
                ]),
                exit_codes(),
            ))
        })
        .mut_subcommand("completions", |command| {
            command.after_long_help(examples(&[
                ("completions bash > /etc/bash_completion.d/dualstack", "For bash, for everyone"),
                ("completions zsh > ~/.zfunc/_dualstack", "For zsh, with ~/.zfunc in fpath"),
            ]))
        })
}

/// The table of exit codes.
fn exit_codes() -> String {
    let lines = Exit::ALL.map(|exit| format!("  {:<5}{}\n", exit.code(), exit.meaning()));
    format!("Exit codes:\n{}", lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_speaks_of_the_kubectl_plugin_when_called_as_one() {
        let program = Path::new("/usr/local/bin/kubectl-dualstack");
        assert_eq!(called_as(Some(program.as_os_str())), "kubectl dualstack");
        let help = command("kubectl dualstack").render_long_help().to_string();
        assert!(help.contains("kubectl dualstack run"), "{help}");
        assert!(help.contains("Usage: kubectl dualstack"), "{help}");
    }

    #[test]
    fn the_help_lists_every_exit_code() {
        let help = command("dualstack").render_long_help().to_string();
        for exit in Exit::ALL {
            assert!(help.contains(&format!("  {:<5}{}", exit.code(), exit.meaning())), "{help}");
        }
    }
}
