//! `cargo matrix`.

use std::process::ExitCode;

fn main() -> ExitCode {
    matrix::main()
}
