//! Images: layers with a configuration under names.

use serde::Serialize;

pub(super) use super::document::Execution as Config;
use super::{
    document::{CONFIG, Configuration, Descriptor, MANIFEST, Manifest, RootFs},
    reference::Reference,
    store::Store,
};
use crate::error::{Error, Result};

/// Writes an image of these layers, lowest first, and gives it its names.
pub(super) fn write(
    store: &Store,
    names: &[Reference],
    layers: &[Descriptor],
    config: &Config<'_>,
) -> Result<Descriptor> {
    let diff_ids = layers.iter().map(|layer| &layer.digest).collect();
    let rootfs = RootFs { kind: "layers", diff_ids };
    let config = Configuration { architecture: architecture(), os: "linux", config, rootfs };
    let config = store.put(CONFIG, &json(&config)?)?;
    write_manifest(store, names, config, layers.to_vec())
}

/// Writes the manifest of a configuration and layers that are in the store, and gives it its names.
pub(super) fn write_manifest(
    store: &Store,
    names: &[Reference],
    config: Descriptor,
    layers: Vec<Descriptor>,
) -> Result<Descriptor> {
    let media_type = MANIFEST.to_owned();
    let manifest = Manifest { schema_version: 2, media_type, config, layers };
    let manifest = store.put(MANIFEST, &json(&manifest)?)?;
    for name in names {
        store.tag(name, &manifest.digest)?;
    }
    Ok(manifest)
}

/// A document as it lies in a store or an archive.
pub(super) fn json(document: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(document).map_err(|error| Error::Format {
        what: "write a document of an image".to_owned(),
        reason: error.to_string(),
    })
}

/// The machine's architecture as Go, OCI and Debian call it.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        super::{document::PATH, layer::Layer},
        *,
    };

    #[test]
    fn a_manifest_names_blobs_that_are_there_and_of_that_size() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        let mut layer = Layer::new(&store).unwrap();
        layer.file("/etc/motd", "hello", 0o644).unwrap();
        let layer = layer.finish().unwrap();
        let name: Reference = "registry.k8s.io/thing:v1".parse().unwrap();
        let config = Config {
            cmd: &["sh"],
            stop_signal: "SIGQUIT",
            exposed_ports: &["80/tcp"],
            ..Config::default()
        };
        write(&store, std::slice::from_ref(&name), std::slice::from_ref(&layer), &config).unwrap();

        let read = |digest: &str| -> Value {
            serde_json::from_slice(&std::fs::read(store.blob(&digest.parse().unwrap())).unwrap())
                .unwrap()
        };
        let manifest = read(&store.resolve(&name).unwrap().unwrap().to_string());
        assert_eq!(manifest["mediaType"], MANIFEST);
        assert_eq!(manifest["layers"], json!([layer]));
        for blob in [&manifest["config"], &manifest["layers"][0]] {
            let path = store.blob(&blob["digest"].as_str().unwrap().parse().unwrap());
            assert_eq!(std::fs::metadata(path).unwrap().len(), blob["size"].as_u64().unwrap());
        }
        let config = read(manifest["config"]["digest"].as_str().unwrap());
        assert_eq!(config["rootfs"]["diff_ids"], json!([layer.digest.to_string()]));
        assert_eq!(
            config["config"],
            json!({ "Env": [PATH], "Cmd": ["sh"], "StopSignal": "SIGQUIT", "ExposedPorts": { "80/tcp": {} } })
        );
    }
}
