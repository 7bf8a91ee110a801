//! The name under which kubectl finds the plugin `kubectl dualstack`: it starts the `dualstack`
//! that lies beside it, or else the one on the path, in its own place.

use std::{
    env,
    ffi::OsString,
    io,
    path::PathBuf,
    process::{Command, ExitCode},
};

fn main() -> ExitCode {
    let program = beside().unwrap_or_else(|| PathBuf::from("dualstack"));
    let mut command = Command::new(&program);
    command.args(env::args_os().skip(1));
    let error = become_it(&mut command, env::args_os().next());
    anstream::eprintln!(
        "error: can't start {}: {error}; install dualstack beside kubectl-dualstack, or on the PATH",
        program.display()
    );
    ExitCode::from(2)
}

/// The `dualstack` in our own directory, links followed.
fn beside() -> Option<PathBuf> {
    let directory = env::current_exe().ok()?.canonicalize().ok()?.parent()?.to_owned();
    let program = directory.join(format!("dualstack{}", env::consts::EXE_SUFFIX));
    program.is_file().then_some(program)
}

/// Only returns where it fails. The help speaks of the name that is handed on.
#[cfg(unix)]
fn become_it(command: &mut Command, called_as: Option<OsString>) -> io::Error {
    use std::os::unix::process::CommandExt;
    if let Some(name) = called_as {
        command.arg0(name);
    }
    command.exec()
}

/// Only returns where it fails.
#[cfg(not(unix))]
fn become_it(command: &mut Command, _: Option<OsString>) -> io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
