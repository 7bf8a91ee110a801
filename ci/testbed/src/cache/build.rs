//! A build that is under way: where it writes, and how it runs commands.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::atomic::{AtomicBool, Ordering},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use crate::{
    error::{Error, Result},
    progress::{Event, Progress},
    run::{tail_of, verdict},
};

/// How long a read waits before it looks whether the build was stopped.
const GLANCE_MILLISECONDS: u8 = 100;

/// Runs a command so that nothing of it outlives this process, even when this one is killed: the
/// command is the first process of a PID namespace, which the kernel empties when its first process
/// dies.
const BOUND: [&str; 10] = [
    "setpriv",
    "--pdeathsig",
    "KILL",
    "--",
    "unshare",
    "--pid",
    "--mount-proc",
    "--fork",
    "--kill-child=KILL",
    "--",
];

/// A build that is under way.
pub struct Build<'a> {
    step: &'a str,
    directory: &'a Path,
    log_path: PathBuf,
    log: File,
    progress: &'a dyn Progress,
    stopped: &'a AtomicBool,
}

impl<'a> Build<'a> {
    pub(super) fn new(
        step: &'a str,
        directory: &'a Path,
        log_path: PathBuf,
        progress: &'a dyn Progress,
        stopped: &'a AtomicBool,
    ) -> Result<Self> {
        let log = File::create(&log_path).map_err(Error::io("create", &log_path))?;
        Ok(Self { step, directory, log_path, log, progress, stopped })
    }

    /// The directory to fill. It becomes the artefact when the recipe ends well.
    pub fn directory(&self) -> &Path {
        self.directory
    }

    /// An error of this step that is not a command's.
    pub fn error(&self, reason: impl Into<String>) -> Error {
        Error::Artefact { what: self.step.to_owned(), reason: reason.into() }
    }

    /// Runs a command to its end; what it writes goes to the step's log. It reads nothing.
    ///
    /// # Errors
    /// When it can't be started or ends with anything but 0.
    pub fn run(&mut self, command: &Command) -> Result<()> {
        self.run_with_input(command, "")
    }

    /// As [`Build::run`], with a text on the command's standard input. The text has to fit a pipe
    /// (64 KiB).
    ///
    /// # Errors
    /// When it can't be started or ends with anything but 0.
    pub fn run_with_input(&mut self, command: &Command, input: &str) -> Result<()> {
        let shown = shown(command);
        match self.stream(command, &shown, input) {
            Ok(Some(status)) => {
                let (what, log) = (format!("{}: `{shown}`", self.step), &self.log_path);
                verdict(&what, status, Some(log), || tail_of(log))
            }
            Ok(None) => Err(Error::Stopped(self.step.to_owned())),
            Err(source) => {
                Err(Error::Io { what: format!("run `{shown}` for {}", self.step), source })
            }
        }
    }

    /// Runs a command and hands on its output line by line, to the log and to the progress. Gives
    /// how it ended, or nothing when it was stopped.
    fn stream(
        &mut self,
        command: &Command,
        shown: &str,
        input: &str,
    ) -> io::Result<Option<ExitStatus>> {
        writeln!(self.log, "$ {shown}")?;
        let (mut reader, writer) = io::pipe()?;
        let mut bound = bound(command);
        bound.stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer);
        let mut child = bound.spawn()?;
        // The command holds copies of the pipe's writing end: with them here the reading below
        // would never end.
        drop(bound);
        if let Some(mut stdin) = child.stdin.take() {
            // A command that ends before it has read everything says more in its exit status.
            let _ = stdin.write_all(input.as_bytes());
        }
        let (mut chunk, mut line) = ([0; 4096], Vec::new());
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            if !is_readable(&reader)? {
                continue;
            }
            let read = reader.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            for byte in &chunk[..read] {
                if *byte == b'\n' {
                    self.line(&line)?;
                    line.clear();
                } else {
                    line.push(*byte);
                }
            }
        }
        if !line.is_empty() {
            self.line(&line)?;
        }
        child.wait().map(Some)
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.log.write_all(line)?;
        self.log.write_all(b"\n")?;
        let line = String::from_utf8_lossy(line);
        self.progress.event(Event::Line { step: self.step, line: line.trim_end() });
        Ok(())
    }
}

/// Waits a moment for something to read, or the end.
fn is_readable(reader: &io::PipeReader) -> io::Result<bool> {
    let mut waited = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
    match poll(&mut waited, PollTimeout::from(GLANCE_MILLISECONDS)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// The same command, bound to the life of this process where that needs no more rights than there
/// are.
fn bound(command: &Command) -> Command {
    let mut bound = if nix::unistd::geteuid().is_root() {
        let mut bound = Command::new(BOUND[0]);
        bound.args(&BOUND[1..]).arg(command.get_program());
        bound
    } else {
        Command::new(command.get_program())
    };
    bound.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(name, value),
            None => bound.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        bound.current_dir(directory);
    }
    bound
}

/// A command as a person would type it, arguments quoted where they need it.
fn shown(command: &Command) -> String {
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=,+@%".contains(&byte))
    };
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| {
            let word = word.to_string_lossy();
            if plain(&word) {
                word.into_owned()
            } else {
                format!("'{}'", word.replace('\'', r"'\''"))
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{progress::Silent, run::TAIL_LINES};

    static GO: AtomicBool = AtomicBool::new(false);

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failed_command_is_told_with_its_step_its_code_and_its_last_lines() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let mut build = Build::new("a step", directory.path(), log.clone(), &Silent, &GO).unwrap();
        let error = build.run(&sh("seq 30; echo broken >&2; exit 3")).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with(
                "a step: `sh -c 'seq 30; echo broken >&2; exit 3'` failed (exit status: 3); its log is "
            ),
            "{text}"
        );
        assert_eq!(error.log_tail().lines().count(), TAIL_LINES);
        assert_eq!(error.log_tail().lines().last(), Some("broken"));
        let log = std::fs::read_to_string(log).unwrap();
        assert!(log.contains("\n1\n2\n"), "{log}");
    }

    #[test]
    fn a_command_that_is_not_there_is_told_by_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let mut build =
            Build::new("a step", directory.path(), directory.path().join("log"), &Silent, &GO)
                .unwrap();
        let error = build.run(&Command::new("no-such-command-here")).unwrap_err();
        assert!(error.to_string().contains("no-such-command-here"), "{error}");
    }

    #[test]
    fn a_command_reads_its_input_and_every_line_it_writes_is_told() {
        #[derive(Default)]
        struct Lines(Mutex<Vec<String>>);
        impl Progress for Lines {
            fn event(&self, event: Event<'_>) {
                if let Event::Line { line, .. } = event {
                    self.0.lock().unwrap().push(line.to_owned());
                }
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let lines = Lines::default();
        let mut build =
            Build::new("a step", directory.path(), directory.path().join("log"), &lines, &GO)
                .unwrap();
        build.run_with_input(&Command::new("cat"), "one\ntwo\n").unwrap();
        assert_eq!(lines.0.into_inner().unwrap(), ["one", "two"]);
    }

    #[test]
    fn a_command_is_shown_as_a_shell_takes_it() {
        let mut command = Command::new("go");
        command.args(["build", "-ldflags", "-s -w", "it's", ""]);
        assert_eq!(shown(&command), r"go build -ldflags '-s -w' 'it'\''s' ''");
    }
}
