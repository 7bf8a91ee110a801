//! The names that images carry: those that manifests use. What a tag is served with is what was
//! built here, which for an alias is not the version that it names; `kubectl run --image
//! busybox:1.36` has to find something.

use super::reference::Reference;
use crate::error::Result;

/// Docker Hub's tags of busybox.
pub(super) const BUSYBOX: &[&str] = &[
    "latest",
    "stable",
    "glibc",
    "1",
    "1.28",
    "1.35",
    "1.36",
    "1.36.1",
    "1.37",
    "1.37.0",
    "1.37.0-glibc",
];

/// The tags of busybox among Kubernetes' own test images.
pub(super) const E2E_BUSYBOX: &[&str] = &["1.29-4", "1.36.1-1", "1.37.0-1"];

/// Docker Hub's tags of nginx.
pub(super) const NGINX: &[&str] = &[
    "latest",
    "stable",
    "mainline",
    "alpine",
    "stable-alpine",
    "bookworm",
    "1",
    "1.14.2",
    "1.22",
    "1.25",
    "1.26",
    "1.27",
    "1.27-alpine",
    "1.28",
    "1.28-alpine",
    "1.29",
    "1.29-alpine",
];

/// The tags of nginx among Kubernetes' own test images.
pub(super) const E2E_NGINX: &[&str] = &["1.14-4", "1.15-4", "1.27-0"];

/// The pause images that kubeadm's and containerd's recent releases name.
pub(super) const PAUSE: &[&str] = &["3.9", "3.10", "3.10.1", "3.10.2"];

/// References to one repository under several tags.
pub(super) fn tagged(registry: &str, repository: &str, tags: &[&str]) -> Result<Vec<Reference>> {
    tags.iter().map(|tag| Reference::new(registry, repository, tag)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_is_a_valid_one_and_stands_once() {
        for tags in [BUSYBOX, E2E_BUSYBOX, NGINX, E2E_NGINX, PAUSE] {
            let mut references = tagged("docker.io", "library/x", tags).unwrap();
            references.sort();
            references.dedup();
            assert_eq!(references.len(), tags.len());
        }
    }
}
