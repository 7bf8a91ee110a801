//! The command line: one file for each subcommand, and what they share.
//!
//! The same program is `dualstack` and, under the name `kubectl-dualstack`, the kubectl plugin
//! `kubectl dualstack`; its help speaks of whichever it was called as.

mod arguments;
mod baseline;
mod cleanup;
mod completions;
mod conformance;
#[cfg(test)]
mod damaged_tests;
mod diff;
mod explain;
mod failure;
mod help;
mod judge;
mod lint;
mod list;
mod logging;
mod man;
mod options;
mod outputs;
mod plan;
mod print;
mod report;
mod run;
mod saved;
mod schema;
mod signals;
mod sysdump;
mod values;
mod verify;
mod what;

use std::{env, ffi::OsString, process::ExitCode};

use arguments::{Cli, Command};
use clap::FromArgMatches;
use failure::Failure;

use crate::{exit::Exit, report::streams::Streams};

/// Carries out the process's command line, and says how it ended.
pub fn main() -> ExitCode {
    carry_out(env::args_os().collect()).into()
}

fn carry_out(arguments: Vec<OsString>) -> Exit {
    let name = help::called_as(arguments.first().map(OsString::as_os_str));
    if arguments.len() == 1 {
        Streams::standard(anstream::ColorChoice::Auto).err.say(&help::next(name));
        return Exit::Usage;
    }
    let parsed = help::command(name).try_get_matches_from(arguments);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            // Where neither stream can be written to, there is nobody to tell.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Passed };
        }
    };
    let console = cli.console;
    console.colour.write_global();
    let mut streams = Streams::standard(console.colour());
    let keeps = matches!(&cli.command, Command::Sysdump(arguments) if arguments.runs());
    let ended = logging::start(&console, keeps).and_then(|kept| match cli.command {
        Command::Run(arguments) => run::run(*arguments, &console),
        Command::Plan(arguments) => plan::plan(*arguments, &console),
        Command::List(arguments) => list::list(&arguments, &mut streams.out),
        Command::Explain(arguments) => explain::explain(&arguments, &mut streams.out),
        Command::Judge(arguments) => judge::judge(&arguments, &console),
        Command::Baseline(arguments) => baseline::baseline(&arguments, &mut streams.out),
        Command::Verify(arguments) => verify::verify(&arguments, &mut streams.out),
        Command::Diff(arguments) => diff::diff(&arguments, &mut streams.out),
        Command::Report(arguments) => report::report(arguments, &console),
        Command::Sysdump(arguments) => sysdump::sysdump(*arguments, &console, kept.as_ref()),
        Command::Cleanup(arguments) => cleanup::cleanup(arguments, &mut streams.out),
        Command::Lint(arguments) => lint::lint(*arguments, &mut streams.out),
        Command::Schema(arguments) => schema::schema(&arguments, &mut streams.out),
        Command::Completions(arguments) => {
            completions::completions(&arguments, help::command("dualstack"), &mut streams.out)
        }
        Command::Man(arguments) => {
            man::man(&arguments, help::command("dualstack"), &mut streams.out)
        }
    });
    ended.unwrap_or_else(|failure: Failure| {
        streams.err.say(&failure.text());
        failure.exit()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        help::command("dualstack").debug_assert();
    }
}
