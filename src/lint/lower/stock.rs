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

/// Manifests of flannel.
const FLANNEL: [&str; 2] = ["kube-flannel.yml", "kube-flannel.yaml"];

/// Manifests of Calico.
const CALICO: [&str; 4] =
    ["calico.yaml", "calico-typha.yaml", "canal.yaml", "custom-resources.yaml"];

/// Whether a URL is that of a manifest which flannel, Calico or kube-router releases for IPv4. A copy that lies
/// elsewhere may have been changed.
pub(super) fn is_stock(url: &str) -> bool {
    let Some((place, file)) = url.rsplit_once('/') else { return false };
    let of = |places: &[&str], files: &[&str]| {
        places.iter().any(|it| place.contains(it)) && files.contains(&file)
    };
    url.contains("://")
        && (of(&["flannel-io/flannel", "coreos/flannel"], &FLANNEL)
            || of(&["cloudnativelabs/kube-router"], &KUBE_ROUTER)
            || of(&["projectcalico", "docs.tigera.io"], &CALICO))
}

impl Lower<'_> {
    /// Cilium, where a command installs it and all that it is told stands there: its IPv6 is off
    /// unless it is turned on.
    pub(super) fn stock_cilium(&mut self, words: &[Spanned<String>]) -> bool {
        let has = |own: &[&str]| words.iter().any(|word| own.contains(&word.value.as_str()));
        let installs = has(&["install", "--install", "-i"]);
        // `helm install NAME cilium/cilium`, or Cilium's own `cilium install`.
        let program = |word: &Spanned<String>| word.value.rsplit('/').next() == Some("cilium");
        let twice = words.iter().filter(|word| word.value == "cilium").count() > 1;
        let cilium = words.first().is_some_and(program) || has(&["cilium/cilium"]) || twice;
        // What the shell fills in, but for a flag's value, may turn it on.
        let open = words.windows(2).any(|pair| match pair {
            [before, word] => word.value.starts_with('$') && !before.value.starts_with('-'),
            _ => false,
        });
        if open {
            return false;
        }
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
