//! `testbed logs`

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::Output;
use crate::{
    error::{Context, Error, Result},
    exit::Exit,
    spec::Name,
    state::Store,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The log to print, such as `kubeadm-init` or `n1/kubelet` [default: list their names].
    log: Option<String>,
}

pub(super) fn run(name: &Name, args: &Args, output: &Output) -> Result<ExitCode> {
    let dir = Store::open().cluster(name);
    let mut logs = Vec::new();
    collect(&dir.join("logs"), "", &mut logs);
    for entry in fs::read_dir(dir.join("nodes")).into_iter().flatten().flatten() {
        let node = entry.file_name().to_string_lossy().into_owned();
        collect(&entry.path(), &format!("{node}/"), &mut logs);
        collect(&entry.path().join("log"), &format!("{node}/"), &mut logs);
    }
    logs.sort();
    if logs.is_empty() {
        return Err(Error::NotUp { name: name.to_string(), state: "has no logs" });
    }
    match &args.log {
        None => {
            for (log, path) in &logs {
                output.result(&format!("{log:24} {}", path.display()));
            }
        }
        Some(wanted) => {
            let Some((_, path)) = logs.iter().find(|(log, _)| log == wanted) else {
                let names: Vec<&str> = logs.iter().map(|(log, _)| log.as_str()).collect();
                return Err(Error::Invalid(format!(
                    "cluster '{name}' has no log '{wanted}'; it has {}",
                    names.join(", ")
                )));
            };
            let text = fs::read(path).context(|| format!("read {}", path.display()))?;
            output.result(String::from_utf8_lossy(&text).trim_end());
        }
    }
    Ok(Exit::Success.into())
}

/// The files `*.log` of a directory, named without their ending.
fn collect(dir: &Path, prefix: &str, logs: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if let Some(name) = entry.file_name().to_str().and_then(|name| name.strip_suffix(".log")) {
            logs.push((format!("{prefix}{name}"), path));
        }
    }
}
