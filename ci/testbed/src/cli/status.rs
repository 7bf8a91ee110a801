//! `testbed status`

use std::process::ExitCode;

use super::Output;
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    exit::Exit,
    health, shape,
    spec::Name,
    state::Store,
};

pub(super) fn run(name: &Name, output: &Output) -> Result<ExitCode> {
    for other in Store::open().names()?.iter().filter(|other| *other != name) {
        let state = match Cluster::that_is_up(other) {
            Ok(_) => "is up".to_owned(),
            Err(Error::NotUp { state, .. }) => state.to_owned(),
            Err(error) => format!("cannot be read: {error}"),
        };
        output.result(&format!("cluster '{other}' {state}"));
    }
    let cluster = Cluster::that_is_up(name)?;
    let missing = health::missing(&cluster.kubeconfig(), &cluster.record().spec)?;
    output.result(&format!(
        "cluster '{name}' is {}",
        if missing.is_empty() { "healthy" } else { "not healthy" }
    ));
    output.result(&format!("  shape: {}", shape::describe(&cluster.record().spec)));
    for node in cluster.nodes() {
        let addresses: Vec<_> = node.addresses.iter().map(ToString::to_string).collect();
        output.result(&format!(
            "  {}: {} (pid {})",
            node.name,
            addresses.join(", "),
            node.process.pid
        ));
    }
    for phrase in &missing {
        output.result(&format!("  {phrase}"));
    }
    output.result(&format!("  kubeconfig: {}", cluster.kubeconfig().display()));
    Ok(if missing.is_empty() { Exit::Success } else { Exit::NotUp }.into())
}
