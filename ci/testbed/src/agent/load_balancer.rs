//! A provider of load balancers: it gives every Service of type LoadBalancer an address of each of its
//! families, and sends what comes for it to the first node, whose kube-proxy knows what to do.
//!
//! It holds a Lease, by which tools know that there is such a provider, and that it costs nothing. A
//! Service that names a class is for somebody else.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use futures::StreamExt;
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Service};
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
    runtime::{WatchStreamExt, reflector, watcher},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use crate::{
    error::Result,
    spec::Family,
    state::{ClusterDir, ProcessId, Record, Subnet},
    underlay::Underlay,
};

/// How long the fault may change unnoticed, and how soon what failed is tried again.
const TICK: Duration = Duration::from_millis(250);

/// For how long a watch goes on, in seconds: see the enforcer of policies.
const WATCH: u32 = 5;

/// The Lease, in kube-system.
const LEASE: &str = "testbed-load-balancer";

/// How often the Lease is renewed.
const RENEWAL: Duration = Duration::from_secs(5);

/// Where it is written what the provider leaves out, in the cluster's directory.
const LEFT_OUT: &str = "load-balancer-left-out.json";

/// How long the provider may take to notice that: several of its rounds.
const NOTICED: Duration = Duration::from_secs(1);

/// What the provider leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LeftOut {
    /// The families of which no Service gets an address.
    pub unassigned: Vec<Family>,
    /// The families whose addresses are sent nowhere.
    pub unrouted: Vec<Family>,
}

impl LeftOut {
    /// What a cluster's provider leaves out at present.
    pub(crate) fn of(dir: &ClusterDir) -> Result<Self> {
        Ok(dir.read(LEFT_OUT)?.unwrap_or_default())
    }

    /// Puts a family on one of the lists or takes it from there, and waits until that is noticed.
    pub(crate) fn set(
        dir: &ClusterDir,
        list: fn(&mut Self) -> &mut Vec<Family>,
        family: Family,
        broken: bool,
    ) -> Result<()> {
        let mut left_out = Self::of(dir)?;
        let families = list(&mut left_out);
        families.retain(|known| *known != family);
        families.extend(broken.then_some(family));
        dir.write(LEFT_OUT, &left_out)?;
        std::thread::sleep(NOTICED);
        Ok(())
    }
}

/// Serves for ever; returns only on failure.
pub(super) async fn run(dir: ClusterDir, record: Record) -> Result<()> {
    let client = super::watch::client(&dir).await?;
    let underlay = Underlay::new(ProcessId::of(std::process::id().cast_signed())?, record.subnet);
    let changed = Arc::new(Notify::new());
    let services = follow(&client, &changed);
    let mut provider = Provider { client, record, underlay, routes: BTreeMap::new() };
    let mut renewed = None;
    loop {
        if renewed.is_none_or(|at: Instant| at.elapsed() > RENEWAL) && provider.renew().await {
            renewed = Some(Instant::now());
        }
        let left_out = LeftOut::of(&dir)?;
        let known: Vec<Arc<Service>> = services.state();
        provider.serve(&known, &left_out).await;
        // A change says at once that there is something to do; a file and a failure don't.
        let _ = timeout(TICK, changed.notified()).await;
    }
}

struct Provider {
    client: Client,
    record: Record,
    underlay: Underlay,
    /// What is sent to a node at present.
    routes: BTreeMap<IpAddr, IpAddr>,
}

impl Provider {
    async fn renew(&self) -> bool {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), "kube-system");
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": { "name": LEASE },
            "spec": {
                "holderIdentity": "testbed",
                "leaseDurationSeconds": 30,
                "renewTime": now,
            },
        });
        let parameters = PatchParams::apply("testbed").force();
        match leases.patch(LEASE, &parameters, &Patch::Apply(&lease)).await {
            Ok(_) => true,
            Err(error) => {
                tracing::debug!(%error, "the Lease was not renewed");
                false
            }
        }
    }

    /// Gives addresses to Services that lack them, and sends all of them where they belong.
    async fn serve(&mut self, services: &[Arc<Service>], left_out: &LeftOut) {
        let concerned: Vec<&Arc<Service>> = services.iter().filter(|it| is_ours(it)).collect();
        let mut taken: BTreeSet<IpAddr> = concerned.iter().flat_map(|it| addresses(it)).collect();
        let mut all = BTreeSet::new();
        for service in concerned {
            let mut has = addresses(service);
            let before = has.len();
            for family in families(service) {
                let lacks = has.iter().all(|&ip| Family::of(ip) != family);
                if lacks && !left_out.unassigned.contains(&family) {
                    has.extend(self.free(family, &mut taken));
                }
            }
            if has.len() > before && !self.publish(service, &has).await {
                continue;
            }
            all.extend(has);
        }
        all.retain(|&ip| !left_out.unrouted.contains(&Family::of(ip)));
        self.send(&all);
    }

    /// An address that nobody has yet.
    fn free(&self, family: Family, taken: &mut BTreeSet<IpAddr>) -> Option<IpAddr> {
        let subnet = self.record.subnet;
        let mut all =
            (0..Subnet::LOAD_BALANCERS).map(|number| subnet.load_balancer(family, number));
        let free = all.find(|ip| !taken.contains(ip))?;
        taken.insert(free);
        Some(free)
    }

    async fn publish(&self, service: &Service, addresses: &[IpAddr]) -> bool {
        let namespace = service.namespace().unwrap_or_default();
        let services: Api<Service> = Api::namespaced(self.client.clone(), &namespace);
        let ingress: Vec<_> = addresses.iter().map(|ip| json!({ "ip": ip.to_string() })).collect();
        let status = Patch::Merge(json!({ "status": { "loadBalancer": { "ingress": ingress } } }));
        let name = service.name_any();
        match services.patch_status(&name, &PatchParams::default(), &status).await {
            Ok(_) => {
                tracing::info!(namespace, name, ?addresses, "balanced");
                true
            }
            Err(error) => {
                tracing::debug!(%error, namespace, name, "its status was not written");
                false
            }
        }
    }

    /// Sends these addresses to the first node, and no others.
    fn send(&mut self, addresses: &BTreeSet<IpAddr>) {
        let node = |family| self.record.subnet.node(family, 1);
        let desired: BTreeMap<IpAddr, IpAddr> =
            addresses.iter().map(|&ip| (ip, node(Family::of(ip)))).collect();
        if desired == self.routes {
            return;
        }
        let gone: Vec<IpAddr> =
            self.routes.keys().filter(|ip| !desired.contains_key(ip)).copied().collect();
        let underlay = &self.underlay;
        tokio::task::block_in_place(|| {
            for ip in gone {
                if let Err(error) = underlay.send_no_longer(ip) {
                    tracing::debug!(%error, "a route stays");
                }
            }
            // What fails is tried again in the next round.
            self.routes = desired;
            self.routes.retain(|&ip, &mut node| match underlay.send(ip, node) {
                Ok(()) => true,
                Err(error) => {
                    tracing::warn!(%error, detail = error.log_tail(), "not sent");
                    false
                }
            });
        });
    }
}

/// Whether a Service is for this provider.
fn is_ours(service: &Service) -> bool {
    let spec = service.spec.as_ref();
    let balanced = spec.and_then(|spec| spec.type_.as_deref()) == Some("LoadBalancer");
    let of_other = spec.is_some_and(|spec| spec.load_balancer_class.is_some());
    balanced && !of_other && service.metadata.deletion_timestamp.is_none()
}

fn families(service: &Service) -> Vec<Family> {
    let names = service.spec.iter().flat_map(|spec| spec.ip_families.iter().flatten());
    names
        .filter_map(|name| match name.as_str() {
            "IPv4" => Some(Family::V4),
            "IPv6" => Some(Family::V6),
            _ => None,
        })
        .collect()
}

/// The addresses that a Service has already.
fn addresses(service: &Service) -> Vec<IpAddr> {
    let status = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let ingress = status.into_iter().flat_map(|it| it.ingress.iter().flatten());
    ingress.filter_map(|it| it.ip.as_ref()?.parse().ok()).collect()
}

/// Keeps all Services at hand, and tells of changes.
fn follow(client: &Client, changed: &Arc<Notify>) -> reflector::Store<Service> {
    let (store, writer) = reflector::store();
    let (api, changed) = (Api::<Service>::all(client.clone()), Arc::clone(changed));
    tokio::spawn(async move {
        let config = watcher::Config::default().timeout(WATCH);
        let events = watcher::watcher(api, config).default_backoff();
        let mut events = std::pin::pin!(reflector::reflector(writer, events));
        while let Some(event) = events.next().await {
            match event {
                Ok(_) => changed.notify_one(),
                Err(error) => tracing::debug!(%error, "the watch of Services was interrupted"),
            }
        }
        tracing::error!("nobody watches Services any more");
    });
    store
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(spec: serde_json::Value) -> Service {
        serde_json::from_value(json!({ "metadata": { "name": "web" }, "spec": spec })).unwrap()
    }

    #[test]
    fn a_service_of_another_class_is_left_alone() {
        assert!(is_ours(&service(json!({ "type": "LoadBalancer" }))));
        assert!(!is_ours(&service(json!({ "type": "NodePort" }))));
        let other = json!({ "type": "LoadBalancer", "loadBalancerClass": "dualstack.dev/none" });
        assert!(!is_ours(&service(other)));
    }

    #[test]
    fn a_service_gets_what_its_families_say() {
        let both = service(json!({ "ipFamilies": ["IPv6", "IPv4"] }));
        assert_eq!(families(&both), [Family::V6, Family::V4]);
    }
}
