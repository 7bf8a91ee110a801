//! The product as its user runs it.

use std::{
    fmt::Write as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use dualstack::{cause::Judged, check::Status, record::Record};

use super::bed::{Bed, text};

/// A run that ended.
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// What `--json` wrote; `None` where the run ended before there was anything to write.
    pub record: Option<Record>,
    /// What it printed.
    pub output: String,
}

/// `dualstack` with some arguments, on the cluster of the trials.
pub fn dualstack(bed: &Bed, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dualstack"));
    command.env("KUBECONFIG", &bed.kubeconfig).env_remove("RUST_LOG").args(arguments);
    command
}

/// Starts a run and returns while it is under way.
pub fn begin(bed: &Bed, arguments: &[&str]) -> Child {
    dualstack(bed, &["run"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs a suite to its end.
pub fn run(bed: &Bed, arguments: &[&str]) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("record.json");
    let output = dualstack(bed, &["run"])
        .args(arguments)
        .args(["--json".as_ref(), json.as_os_str()])
        .output()
        .unwrap();
    Run::read(&output, &json)
}

impl Run {
    /// How a run under way ended, which it must do in time.
    pub fn of(running: Child, json: &Path, patience: Duration) -> Self {
        let id = running.id().to_string();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(running.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(patience) else {
            let killed = Command::new("kill").args(["-9", &id]).status();
            panic!("the run went on for {patience:?} ({killed:?})");
        };
        Self::read(&output.unwrap(), json)
    }

    fn read(output: &Output, json: &Path) -> Self {
        let record = std::fs::read(json)
            .ok()
            .filter(|bytes| !bytes.is_empty())
            .map(|bytes| serde_json::from_slice(&bytes).expect("the record can be read back"));
        Self {
            code: output.status.code().unwrap_or(-1),
            record,
            output: format!("{}{}", text(&output.stdout), text(&output.stderr)),
        }
    }

    /// The record; the run's output is shown where there is none.
    pub fn record(&self) -> &Record {
        self.record.as_ref().unwrap_or_else(|| panic!("the run wrote no record:\n{}", self.output))
    }

    /// The names of the cases of one status, sorted.
    pub fn cases(&self, status: Status) -> Vec<String> {
        let mut names: Vec<_> = self
            .judged()
            .filter(|judged| judged.verdict.status() == status)
            .map(|j| j.case.name())
            .collect();
        names.sort();
        names
    }

    /// What is to be known of a run that did not end as it should: the cases that did not pass, the causes,
    /// and the end of what it printed.
    pub fn not_passed(&self) -> String {
        let mut told = String::new();
        let passed = |judged: &&Judged| judged.verdict.status() == Status::Pass;
        for judged in self.record.iter().flat_map(|record| &record.judged).filter(|it| !passed(it))
        {
            let (verdict, name) = (&judged.verdict, judged.case.name());
            // Writing to a String can't fail.
            let _ = writeln!(told, "{} {name}: {}", verdict.status(), verdict.detail());
        }
        for cause in self.record.iter().flat_map(|record| &record.causes) {
            let _ = writeln!(told, "cause {}: {}", cause.id, cause.what);
        }
        let lines: Vec<&str> = self.output.lines().collect();
        let end = lines.len().saturating_sub(20);
        told + &lines.get(end..).unwrap_or_default().join("\n")
    }

    /// Every judged case.
    pub fn judged(&self) -> impl Iterator<Item = &Judged> {
        self.record().judged.iter()
    }
}
