//! Looking at the nodes from inside once something has failed: which ones, and for which addresses.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use futures::future::join_all;
use kube::Client;
use tokio::time::Instant;

use super::{Ledger, SnapshotPolicy};
use crate::{
    check::{Reading, World},
    cluster::{PodExec, exec_lines},
    fixture::{BACKEND_CONTAINER, Fixture, PROBE_CONTAINER, ServiceRole, Workload},
    net::IpFamily,
    probe::{Aim, Probe},
    snapshot::{self, Reader, Snapshot},
};

/// How many nodes are looked at, beside one that nothing points at.
const SUSPECTS: usize = 6;

/// How many nodes are looked at where all of them are asked for.
const ALL: usize = 50;

/// How many nodes of DNS pods.
const DNS: usize = 3;

/// How long one may take. Healthy nodes need a fraction of a second.
const LIMIT: Duration = Duration::from_secs(2);

/// The nodes to look at, and the addresses whose routes to look up there: the nodes that most of what
/// went wrong has to do with, and one healthy peer to compare them with. No nodes where no probe
/// failed.
pub(super) fn wanted(
    world: World<'_>,
    ledger: &Ledger,
    look: SnapshotPolicy,
) -> (Vec<String>, Vec<IpAddr>) {
    let nodes = match look {
        SnapshotPolicy::Off => Vec::new(),
        SnapshotPolicy::Suspects | SnapshotPolicy::Rules => suspects(world, ledger),
        SnapshotPolicy::All => {
            let mut nodes = suspects(world, ledger);
            let others = world.fixture.selected().map(str::to_owned);
            let others: Vec<String> = others.filter(|node| !nodes.contains(node)).collect();
            nodes.extend(others);
            nodes.truncate(ALL);
            nodes
        }
    };
    let addresses = addresses(world, &nodes);
    (nodes, addresses)
}

fn suspects(world: World<'_>, ledger: &Ledger) -> Vec<String> {
    let mut failures: BTreeMap<&str, usize> = BTreeMap::new();
    for (probe, observation) in ledger.failed() {
        if Reading::of(world, probe, observation).symptom().is_none() {
            continue;
        }
        let from = probe.vantage.node();
        let nodes: BTreeSet<&str> =
            [from, probe.aim.node(), probe.aim.backend()].into_iter().flatten().collect();
        for node in nodes {
            *failures.entry(node).or_default() += 1;
        }
    }
    if failures.is_empty() {
        return Vec::new();
    }
    let place =
        |node: &str| (usize::MAX - failures.get(node).copied().unwrap_or(0), node.to_owned());
    let mut nodes: Vec<&str> = world.fixture.selected().collect();
    nodes.sort_by_key(|node| place(node));
    let peer = nodes.last().copied();
    let mut wanted: Vec<&str> =
        nodes.into_iter().filter(|node| failures.contains_key(node)).take(SUSPECTS).collect();
    wanted.extend(peer.filter(|peer| !wanted.contains(peer)));
    wanted.into_iter().map(str::to_owned).collect()
}

/// The nodes whose components are asked besides: those of the DNS pods, where DNS failed.
pub(super) fn of_dns(world: World<'_>, ledger: &Ledger) -> Vec<String> {
    let about_dns = |probe: &Probe| {
        matches!(
            probe.aim,
            Aim::DnsService
                | Aim::DnsPod { .. }
                | Aim::Records { .. }
                | Aim::Name { .. }
                | Aim::Pointer { .. }
        )
    };
    if !ledger.failed().any(|(probe, _)| about_dns(probe)) {
        return Vec::new();
    }
    let dns = world.facts.cluster_dns.known().into_iter();
    let nodes = dns.flat_map(|dns| &dns.pods).filter_map(|pod| pod.node.clone());
    let nodes: BTreeSet<String> = nodes.collect();
    nodes.into_iter().take(DNS).collect()
}

/// Of each family: the pods on these nodes, the nodes' own addresses, and a ClusterIP.
fn addresses(world: World<'_>, nodes: &[String]) -> Vec<IpAddr> {
    let known = world.facts.nodes.known();
    let mut addresses = Vec::new();
    for family in IpFamily::ALL {
        let pods = nodes.iter().filter_map(|node| world.fixture.backend_on(node)?.address(family));
        addresses.extend(pods);
        let own = known.into_iter().flatten().filter(|node| nodes.contains(&node.name));
        addresses.extend(own.filter_map(|node| node.internal_ips(family).next()));
        let service = world.fixture.service(&ServiceRole::NodePort);
        addresses.extend(service.and_then(|service| service.cluster_ip(family)));
    }
    addresses
}

/// How a place looks from inside, and in which pod it is looked at.
struct Place<'f> {
    node: &'f str,
    namespace: &'f str,
    container: &'static str,
    workload: Option<&'f Workload>,
    /// Whether it is the pod's own network that is looked at, and not the node's.
    own: bool,
}

/// Looks at the nodes, all at the same time, from their host-network pods. A node that can't be looked
/// at has a snapshot that says why.
#[tracing::instrument(name = "snapshot", skip_all)]
pub(super) async fn take(
    client: &Client,
    fixture: &Fixture,
    nodes: &[String],
    addresses: &[IpAddr],
) -> Vec<Snapshot> {
    let places = nodes.iter().map(|node| Place {
        node,
        namespace: fixture.host_namespace(),
        container: PROBE_CONTAINER,
        workload: fixture.host_probe_on(node),
        own: false,
    });
    join_all(places.map(|place| one(client, place, addresses))).await
}

/// Looks into the pods of ours on the nodes, all at the same time. Those that aren't there are left out.
#[tracing::instrument(name = "pods from inside", skip_all)]
pub(super) async fn take_pods(
    client: &Client,
    fixture: &Fixture,
    nodes: &[String],
    addresses: &[IpAddr],
) -> Vec<Snapshot> {
    let place = |node, container, workload| Place {
        node,
        namespace: &fixture.namespace,
        container,
        workload,
        own: true,
    };
    let places = nodes.iter().flat_map(|node| {
        [
            place(node, PROBE_CONTAINER, fixture.probe_on(node)),
            place(node, BACKEND_CONTAINER, fixture.backend_on(node)),
        ]
    });
    let ready = places.filter(|place| place.workload.is_some_and(Workload::is_ready));
    join_all(ready.map(|place| one(client, place, addresses))).await
}

async fn one(client: &Client, place: Place<'_>, addresses: &[IpAddr]) -> Snapshot {
    let mut reader = Reader::new(place.node);
    let Some(pod) = place.workload.filter(|it| it.is_ready()).and_then(|it| it.pod.clone()) else {
        return reader.finish(Some("no host-network pod runs there".to_owned()));
    };
    if place.own {
        reader = reader.in_pod(&pod);
    }
    let request = PodExec {
        namespace: place.namespace.to_owned(),
        pod,
        container: place.container.to_owned(),
        command: snapshot::COMMAND.map(str::to_owned).to_vec(),
        stdin: snapshot::stdin(addresses.iter().copied()),
        deadline: Instant::now() + LIMIT,
    };
    let ended = exec_lines(client, &request, |line| reader.line(line)).await;
    reader.finish(ended.err())
}
