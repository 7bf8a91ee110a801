//! The documents that images are made of, with the names that the OCI image specification gives their
//! fields (<https://github.com/opencontainers/image-spec>), and the index that `docker save` writes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::digest::Digest;

/// The media type of an image's manifest.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an image's configuration.
pub(super) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The media type of a layer that is not compressed.
pub(super) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// The media type of a layer compressed by gzip.
pub(super) const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A blob, as other documents refer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    #[serde(default)]
    pub media_type: String,
    pub digest: Digest,
    /// In bytes.
    #[serde(default)]
    pub size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// What an image runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Platform {
    pub architecture: String,
    pub os: String,
}

/// What an image is made of.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub schema_version: u8,
    #[serde(default)]
    pub media_type: String,
    pub config: Descriptor,
    #[serde(default)]
    pub layers: Vec<Descriptor>,
}

/// Several manifests: `index.json` of an image layout, or an image for several platforms.
#[derive(Debug, Deserialize)]
pub(super) struct Index {
    pub manifests: Vec<Descriptor>,
}

/// An image's configuration.
#[derive(Debug, Serialize)]
pub(super) struct Configuration<'a> {
    pub architecture: &'a str,
    pub os: &'a str,
    pub config: &'a Execution<'a>,
    pub rootfs: RootFs<'a>,
}

/// How a container of an image is started.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Execution<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub entrypoint: &'a [&'a str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub cmd: &'a [&'a str],
    /// Variables beside `PATH`.
    #[serde(serialize_with = "environment")]
    pub env: &'a [(&'a str, &'a str)],
    #[serde(skip_serializing_if = "str::is_empty")]
    pub user: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub working_dir: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "ports")]
    pub exposed_ports: &'a [&'a str],
    #[serde(skip_serializing_if = "str::is_empty")]
    pub stop_signal: &'a str,
}

/// The layers of a configuration, by what they are when they are not compressed.
#[derive(Debug, Serialize)]
pub(super) struct RootFs<'a> {
    #[serde(rename = "type")]
    pub kind: &'a str,
    pub diff_ids: Vec<&'a Digest>,
}

/// An image in the `manifest.json` of `docker save`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DockerImage {
    pub config: String,
    pub repo_tags: Option<Vec<String>>,
    pub layers: Vec<String>,
}

/// The search path that images of Debian and busybox set.
pub(super) const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn environment<S: Serializer>(all: &[(&str, &str)], serializer: S) -> Result<S::Ok, S::Error> {
    let own = all.iter().map(|(name, value)| format!("{name}={value}"));
    serializer.collect_seq([PATH.to_owned()].into_iter().chain(own))
}

fn ports<S: Serializer>(all: &[&str], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(all.iter().map(|port| (port, BTreeMap::<String, String>::new())))
}
