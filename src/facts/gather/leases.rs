//! Who leads the control plane's components, and how kube-proxy's pods are.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1;
use kube::ResourceExt;

use super::fetch::Fetched;
use crate::facts::{Fact, Lease, ProxyPod};

/// The components without which new objects stay without effect.
const COMPONENTS: [&str; 2] = ["kube-controller-manager", "kube-scheduler"];

/// The Leases of the components, as they are now by the API server's clock.
pub(super) fn leases(found: Fetched<Vec<v1::Lease>>, now: Timestamp) -> Fact<Vec<Lease>> {
    let found = match found {
        Ok(found) => found,
        Err(missing) => return missing.into(),
    };
    let of_component = found.iter().filter(|lease| COMPONENTS.contains(&lease.name_any().as_str()));
    let value: Vec<Lease> = of_component.map(|it| lease(it, now)).collect();
    if value.is_empty() {
        // Managed control planes keep them out of sight.
        let reason =
            "no Lease of kube-controller-manager or kube-scheduler in kube-system".to_owned();
        return Fact::Absent { reason };
    }
    Fact::Known { value, source: "Leases in kube-system".to_owned() }
}

fn lease(lease: &v1::Lease, now: Timestamp) -> Lease {
    let spec = lease.spec.as_ref();
    let renewed = spec.and_then(|spec| spec.renew_time.as_ref());
    let renewed = renewed.and_then(|time| Timestamp::from_millisecond(millis(time)).ok());
    let silent = renewed.map(|renewed| now.as_second().saturating_sub(renewed.as_second()));
    let duration = spec.and_then(|spec| spec.lease_duration_seconds);
    Lease {
        component: lease.name_any(),
        holder: spec.and_then(|spec| spec.holder_identity.clone()).filter(|it| !it.is_empty()),
        silent_seconds: silent.and_then(|seconds| u64::try_from(seconds).ok()),
        duration_seconds: duration.and_then(|it| u64::try_from(it).ok()).unwrap_or(15),
    }
}

fn millis(time: &k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime) -> i64 {
    time.0.as_millisecond()
}

/// kube-proxy's pods.
pub(super) fn proxy_pods(found: Fetched<Vec<ProxyPod>>) -> Fact<Vec<ProxyPod>> {
    match found {
        Ok(pods) if pods.is_empty() => Fact::Absent {
            reason: "no Pod with label k8s-app=kube-proxy in kube-system".to_owned(),
        },
        Ok(pods) => Fact::Known {
            value: pods,
            source: "Pods with label k8s-app=kube-proxy in kube-system".to_owned(),
        },
        Err(missing) => missing.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::{super::proxies::proxy_pod, *};

    #[test]
    fn a_lease_tells_for_how_long_its_component_was_silent() {
        let found: Vec<v1::Lease> = from_value(json!([
            {"metadata": {"name": "kube-scheduler"}, "spec": {
                "holderIdentity": "n1_x", "leaseDurationSeconds": 15,
                "renewTime": "2026-11-25T18:00:00.000000Z",
            }},
            {"metadata": {"name": "some-operator"}, "spec": {}},
        ]))
        .unwrap();
        let leases = leases(Ok(found), "2026-11-25T18:01:30Z".parse().unwrap());
        let [lease] = leases.known().unwrap().as_slice() else { panic!("{leases:?}") };
        assert_eq!((lease.silent_seconds, lease.is_stale()), (Some(90), true));
        assert_eq!(lease.holder.as_deref(), Some("n1_x"));
    }

    #[test]
    fn a_crashing_proxy_shows_its_last_words() {
        let pod = from_value(json!({
            "metadata": {"name": "kube-proxy-a"}, "spec": {"nodeName": "n2", "containers": []},
            "status": {"containerStatuses": [{
                "name": "kube-proxy", "image": "", "imageID": "", "ready": false, "restartCount": 4,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {
                    "exitCode": 1, "reason": "Error", "message": "I00 start\nunknown flag: --x\n",
                }},
            }]},
        }))
        .unwrap();
        let pods = proxy_pods(Ok(vec![proxy_pod(pod)]));
        let [pod] = pods.known().unwrap().as_slice() else { panic!("{pods:?}") };
        assert!(pod.is_crashing());
        assert_eq!(pod.ended.as_deref(), Some("Error, exit code 1: unknown flag: --x"));
    }
}
