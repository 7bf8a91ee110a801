//! Gathering the facts: every request once, all at the same time, and what came of them put into
//! words. Each file reads one part of what was fetched and is pure.

mod cni;
mod config;
mod daemon_sets;
mod dns;
#[cfg(test)]
mod example;
mod fetch;
mod flags;
mod kube_proxy;
mod leases;
mod listed;
mod load_balancer;
mod nodes;
mod objects;
mod proxies;
mod ranges;
mod raw;
mod targets;

use std::future::{Future, ready};

use futures::future::BoxFuture;

use fetch::{Fetch, Fetched, Missing};
use objects::OfServices;
use raw::Raw;

use super::{
    ClusterDns, Fact, Facts, Lease, Node, Places, Source, Target, TargetName,
    source::{self, DEFAULT, KUBE_SYSTEM, Request},
};
use crate::cluster::{Cluster, ClusterError};

/// Only the nodes, as they are now.
///
/// # Errors
///
/// They can't be listed, or the API server can't be reached.
pub async fn nodes(cluster: &Cluster) -> Result<Fact<Vec<Node>>, ClusterError> {
    Ok(known(Fetch::new(cluster).nodes().await?))
}

/// Only the cluster's DNS, as it is now; its domain isn't read.
pub async fn cluster_dns(cluster: &Cluster) -> Result<Fact<ClusterDns>, ClusterError> {
    let fetch = Fetch::new(cluster);
    let (services, slices, pods) = tokio::try_join!(
        fetch.services(KUBE_SYSTEM, dns::LABEL),
        fetch.endpoint_slices(KUBE_SYSTEM, dns::SERVICE),
        fetch.pods(KUBE_SYSTEM, dns::LABEL),
    )?;
    let pods = dns::pods(&fetch, &services, slices, pods).await?;
    Ok(dns::cluster_dns(&services, pods, dns::Configured::default()))
}

/// Only these Services, as they are now.
///
/// # Errors
///
/// The credentials are no longer accepted, or the API server can't be reached. Whatever else can't be
/// read is an absent or forbidden [`Fact`].
pub async fn targets(cluster: &Cluster, names: &[TargetName]) -> Result<Vec<Target>, ClusterError> {
    let fetch = Fetch::new(cluster);
    let all = names.iter().map(|name| targets::target(&fetch, name));
    futures::future::try_join_all(all).await
}

/// Only the Leases of the control plane's components, as they are now.
pub async fn leases(cluster: &Cluster) -> Fact<Vec<Lease>> {
    match Fetch::new(cluster).leases(KUBE_SYSTEM).await {
        Ok(found) => leases::leases(found, cluster.clock.now()),
        Err(error) => Fact::Absent { reason: error.to_string() },
    }
}

/// The response to a request, if it is needed. In a box: all of them together would be
/// too large for the stack of a thread.
fn asked<'a, T: Send + 'a>(
    wanted: bool,
    request: impl Future<Output = Result<Fetched<T>, ClusterError>> + Send + 'a,
) -> BoxFuture<'a, Result<Fetched<T>, ClusterError>> {
    if wanted { Box::pin(request) } else { Box::pin(ready(Ok(Err(Missing::unasked())))) }
}

fn services_and_addresses<'a>(
    fetch: &'a Fetch<'_>,
    wanted: bool,
) -> BoxFuture<'a, Result<OfServices, ClusterError>> {
    if wanted {
        Box::pin(objects::services(fetch))
    } else {
        Box::pin(ready(Ok(OfServices::unasked())))
    }
}

fn known(nodes: Vec<Node>) -> Fact<Vec<Node>> {
    Fact::Known { value: nodes, source: "nodes".to_owned() }
}

/// Gathers these parts of the facts, reading only. The others are absent: "not asked for". The nodes are
/// always read.
///
/// # Errors
///
/// The nodes can't be listed, the credentials are no longer accepted, or the API server can't be
/// reached. Anything else that can't be read is an absent or forbidden [`Fact`].
#[tracing::instrument(skip_all)]
pub async fn gather(cluster: &Cluster, sources: &[Source]) -> Result<Facts, ClusterError> {
    let fetch = Fetch::new(cluster);
    let wanted = source::requests(sources);
    let asks = |request: Request| wanted.contains(&request);
    let config_map = |request, name| asked(asks(request), fetch.config_map(KUBE_SYSTEM, name));
    let (
        nodes,
        service_cidrs,
        kubeadm,
        kube_proxy,
        kube_proxy_eks,
        kubelet,
        coredns,
        components,
        daemon_sets,
        dns_services,
        dns_slices,
        labelled,
        services,
        api_service,
        api_slices,
        pods,
        leases,
        proxy_pods,
    ) = tokio::try_join!(
        fetch.nodes(),
        asked(asks(Request::ServiceCidrs), fetch.service_cidrs()),
        config_map(Request::Kubeadm, "kubeadm-config"),
        config_map(Request::KubeProxy, "kube-proxy"),
        config_map(Request::KubeProxyEks, "kube-proxy-config"),
        config_map(Request::Kubelet, "kubelet-config"),
        config_map(Request::CoreDns, "coredns"),
        asked(asks(Request::Components), fetch.commands(KUBE_SYSTEM, flags::COMPONENTS)),
        asked(asks(Request::DaemonSets), fetch.daemon_sets()),
        asked(asks(Request::DnsServices), fetch.services(KUBE_SYSTEM, dns::LABEL)),
        asked(asks(Request::DnsSlices), fetch.endpoint_slices(KUBE_SYSTEM, dns::SERVICE)),
        asked(asks(Request::DnsPods), fetch.pods(KUBE_SYSTEM, dns::LABEL)),
        services_and_addresses(&fetch, asks(Request::Services)),
        asked(asks(Request::KubernetesService), fetch.service(DEFAULT, objects::KUBERNETES)),
        asked(asks(Request::KubernetesSlices), fetch.endpoint_slices(DEFAULT, objects::KUBERNETES)),
        asked(asks(Request::Pods), fetch.running_pods(objects::MOST_PODS)),
        asked(asks(Request::Leases), fetch.leases(KUBE_SYSTEM)),
        asked(asks(Request::ProxyPods), fetch.proxy_pods(KUBE_SYSTEM, "k8s-app=kube-proxy")),
    )?;
    let dns_services = dns::services(&fetch, dns_services).await?;
    let raw = Raw {
        service_cidrs,
        kubeadm,
        kube_proxy,
        kube_proxy_eks,
        kubelet,
        coredns,
        components,
        daemon_sets,
        dns_services,
    };
    let cni = cni::cni(&raw.daemon_sets, &nodes);
    let now = cluster.clock.now();
    let load_balancer = load_balancer::provider(&raw.daemon_sets, &leases, now);

    // A pod network that keeps its ranges to itself, and DNS pods that no EndpointSlice shows, are
    // asked for only where there are such.
    let dns_pods = dns::pods(&fetch, &raw.dns_services, dns_slices, labelled);
    let ((pods_of_cni, cni_config), dns_pods) =
        tokio::try_join!(cni::pod_ranges(&fetch, &cni), dns_pods)?;

    let kubernetes_service = objects::kubernetes_service(api_service, api_slices);
    let kubernetes_service = objects::certified(cluster, kubernetes_service).await;

    let mut pod_ranges = ranges::pod_ranges(&raw, &nodes);
    pod_ranges.extend(pods_of_cni);
    Ok(Facts {
        server: cluster.server.clone(),
        pod_ranges,
        service_ranges: ranges::service_ranges(&raw),
        kube_proxy: kube_proxy::said_of_k3s(
            kube_proxy::kube_proxy(&raw, cni_config.as_ref()),
            &nodes,
        ),
        cni,
        cluster_dns: dns::cluster_dns(
            &raw.dns_services,
            dns_pods,
            dns::Configured {
                domain: dns::domain(&raw),
                zones: dns::zones(&raw),
                upstreams: dns::upstreams(&raw),
            },
        ),
        service_cidrs: objects::service_cidrs(&raw),
        services: services.of_all,
        unreserved: services.unreserved,
        kubernetes_service,
        pods: objects::pods(pods),
        leases: leases::leases(leases, now),
        load_balancer,
        proxy_pods: leases::proxy_pods(proxy_pods),
        targets: Vec::new(),
        snapshots: Vec::new(),
        inside_pods: Vec::new(),
        gateways: Vec::new(),
        deprecated: Vec::new(),
        diagnostics: Vec::new(),
        places: Places::default(),
        rulesets: Vec::new(),
        nodes: known(nodes),
    })
}
