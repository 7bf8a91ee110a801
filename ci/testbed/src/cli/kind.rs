//! `testbed kind`

use std::process::ExitCode;

use super::{Output, up::this_program};
use crate::{
    cache::Cache,
    components::kind,
    error::Result,
    exit::Exit,
    preflight,
    spec::{Name, Spec},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Install missing Debian packages first (apt-get).
    #[arg(long)]
    install: bool,
}

pub(super) fn run(name: &Name, args: &Args, output: &Output) -> Result<ExitCode> {
    let cache = Cache::open()?;
    let testbed = this_program()?;
    let built = kind::is_prepared(&cache, &testbed);
    if args.install {
        let packages = preflight::install_beside(built)?;
        if !packages.is_empty() {
            output.note(&format!("installed {}", packages.join(", ")));
        }
    }
    // kind's nodes need no less of the machine than a cluster's.
    preflight::check_beside(built, &Spec::new(name.clone()))?;
    let parts = kind::prepare(&cache, &testbed, output)?;
    for (name, value) in [
        ("engine", parts.engine.display().to_string()),
        ("programs", parts.programs.display().to_string()),
        ("kubectl", parts.kubectl.display().to_string()),
        ("storage", parts.storage.display().to_string()),
        ("workload", parts.workload.display().to_string()),
        ("image", parts.image),
    ] {
        output.result(&format!("{name}={value}"));
    }
    Ok(Exit::Success.into())
}
