//! What a request asks for.

use crate::images::Digest;

/// The registry that is meant when a request names none.
const DEFAULT_REGISTRY: &str = "docker.io";

/// What a path below `/v2/` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked<'a> {
    /// The manifest that a tag points at.
    Tag {
        /// Such as `library/busybox`.
        repository: &'a str,
        /// Such as `1.37`.
        tag: &'a str,
    },
    /// A manifest by its digest.
    Manifest(Digest),
    /// A layer or a configuration.
    Blob(Digest),
}

impl<'a> Asked<'a> {
    /// Reads `<repository>/manifests/<tag or digest>` and `<repository>/blobs/<digest>`. The
    /// repository may have slashes, so the end decides. Blobs are the same whichever repository
    /// they are asked of.
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        let (rest, last) = path.rsplit_once('/')?;
        let (repository, kind) = rest.rsplit_once('/')?;
        match (kind, last.parse()) {
            ("manifests", Ok(digest)) => Some(Self::Manifest(digest)),
            ("manifests", Err(_)) => Some(Self::Tag { repository, tag: last }),
            ("blobs", Ok(digest)) => Some(Self::Blob(digest)),
            _ => None,
        }
    }
}

/// The upstream registry that a query string names in `ns`, as containerd does for mirrors.
pub(super) fn registry(query: Option<&str>) -> String {
    let value = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix("ns="));
    // Of what a host name with a port may hold, clients escape the colon and the brackets.
    let value = value.map(|value| {
        value.replace("%3A", ":").replace("%3a", ":").replace("%5B", "[").replace("%5D", "]")
    });
    match value.as_deref() {
        None | Some("" | "registry-1.docker.io" | "index.docker.io") => DEFAULT_REGISTRY.to_owned(),
        Some(name) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_may_have_slashes_and_misleading_names() {
        let tag = |repository, tag| Some(Asked::Tag { repository, tag });
        assert_eq!(Asked::parse("pause/manifests/3.10"), tag("pause", "3.10"));
        assert_eq!(Asked::parse("coredns/coredns/manifests/v1"), tag("coredns/coredns", "v1"));
        assert_eq!(Asked::parse("a/manifests/b/manifests/v1"), tag("a/manifests/b", "v1"));
    }

    #[test]
    fn a_digest_is_told_from_a_tag() {
        let digest = Digest::of(b"x");
        assert_eq!(
            Asked::parse(&format!("a/b/manifests/{digest}")),
            Some(Asked::Manifest(digest.clone()))
        );
        assert_eq!(Asked::parse(&format!("a/b/blobs/{digest}")), Some(Asked::Blob(digest)));
    }

    #[test]
    fn anything_else_is_not_asked_for() {
        for path in
            ["", "pause", "pause/tags/list", "manifests/v1", "a/blobs/v1", "a/blobs/uploads/"]
        {
            assert_eq!(Asked::parse(path), None, "{path}");
        }
    }

    #[test]
    fn the_registry_is_the_one_that_ns_names_and_docker_hub_otherwise() {
        assert_eq!(registry(None), "docker.io");
        assert_eq!(registry(Some("x=y&ns=registry.k8s.io")), "registry.k8s.io");
        assert_eq!(registry(Some("ns=registry-1.docker.io")), "docker.io");
        assert_eq!(registry(Some("ns=localhost%3A5000")), "localhost:5000");
    }
}
