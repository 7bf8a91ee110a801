//! Reading the rules of suspect nodes' packet filters, for an operator who asked for it: by an exec in
//! kube-proxy's pods, which may read them.

use std::{net::IpAddr, time::Duration};

use futures::future::join_all;
use kube::Client;
use tokio::time::Instant;

use crate::{
    check::World,
    cluster::{Permission, PodExec, exec_lines},
    net::IpFamily,
    snapshot::{RULES_COMMAND, RulesReader, Ruleset},
};

/// Where kube-proxy runs, and its container there.
const NAMESPACE: &str = "kube-system";
const CONTAINER: &str = "kube-proxy";

/// How long one list may take.
const LIMIT: Duration = Duration::from_secs(2);

/// What is said before anything is made.
pub(super) const PRICE: &str = "if something fails, --snapshot rules lists the packet filter's rules of up to 7 \
     nodes, by `nft list ruleset` in kube-proxy's privileged pods there: this changes nothing, takes up to 2 s, \
     and transfers some megabytes through the API server from a node with thousands of Services; the record keeps \
     only rules that drop, without comments, and whether ClusterIPs of the run are translated";

/// What it takes.
pub(super) fn permissions(version: &str) -> Vec<Permission> {
    let permissions = Permission::to_enter(version, "pods/exec", Some(NAMESPACE));
    permissions.into_iter().map(|permission| Permission { optional: true, ..permission }).collect()
}

/// The rules of these nodes, all at the same time. A node that can't be read has a list that says why.
#[tracing::instrument(name = "rules", skip_all)]
pub(super) async fn take(client: &Client, world: World<'_>, nodes: &[String]) -> Vec<Ruleset> {
    join_all(nodes.iter().map(|node| one(client, world, node))).await
}

/// The ClusterIPs to look for.
fn cluster_ips(world: World<'_>) -> Vec<IpAddr> {
    let services = world.fixture.services.iter().filter(|service| service.role.is_basic());
    let ours = services.flat_map(|service| {
        IpFamily::ALL.into_iter().filter_map(|family| service.cluster_ip(family))
    });
    let dns = world.facts.cluster_dns.known().into_iter();
    ours.chain(dns.flat_map(|dns| dns.cluster_ips.iter().copied())).collect()
}

async fn one(client: &Client, world: World<'_>, node: &str) -> Ruleset {
    let mut reader = RulesReader::new(node, cluster_ips(world));
    let pods = world.facts.proxy_pods.known().into_iter().flatten();
    let pod = pods.filter(|pod| pod.running).find(|pod| pod.node.as_deref() == Some(node));
    let Some(pod) = pod else {
        return reader.finish(Some("no pod of kube-proxy runs there".to_owned()));
    };
    let request = PodExec {
        namespace: NAMESPACE.to_owned(),
        pod: pod.name.clone(),
        container: CONTAINER.to_owned(),
        command: RULES_COMMAND.map(str::to_owned).to_vec(),
        stdin: String::new(),
        deadline: Instant::now() + LIMIT,
    };
    let ended = exec_lines(client, &request, |line| reader.line(line)).await;
    reader.finish(ended.err())
}
