//! `dualstack sysdump`: one archive of a run for somebody without access to the cluster.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser};

use super::{
    failure::Failure,
    logging::Buffer,
    options::{ClusterArgs, Console, runtime},
    run, saved,
    what::WhatArgs,
};
use crate::{
    cluster,
    exit::Exit,
    record::Record,
    report::{OutputFile, streams::Streams, words_for_terminal},
    run::{Options, SnapshotPolicy},
    sysdump::{DumpError, Material, Read, bytes, read},
};

/// Pack a run into one archive, for a colleague or a ticket
///
/// With a record (`run --json FILE`), packs it with its reports and contacts no cluster, unless --live
/// asks for the network's objects as they are now. Without one, runs the suite first, reads every node's
/// diagnostics and the network's objects. Options for that run come after `--`, as in `sysdump --
/// --nodes 5`. No Secret, kubeconfig or environment of a pod is in an archive, and CONTENTS.md in it
/// says what is, and what is missing. Exits with 0 when the archive is written, whatever the run found.
#[derive(Debug, Args)]
pub(super) struct SysdumpArgs {
    /// The record of a run (`-`: stdin) [default: run now]
    #[arg(value_name = "RECORD")]
    record: Option<PathBuf>,
    /// Where to write the archive (`-`: stdout) [default: dualstack-RUN.tar.gz]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace names and addresses consistently; ranges and families are kept, and the record gets the same verdicts
    #[arg(long)]
    redact: bool,
    /// With a record: also read the network's objects from the cluster, as they are now
    #[arg(long, requires = "record")]
    live: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Options of the run, as `run` takes them, except those that name the cluster
    #[arg(last = true, value_name = "RUN OPTIONS", conflicts_with = "record")]
    run: Vec<OsString>,
}

impl SysdumpArgs {
    /// Whether it runs something, so that there is a log worth keeping.
    pub(super) const fn runs(&self) -> bool {
        self.record.is_none() || self.live
    }
}

/// What comes after `--`.
#[derive(Debug, Parser)]
#[command(name = "dualstack sysdump --", no_binary_name = true, disable_help_flag = true)]
struct RunOptions {
    #[command(flatten)]
    what: WhatArgs,
}

pub(super) fn sysdump(
    arguments: SysdumpArgs,
    console: &Console,
    kept: Option<&Buffer>,
) -> Result<Exit, Failure> {
    let SysdumpArgs { record, output, redact, live, cluster, run } = arguments;
    // The record and the place first: a bad one is known before anything is begun.
    let saved = record.as_deref().map(saved::read).transpose()?;
    let early = output.as_deref().map(|path| OutputFile::open(WHAT, path)).transpose()?;
    let connect = cluster.into();
    let runtime = runtime()?;
    let (record, objects) = match saved {
        Some(record) if live => {
            let objects = runtime.block_on(objects(&connect, &record))?;
            (record, objects)
        }
        Some(record) => (record, Vec::new()),
        None => {
            let mut options = options(run)?;
            options.connect = connect.clone();
            options.snapshot = SnapshotPolicy::All;
            let quiet = early.as_ref().is_some_and(OutputFile::is_stdout);
            let record = runtime.block_on(run::for_its_record(options, console, quiet))?;
            // The run's own findings are worth an archive even if the cluster is gone by now.
            let objects = runtime.block_on(objects(&connect, &record));
            let objects = objects.unwrap_or_else(|failure| {
                let what = "the network's objects".to_owned();
                vec![Read { name: String::new(), what, found: Err(failure.sentence().to_owned()) }]
            });
            (record, objects)
        }
    };
    let mut missing = vec![
        "the run's own Services, EndpointSlices and pods as objects: they are gone with the run, and \
         `fixture` in run.json has their addresses, ports and endpoints"
            .to_owned(),
    ];
    if record.fixture.is_none() {
        missing.clear();
    }
    if objects.is_empty() {
        missing.push(
            "the network's objects (Nodes, Services, configuration): no cluster was contacted; `sysdump RECORD \
             --live` reads them"
                .to_owned(),
        );
    }
    let log = kept.map(Buffer::text);
    if log.is_none() {
        missing.push("the log of dualstack: a record doesn't contain one".to_owned());
    }
    let material = Material { record, objects, log, missing, redact };
    write(material, early, console)
}

const WHAT: &str = "the archive";

fn write(
    material: Material,
    early: Option<OutputFile>,
    console: &Console,
) -> Result<Exit, Failure> {
    let default = PathBuf::from(format!("dualstack-{}.tar.gz", material.record.started.run));
    let (packed, files) = material.pack()?;
    let output = match early {
        Some(output) => output,
        None => OutputFile::open(WHAT, &default)?,
    };
    let place = output.describe();
    output
        .write(&packed)
        .map_err(|error| Failure::usage(format!("cannot write {place}: {error}")))?;
    let said = format!("wrote {place}: {files} files, {}", bytes(packed.len()));
    Streams::standard(console.colour()).err.say(&words_for_terminal(&said));
    Ok(Exit::Passed)
}

async fn objects(connect: &cluster::ConnectOptions, record: &Record) -> Result<Vec<Read>, Failure> {
    let cluster = cluster::connect(connect).await?;
    Ok(read(&cluster, record.facts.cni.known().map(|cni| cni.name.as_str())).await)
}

/// The options of the run, which come after `--`.
fn options(run: Vec<OsString>) -> Result<Options, Failure> {
    let names_cluster = |argument: &OsString| {
        let text = argument.to_string_lossy();
        ["--kubeconfig", "--context", "--connect-timeout"].iter().any(|it| text.starts_with(it))
    };
    if let Some(argument) = run.iter().find(|argument| names_cluster(argument)) {
        return Err(Failure::usage(format!(
            "{} must come before `--`, as in `sysdump --context NAME`",
            argument.to_string_lossy()
        )));
    }
    let parsed = RunOptions::try_parse_from(run).map_err(|error| {
        let text = error.to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        Failure::usage(format!("after `--`: {}", text.lines().next().unwrap_or_default()))
    })?;
    parsed.what.options(None)
}

impl From<DumpError> for Failure {
    fn from(error: DumpError) -> Self {
        Self::usage(error.to_string())
    }
}
