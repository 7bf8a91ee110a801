//! What DaemonSets tell of what they run.

use k8s_openapi::api::apps::v1::DaemonSet;

/// Whether a DaemonSet has any pods to run: one that is switched off by a node selector stays.
pub(super) fn has_pods(set: &DaemonSet) -> bool {
    set.status.as_ref().is_none_or(|status| status.desired_number_scheduled > 0)
}

/// The tag of the image of its first container.
pub(super) fn image_tag(set: &DaemonSet) -> Option<String> {
    let pod = set.spec.as_ref()?.template.spec.as_ref()?;
    let image = pod.containers.first()?.image.as_deref()?;
    let (image, _digest) = image.split_once('@').unwrap_or((image, ""));
    let (_, tag) = image.rsplit('/').next()?.split_once(':')?;
    Some(tag.to_owned())
}
