//! Help texts that aren't one option's: names, examples, exit codes.

use std::{ffi::OsStr, path::Path};

use clap::{Command, CommandFactory};

use super::arguments::Cli;
use crate::exit::Exit;

/// The name under which kubectl finds a plugin called `dualstack`.
const PLUGIN: &str = "kubectl-dualstack";

/// The name of the command as it was typed.
pub(super) fn called_as(program: Option<&OsStr>) -> &'static str {
    let stem = program.and_then(|program| Path::new(program).file_stem());
    if stem.is_some_and(|stem| stem == PLUGIN) { "kubectl dualstack" } else { "dualstack" }
}

/// The command line, with help that uses this name.
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
                ("list", "List the checks and suites"),
                ("explain service::cluster_ip_reachable", "Explain what a check tests, and why"),
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
                        "Test another cluster, and write a JUnit report"
                    ),
                    ("run --suite smoke --nodes 2", "Take a quick look at a big cluster"),
                    ("run --check dns --check node_port::from_outside", "Run only some checks"),
                    (
                        "run --suite ./mine.yaml --json run.json",
                        "Use your own suite, and save the whole run"
                    ),
                    (
                        "run --namespace net-test --image-registry registry.example/mirror",
                        "Use an existing namespace, and images from a mirror"
                    ),
                ]),
                exit_codes(),
            ))
        })
        .mut_subcommand("plan", |command| {
            command.after_long_help(format!(
                "{}\n{}",
                examples(&[
                    ("plan", "Show what `run` would do to the cluster of the current context"),
                    ("plan --nodes all --mesh 4", "Show what other options would change"),
                ]),
                exit_codes(),
            ))
        })
        .mut_subcommand("judge", |command| {
            command.after_long_help(format!(
                "{}\n{}",
                examples(&[
                    ("judge run.json", "Judge a run saved by `run --json run.json` again"),
                    ("judge run.json --junit results.xml", "Write another report of it"),
                ]),
                exit_codes(),
            ))
        })
        .mut_subcommand("diff", |command| {
            command.after_long_help(format!(
                "{}\n{}",
                examples(&[
                    ("diff before.json after.json", "Compare two runs"),
                    ("diff before.json after.json -o markdown", "Write it for a pull request"),
                ]),
                exit_codes(),
            ))
        })
        .mut_subcommand("baseline", |command| {
            let example = "baseline run.json --reason NET-42 --owner team-net --until 2027-01-31";
            command.after_long_help(format!(
                "{}\n{}",
                examples(&[(example, "Accept today's failures as known")]),
                exit_codes(),
            ))
        })
        .mut_subcommand("verify", |command| {
            let example = ("verify report.yaml run.json", "Check a report against its record");
            command.after_long_help(format!("{}\n{}", examples(&[example]), exit_codes()))
        })
        .mut_subcommand("report", |command| {
            command.after_long_help(examples(&[
                ("report run.json --html report.html", "Write a web page of a saved run"),
                ("report run.json --markdown -", "Print Markdown, for a pull request"),
                ("report run.json.gz --output wide", "Print a row for each case"),
            ]))
        })
        .mut_subcommand("sysdump", |command| {
            command.after_long_help(format!(
                "{}\n{}",
                examples(&[
                    ("sysdump", "Run the suite, and pack everything that may explain the results"),
                    ("sysdump run.json --redact", "Pack a saved run, without names and addresses"),
                    ("sysdump -o dump.tar.gz -- --nodes 5", "Pass options to the run"),
                ]),
                exit_codes(),
            ))
        })
        .mut_subcommand("cleanup", |command| {
            command.after_long_help(format!(
                "{}\n{}",
                examples(&[
                    ("cleanup --dry-run", "List what killed runs left behind"),
                    ("cleanup", "Remove it"),
                    ("cleanup --namespace net-test", "Search only one namespace"),
                ]),
                exit_codes(),
            ))
        })
        .mut_subcommand("completions", |command| {
            command.after_long_help(examples(&[
                ("completions bash > /etc/bash_completion.d/dualstack", "Bash, for all users"),
                ("completions zsh > ~/.zfunc/_dualstack", "Zsh, with ~/.zfunc in fpath"),
            ]))
        })
}

/// What to do next, if no command is given.
pub(super) fn next(name: &str) -> String {
    format!(
        "Usage: {name} COMMAND\n\n\
         Shows whether a Kubernetes cluster's IPv4/IPv6 dual-stack networking works.\n\n  \
         {name} run                  Test the cluster of the current context\n  \
         {name} lint PATH...         Find mistakes before a cluster is built\n  \
         {name} diff OLD NEW         Compare two runs saved by `run --json FILE`\n\n\
         `{name} help` lists all commands, and `{name} help run` explains one."
    )
}

/// The table of exit codes, and the environment variables that no option names.
fn exit_codes() -> String {
    let lines = Exit::ALL.map(|exit| format!("  {:<5}{}\n", exit.code(), exit.meaning()));
    format!(
        "Exit codes:\n{}\nEnvironment:\n  KUBECONFIG     the kubeconfigs, as for kubectl\n  \
         DUALSTACK_LOG  a filter for logs instead of -v: `debug`, `dualstack=trace,kube=debug`\n",
        lines.concat()
    )
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
}
