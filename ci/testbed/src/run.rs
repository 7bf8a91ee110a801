//! Running commands so that a failure says what was tried and what came back.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::{Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use crate::error::{Context, Error, Result};

/// How many lines of a log an error shows.
pub(crate) const TAIL_LINES: usize = 25;

/// What this crate does with a command.
pub trait Run {
    /// Runs it and returns what it wrote to its standard output. `what` says in an error what the
    /// command was to do, such as `list the routes of n1`.
    fn read(&mut self, what: &str) -> Result<String>;

    /// Runs it with `input` on its standard input, and returns its standard output.
    fn feed(&mut self, what: &str, input: &str) -> Result<String>;

    /// Runs it with all of its output in a file.
    fn log_to(&mut self, what: &str, log: &Path) -> Result<()>;
}

impl Run for Command {
    fn read(&mut self, what: &str) -> Result<String> {
        printed(what, &self.stdin(Stdio::null()).output().context(|| start(self, what))?)
    }

    fn feed(&mut self, what: &str, input: &str) -> Result<String> {
        let mut child = self
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context(|| start(self, what))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that ends without reading its input says why by itself.
            let _ = stdin.write_all(input.as_bytes());
        }
        printed(what, &child.wait_with_output().context(|| start(self, what))?)
    }

    fn log_to(&mut self, what: &str, log: &Path) -> Result<()> {
        let open = || -> std::io::Result<_> {
            if let Some(parent) = log.parent() {
                fs::create_dir_all(parent)?;
            }
            let out = File::create(log)?;
            Ok((out.try_clone()?, out))
        };
        let (out, err) = open().context(|| format!("open {}", log.display()))?;
        let status = self
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .status()
            .context(|| start(self, what))?;
        verdict(what, status, Some(log), || tail_of(log))
    }
}

fn start(command: &Command, what: &str) -> String {
    format!("start `{}` to {what}", command.get_program().to_string_lossy())
}

/// What a command that ended wrote to its standard output.
fn printed(what: &str, output: &Output) -> Result<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    verdict(what, output.status, None, || {
        tail(&format!("{text}{}", String::from_utf8_lossy(&output.stderr)))
    })?;
    Ok(text)
}

/// An error of a command that didn't end well.
pub(crate) fn verdict(
    what: &str,
    status: ExitStatus,
    log: Option<&Path>,
    tail: impl FnOnce() -> String,
) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    let (what, status, log) = (what.to_owned(), status.to_string(), log.map(Path::to_owned));
    Err(Error::Command { what, status, log, tail: tail() })
}

/// The last lines of a text.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// The last lines of a file; nothing where it can't be read.
pub(crate) fn tail_of(log: &Path) -> String {
    fs::read(log).map_or_else(|_| String::new(), |text| tail(&String::from_utf8_lossy(&text)))
}

/// Asks again and again, with short pauses, until there is an answer or the time is up.
///
/// `what` names the awaited fact, such as `containerd of n1 answering`; `tail` is asked for the
/// lines that may explain a time-out.
pub(crate) fn wait_for<T>(
    what: &str,
    limit: Duration,
    tail: impl FnOnce() -> String,
    mut ask: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if began.elapsed() > limit {
            let (what, seconds) = (what.to_owned(), limit.as_secs());
            return Err(Error::Timeout { what, seconds, tail: tail() });
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_says_what_it_was_for_and_what_it_said() {
        let error = Command::new("sh")
            .args(["-c", "echo oh dear >&2; exit 3"])
            .read("do a deed")
            .unwrap_err();
        assert!(error.to_string().starts_with("do a deed failed (exit status: 3)"), "{error}");
        assert_eq!(error.log_tail(), "oh dear");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Command::new("no-such-program").read("do a deed").unwrap_err();
        assert!(error.to_string().contains("`no-such-program` to do a deed"), "{error}");
    }

    #[test]
    fn a_long_output_is_cut_to_its_end() {
        let text = (0..100).map(|i| i.to_string()).collect::<Vec<_>>().join("\n");
        assert_eq!(tail(&text).lines().count(), TAIL_LINES);
        assert!(tail(&text).ends_with("99"));
    }

    #[test]
    fn input_reaches_the_command() {
        assert_eq!(Command::new("cat").feed("echo", "hello").unwrap(), "hello");
    }
}
