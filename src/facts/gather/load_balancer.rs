//! Who gives addresses to Services of type LoadBalancer, where that costs nothing.

use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::DaemonSet, coordination::v1::Lease};
use kube::ResourceExt;

use super::{daemon_sets::has_pods, fetch::Fetched};
use crate::facts::Fact;

/// How the images of providers end that run on the cluster's own nodes, before their tags. (kube-vip is
/// not among them: where it serves the control plane alone, it looks the same.)
const IMAGES: [(&str, &str); 5] = [
    ("metallb/speaker", "MetalLB"),
    ("metallb-speaker", "MetalLB"),
    ("openelb/openelb-speaker", "OpenELB"),
    ("purelb/lbnodeagent", "PureLB"),
    ("rancher/klipper-lb", "ServiceLB"),
];

/// The Lease that the provider of this project's own testbed holds.
const OF_TESTBED: &str = "testbed-load-balancer";

/// The provider, by what it runs or holds. Others than these may make load balancers that cost money.
pub(super) fn provider(
    daemon_sets: &Fetched<Vec<DaemonSet>>,
    leases: &Fetched<Vec<Lease>>,
    now: Timestamp,
) -> Fact<String> {
    if leases.iter().flatten().any(|lease| lease.name_any() == OF_TESTBED && is_held(lease, now)) {
        let source = format!("Lease {OF_TESTBED} in kube-system");
        return Fact::Known { value: "the testbed's provider".to_owned(), source };
    }
    let sets = match daemon_sets {
        Ok(sets) => sets,
        Err(missing) => return missing.clone().into(),
    };
    for set in sets.iter().filter(|set| has_pods(set)) {
        if let Some(name) = images(set).find_map(named) {
            let set = format!("{}/{}", set.namespace().unwrap_or_default(), set.name_any());
            return Fact::Known { value: name.to_owned(), source: format!("DaemonSet {set}") };
        }
    }
    Fact::Absent { reason: "no DaemonSet of MetalLB, OpenELB, PureLB or ServiceLB".to_owned() }
}

fn is_held(lease: &Lease, now: Timestamp) -> bool {
    let renewed = lease.spec.as_ref().and_then(|spec| spec.renew_time.as_ref());
    // Long enough for a busy machine, and short enough for a provider that is gone.
    renewed.is_some_and(|renewed| now.as_second() - renewed.0.as_second() < 60)
}

fn images(set: &DaemonSet) -> impl Iterator<Item = &str> {
    let pod = set.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    pod.into_iter().flat_map(|pod| &pod.containers).filter_map(|it| it.image.as_deref())
}

fn named(image: &str) -> Option<&'static str> {
    let (image, _) = image.split_once('@').unwrap_or((image, ""));
    // A colon before the last slash is that of a registry's port.
    let slash = image.rfind('/').unwrap_or_default();
    let end = image[slash..].find(':').map_or(image.len(), |colon| slash + colon);
    let known = IMAGES.iter().find(|(name, _)| image[..end].ends_with(name));
    known.map(|(_, provider)| *provider)
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-26T12:00:30Z".parse().unwrap()
    }

    fn set(image: &str) -> DaemonSet {
        from_value(json!({
            "metadata": {"name": "speaker", "namespace": "metallb-system"},
            "spec": {"selector": {}, "template": {"spec": {
                "containers": [{"name": "speaker", "image": image}]}}},
        }))
        .unwrap()
    }

    #[test]
    fn a_provider_on_the_clusters_own_nodes_is_known_by_its_image() {
        for (image, provider) in [
            ("quay.io/metallb/speaker:v0.15.2", Some("MetalLB")),
            ("mirror:5000/metallb/speaker", Some("MetalLB")),
            ("openelb/openelb-speaker:v0.6@sha256:00", Some("OpenELB")),
            ("rancher/klipper-lb:v0.4.13", Some("ServiceLB")),
            ("registry.k8s.io/kube-proxy:v1.36.0", None),
        ] {
            let found = provider_of(&[set(image)], &[]);
            assert_eq!(found.known().map(String::as_str), provider, "{image}");
        }
    }

    fn provider_of(sets: &[DaemonSet], leases: &[Lease]) -> Fact<String> {
        provider(&Ok(sets.to_vec()), &Ok(leases.to_vec()), now())
    }

    #[test]
    fn the_testbeds_provider_counts_for_as_long_as_it_renews_its_lease() {
        let lease = |renewed: &str| -> Lease {
            from_value(json!({
                "metadata": {"name": OF_TESTBED}, "spec": {"renewTime": renewed},
            }))
            .unwrap()
        };
        assert!(provider_of(&[], &[lease("2026-11-26T12:00:20.000000Z")]).known().is_some());
        assert!(provider_of(&[], &[lease("2026-11-26T11:58:20.000000Z")]).known().is_none());
    }
}
