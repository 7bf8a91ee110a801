//! Manifests of network plugins that commands take from where they are released.

use crate::lint::source::Spanned;

use super::Lower;

/// Manifests of kube-router, which have no `--enable-ipv6`.
const KUBE_ROUTER: [&str; 5] = [
    "kubeadm-kuberouter.yaml",
    "kubeadm-kuberouter-all-features.yaml",
    "kubeadm-kuberouter-all-features-hostport.yaml",
    "generic-kuberouter.yaml",
    "generic-kuberouter-all-features.yaml",
];

/// Whether a URL is that of a manifest which flannel, Calico or kube-router releases for IPv4.
pub(super) fn is_stock(url: &str) -> bool {
    let file = url.rsplit('/').next().unwrap_or_default();
    let of = |project: &str, files: &[&str]| url.contains(project) && files.contains(&file);
    url.contains("://")
        && (of("flannel", &["kube-flannel.yml", "kube-flannel.yaml"])
            || of("kube-router", &KUBE_ROUTER)
            || of(
                "calico",
                &["calico.yaml", "calico-typha.yaml", "canal.yaml", "custom-resources.yaml"],
            ))
}

impl Lower<'_> {
    /// Cilium, where a command installs it and all that it is told stands there: its IPv6 is off
    /// unless it is turned on.
    pub(super) fn stock_cilium(&mut self, words: &[Spanned<String>]) -> bool {
        let has = |own: &[&str]| words.iter().any(|word| own.contains(&word.value.as_str()));
        let installs = has(&["install", "--install", "-i"]);
        let cilium = has(&["cilium", "cilium/cilium"]);
        // `--set ipv6.enabled=true`, or `--config enable-ipv6=true` of older installers.
        let named = words.iter().any(|word| word.value.contains("ipv6"));
        let Some(first) = words.first().filter(|_| installs && cilium && !named) else {
            return false;
        };
        self.model.stock_manifests.push(first.clone());
        true
    }

    /// A network plugin's manifest that `kubectl` takes from where it is released.
    pub(super) fn stock_manifest(&mut self, words: &[Spanned<String>]) -> bool {
        let makes = |word: &Spanned<String>| matches!(&*word.value, "apply" | "create" | "replace");
        let stock = |word: &&Spanned<String>| is_stock(&word.value);
        let found = words.iter().filter(stock).filter(|_| words.iter().any(makes));
        let found: Vec<_> = found.cloned().collect();
        let known = !found.is_empty();
        self.model.stock_manifests.extend(found);
        known
    }
}
