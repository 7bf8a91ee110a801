//! Manifests of network plugins that commands take from where they are released.

use crate::lint::source::Spanned;

use super::Lower;

/// Whether a URL is that of a manifest which flannel or Calico releases for IPv4.
pub(super) fn is_stock(url: &str) -> bool {
    let file = url.rsplit('/').next().unwrap_or_default();
    let of = |project: &str, files: &[&str]| url.contains(project) && files.contains(&file);
    url.contains("://")
        && (of("flannel", &["kube-flannel.yml", "kube-flannel.yaml"])
            || of(
                "calico",
                &["calico.yaml", "calico-typha.yaml", "canal.yaml", "custom-resources.yaml"],
            ))
}

impl Lower<'_> {
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
