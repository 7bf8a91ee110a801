//! `testbed up`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::Output;
use crate::{
    cache::Cache,
    cluster::{Cluster, Start},
    error::{Context, Result},
    exit::Exit,
    fault, preflight,
    shape::Flags,
    spec::{Name, Spec},
};

#[derive(Debug, clap::Args)]
// `with` takes these arguments beside its own, whose group would bear the same name.
#[group(skip)]
pub(super) struct Args {
    #[command(flatten)]
    shape: Flags,
    /// Install missing Debian packages first (apt-get).
    #[arg(long)]
    install: bool,
}

impl Args {
    pub(super) fn spec(&self, name: &Name) -> Result<Spec> {
        self.shape.spec(name)
    }

    /// Installs missing packages, if that was asked for.
    pub(super) fn install_packages(&self, name: &Name, output: &Output) -> Result<()> {
        if self.install {
            let packages = preflight::install(&Cache::open()?, &self.spec(name)?)?;
            if !packages.is_empty() {
                output.note(&format!("installed {}", packages.join(", ")));
            }
        }
        Ok(())
    }
}

pub(super) fn run(name: &Name, args: &Args, output: &Output) -> Result<ExitCode> {
    bring_up(name, args, output)?;
    Ok(Exit::Success.into())
}

/// Brings the cluster up and says how to reach it.
pub(super) fn bring_up(name: &Name, args: &Args, output: &Output) -> Result<(Cluster, Start)> {
    args.install_packages(name, output)?;
    let (cluster, start) = Cluster::up(&this_program()?, &args.spec(name)?, output)?;
    match start {
        Start::Started => output.note(&format!("cluster '{name}' is up")),
        Start::AlreadyUp => {
            output.note(&format!("cluster '{name}' was up already"));
            // Nobody is left to undo what a killed process injected.
            for fault in fault::revert_abandoned(&cluster)? {
                output.note(&format!("reverted the abandoned fault `{fault}`"));
            }
        }
    }
    output.note(&format!("export KUBECONFIG={}", cluster.kubeconfig().display()));
    Ok((cluster, start))
}

/// This program, which becomes the clusters' daemons too.
pub(super) fn this_program() -> Result<PathBuf> {
    let link = Path::new("/proc/self/exe");
    link.read_link().context(|| "find this program's own file".to_owned())
}
