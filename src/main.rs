//! The `dualstack` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    dualstack::cli::main()
}
