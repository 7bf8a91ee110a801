//! `testbed config`

use std::process::ExitCode;

use super::Output;
use crate::{
    error::{Error, Result},
    exit::Exit,
    kubeadm,
    shape::Flags,
    spec::Name,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    shape: Flags,
    /// The node: n1 gets the configuration of `kubeadm init`, the others that of `kubeadm join`.
    #[arg(long, default_value = "n1")]
    node: String,
}

pub(super) fn run(name: &Name, args: &Args, output: &Output) -> Result<ExitCode> {
    let all = kubeadm::configurations(&args.shape.spec(name)?)?;
    let found = all.iter().find(|configuration| configuration.node == args.node);
    let configuration = found.ok_or_else(|| {
        Error::Invalid(format!("no node '{}': choose one of n1 to n{}", args.node, all.len()))
    })?;
    output.result(configuration.yaml.trim_end());
    Ok(Exit::Success.into())
}
