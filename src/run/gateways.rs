//! Whether the nodes' default gateways are there, which nothing else that a run tries may pass.

use std::time::Duration;

use futures::future::join_all;
use kube::Client;
use tokio::time::Instant;

use crate::{
    cluster::{PodExec, exec_lines},
    fixture::{Fixture, PROBE_CONTAINER, Workload},
    snapshot::{Deprecated, GATEWAY_COMMAND, Gateway},
};

/// Of how many nodes at most.
const MOST: usize = 32;

/// How long one may take; the script needs 10 s at most.
const LIMIT: Duration = Duration::from_secs(15);

/// Looks whether the default gateways of nodes answer and which of the nodes' addresses are deprecated, from their
/// host-network pods and all at the same time. Of a node that doesn't tell nothing is known.
#[tracing::instrument(name = "gateways", skip_all)]
pub(super) async fn take(client: &Client, fixture: &Fixture) -> (Vec<Gateway>, Vec<Deprecated>) {
    let ready = fixture.host_probes.iter().filter(|workload| workload.is_ready()).take(MOST);
    let each = join_all(ready.map(|workload| one(client, fixture, workload))).await;
    let (gateways, deprecated): (Vec<_>, Vec<_>) = each.into_iter().unzip();
    (gateways.concat(), deprecated.concat())
}

async fn one(
    client: &Client,
    fixture: &Fixture,
    workload: &Workload,
) -> (Vec<Gateway>, Vec<Deprecated>) {
    let Some(pod) = workload.pod.clone() else { return Default::default() };
    let request = PodExec {
        namespace: fixture.host_namespace().to_owned(),
        pod,
        container: PROBE_CONTAINER.to_owned(),
        command: GATEWAY_COMMAND.map(str::to_owned).to_vec(),
        stdin: String::new(),
        deadline: Instant::now() + LIMIT,
    };
    let (mut gateways, mut deprecated) = (Vec::new(), Vec::new());
    let read = |line: &str| {
        gateways.extend(Gateway::read(&workload.node, line));
        deprecated.extend(Deprecated::read(&workload.node, line));
    };
    let ended = exec_lines(client, &request, read).await;
    // What broke off may have read a state too early.
    if ended.is_err() {
        gateways.clear();
    }
    (gateways, deprecated)
}
