//! How a pod of kube-proxy is.

use super::listed::ListedPod;
use crate::facts::ProxyPod;

/// A pod of kube-proxy as the facts hold it.
pub(super) fn proxy_pod(pod: ListedPod) -> ProxyPod {
    let mut found = ProxyPod {
        name: pod.metadata.name,
        node: pod.spec.node_name,
        running: false,
        restarts: 0,
        waiting: None,
        ended: None,
    };
    for status in pod.status.container_statuses {
        let state = status.state.as_ref();
        found.running |= state.is_some_and(|state| state.running.is_some());
        found.restarts += u32::try_from(status.restart_count).unwrap_or_default();
        let waiting = state.and_then(|state| state.waiting.as_ref());
        found.waiting = found.waiting.or_else(|| waiting.and_then(|it| it.reason.clone()));
        let last = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
        let now = state.and_then(|state| state.terminated.as_ref());
        found.ended = found.ended.or_else(|| {
            let ended = now.or(last)?;
            let reason = ended.reason.as_deref().unwrap_or("ended");
            let said = ended.message.as_deref().and_then(|text| text.trim().lines().last());
            Some(match said {
                Some(said) => format!("{reason}, exit code {}: {said}", ended.exit_code),
                None => format!("{reason}, exit code {}", ended.exit_code),
            })
        });
    }
    found
}
