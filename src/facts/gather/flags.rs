//! The command-line flags of the components that run as static pods.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

/// The label by which kubeadm and its kin mark them.
pub(super) const COMPONENTS: &str =
    "component in (kube-apiserver,kube-controller-manager,kube-proxy)";

/// The pods of one component.
pub(super) fn of_component<'a>(pods: &'a [Pod], component: &str) -> impl Iterator<Item = &'a Pod> {
    pods.iter().filter(move |pod| pod.labels().get("component").is_some_and(|is| is == component))
}

/// The value of a flag (`--cluster-cidr`) in a pod's command lines, given as `--flag=value` or
/// `--flag value`. The last one counts, as it does for the component.
pub(super) fn flag<'a>(pod: &'a Pod, flag: &str) -> Option<&'a str> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    in_words(
        containers.flat_map(|container| container.command.iter().chain(&container.args).flatten()),
        flag,
    )
}

/// The same among the words of a command line.
pub(super) fn in_words<'a>(words: impl Iterator<Item = &'a String>, flag: &str) -> Option<&'a str> {
    let mut found = None;
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        if let Some(rest) = word.strip_prefix(flag) {
            match rest.strip_prefix('=') {
                Some(value) => found = Some(value),
                None if rest.is_empty() => found = words.peek().map(|word| word.as_str()).or(found),
                None => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(command: &[&str], args: &[&str]) -> Pod {
        serde_json::from_value(serde_json::json!({
            "metadata": {"name": "p", "labels": {"component": "kube-apiserver"}},
            "spec": {"containers": [{"name": "c", "command": command, "args": args}]},
        }))
        .unwrap()
    }

    #[test]
    fn a_flag_is_found_in_both_notations_and_the_last_one_counts() {
        let pod = pod(
            &["kube-apiserver", "--service-cluster-ip-range=10.96.0.0/16", "--v", "2"],
            &["--service-cluster-ip-range=10.97.0.0/16", "--service-cluster-ip-range-x=1"],
        );
        assert_eq!(flag(&pod, "--service-cluster-ip-range"), Some("10.97.0.0/16"));
        assert_eq!(flag(&pod, "--v"), Some("2"));
        assert_eq!(flag(&pod, "--cluster-cidr"), None);
    }

    #[test]
    fn pods_are_sorted_by_component() {
        let pods = [pod(&[], &[])];
        assert_eq!(of_component(&pods, "kube-apiserver").count(), 1);
        assert_eq!(of_component(&pods, "kube-proxy").count(), 0);
    }
}
