//! Carrying probes out: every source at the same time.

use futures::{StreamExt, future::BoxFuture, stream, stream::FuturesUnordered};
use kube::Client;

use super::{
    Batch, Observation, Probe, ProbeId, Sink, api_server, dns, outside, plan::Plan, pod,
    script::Room,
};
use crate::fixture::{Fixture, PROBE_CONTAINER, Workload};

/// How many execs run at once. Each is a connection over the API server to a kubelet, with a shell
/// and up to 32 probes behind it; more of them would compete with the API server's other clients
/// rather than end sooner.
pub const EXECS_AT_ONCE: usize = 64;

/// Carries probes out, and sends the observation of each to `sink` as soon as it is done. Returns
/// when all are; to drop it is to stop.
#[tracing::instrument(name = "probe", skip_all)]
pub async fn carry_out(
    client: &Client,
    fixture: &Fixture,
    probes: impl IntoIterator<Item = (ProbeId, Probe)>,
    sink: &Sink,
) {
    let plan = Plan::new(probes);
    let mut beside = FuturesUnordered::<BoxFuture<'_, ()>>::new();
    beside.push(Box::pin(outside::carry_out(plan.outside, sink)));
    let proxied = api_server::carry_out(client, &fixture.namespace, plan.api_server, sink);
    beside.push(Box::pin(proxied));
    for (server, probes) in plan.dns {
        beside.push(Box::pin(dns::carry_out(client, server, probes, sink)));
    }
    let sources = plan.pods.len() + plan.hosts.len() + plan.guarded.len();
    let room = Room::among(sources.min(EXECS_AT_ONCE));
    let mut execs = Vec::<BoxFuture<'_, ()>>::new();
    let namespace = &fixture.namespace;
    let host_namespace = fixture.host_namespace();
    let pods = plan.pods.into_iter().map(|batch| ((&fixture.probes, &**namespace), batch));
    let hosts = plan.hosts.into_iter().map(|batch| ((&fixture.host_probes, host_namespace), batch));
    let guarded = plan.guarded.into_iter().map(|batch| ((&fixture.guarded, &**namespace), batch));
    for ((workloads, namespace), (node, probes)) in pods.chain(hosts).chain(guarded) {
        match source(namespace, workloads, &node) {
            Ok(source) => execs.push(Box::pin(pod::carry_out(client, source, probes, room, sink))),
            Err(reason) => lose(probes, &reason, sink),
        }
    }
    let others = async { while beside.next().await.is_some() {} };
    let execs = stream::iter(execs).buffer_unordered(EXECS_AT_ONCE).collect::<Vec<()>>();
    tokio::join!(others, execs);
}

/// The pod to probe from on a node, or why there is none.
fn source(namespace: &str, workloads: &[Workload], node: &str) -> Result<pod::Source, String> {
    let workload = workloads.iter().find(|workload| workload.node == node);
    let pod = workload.filter(|workload| workload.is_ready()).and_then(|ready| ready.pod.clone());
    Ok(pod::Source {
        namespace: namespace.to_owned(),
        pod: pod.ok_or_else(|| format!("there is no pod to probe from on node {node}"))?,
        container: PROBE_CONTAINER.to_owned(),
    })
}

fn lose(probes: Batch, reason: &str, sink: &Sink) {
    for (id, _) in probes {
        let lost = Some(reason.to_owned());
        // Nobody listens any more where the run is over.
        let _ = sink.send((id, Observation { attempts: Vec::new(), lost }));
    }
}
