//! The two programs, built as they are now.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use dualstack::record::Record;

use crate::error::Error;

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    dualstack: PathBuf,
    /// The testbed's own program, whose subcommands become the clusters' daemons.
    pub(crate) testbed: PathBuf,
}

impl Programs {
    /// Builds both into the folder that this program is in.
    pub(crate) fn build() -> Result<Self, Error> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args([
                "build",
                "--quiet",
                "--locked",
                "--package",
                "dualstack",
                "--package",
                "testbed",
            ])
            .arg("--bins")
            .status();
        if !built.is_ok_and(|status| status.success()) {
            return Err(Error::Program("could not build dualstack and testbed".to_owned()));
        }
        let here = env::current_exe()
            .map_err(|error| Error::Program(format!("could not find this program: {error}")))?;
        let folder = here.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { dualstack: folder.join("dualstack"), testbed: folder.join("testbed") })
    }

    /// Runs one of the product's suites on a cluster, to its end, with these options besides.
    pub(crate) fn run(
        &self,
        kubeconfig: &Path,
        suite: &str,
        options: &[String],
    ) -> Result<Ended, Error> {
        let failed = |error| Error::Program(format!("could not run dualstack: {error}"));
        let json = tempfile::NamedTempFile::new().map_err(failed)?;
        let output = Command::new(&self.dualstack)
            .args(["run", "--quiet", "--suite", suite, "--outside", "required", "--json"])
            .arg(json.path())
            .args(options)
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .output()
            .map_err(failed)?;
        let text = std::fs::read(json.path()).map_err(failed)?;
        // A run that never reached the cluster has nothing to record.
        let record: Option<Record> =
            if text.is_empty() {
                None
            } else {
                let read = serde_json::from_slice(&text);
                Some(read.map_err(|e| {
                    Error::Program(format!("could not read dualstack's record: {e}"))
                })?)
            };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(Ended { exit: output.status.code(), record, said })
    }
}

/// A run that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How it ended; `None` where a signal ended it.
    pub(crate) exit: Option<i32>,
    /// What it recorded; `None` where it never reached the cluster.
    pub(crate) record: Option<Record>,
    /// What it said on standard error.
    pub(crate) said: String,
}
