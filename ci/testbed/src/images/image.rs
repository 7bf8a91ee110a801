//! Images: layers with a configuration under names.

use serde_json::{Map, Value, json};

use super::{
    reference::Reference,
    store::{CONFIG, Descriptor, MANIFEST, Store},
};
use crate::error::Result;

/// The search path that images of Debian and busybox set.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How a container of an image is started, in the words of the OCI image specification. What is
/// empty is left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Config<'a> {
    pub entrypoint: &'a [&'a str],
    pub cmd: &'a [&'a str],
    /// Variables beside `PATH`.
    pub env: &'a [(&'a str, &'a str)],
    pub user: &'a str,
    pub working_dir: &'a str,
    pub exposed_ports: &'a [&'a str],
    pub stop_signal: &'a str,
}

/// Writes an image of these layers, lowest first, and gives it its names.
pub(super) fn write(
    store: &Store,
    names: &[Reference],
    layers: &[Descriptor],
    config: &Config<'_>,
) -> Result<Descriptor> {
    let config = json!({
        "architecture": architecture(),
        "os": "linux",
        "config": config.json(),
        "rootfs": {
            "type": "layers",
            "diff_ids": layers.iter().map(|layer| layer.digest.to_string()).collect::<Vec<_>>(),
        },
    });
    let config = store.put(CONFIG, config.to_string().as_bytes())?;
    write_manifest(store, names, &config, layers)
}

/// Writes the manifest of a configuration and layers that are in the store, and gives it its names.
pub(super) fn write_manifest(
    store: &Store,
    names: &[Reference],
    config: &Descriptor,
    layers: &[Descriptor],
) -> Result<Descriptor> {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.json(),
        "layers": layers.iter().map(Descriptor::json).collect::<Vec<_>>(),
    });
    let manifest = store.put(MANIFEST, manifest.to_string().as_bytes())?;
    for name in names {
        store.tag(name, &manifest.digest)?;
    }
    Ok(manifest)
}

impl Config<'_> {
    fn json(&self) -> Value {
        let mut env = vec![PATH.to_owned()];
        env.extend(self.env.iter().map(|(name, value)| format!("{name}={value}")));
        let mut config = Map::from_iter([("Env".to_owned(), json!(env))]);
        let mut set = |name: &str, given: bool, value: Value| {
            if given {
                config.insert(name.to_owned(), value);
            }
        };
        let ports: Map<_, _> =
            self.exposed_ports.iter().map(|port| ((*port).to_owned(), json!({}))).collect();
        set("Entrypoint", !self.entrypoint.is_empty(), json!(self.entrypoint));
        set("Cmd", !self.cmd.is_empty(), json!(self.cmd));
        set("User", !self.user.is_empty(), json!(self.user));
        set("WorkingDir", !self.working_dir.is_empty(), json!(self.working_dir));
        set("ExposedPorts", !ports.is_empty(), Value::Object(ports));
        set("StopSignal", !self.stop_signal.is_empty(), json!(self.stop_signal));
        Value::Object(config)
    }
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
    use super::{super::layer::Layer, *};

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
        assert_eq!(manifest["layers"], json!([layer.json()]));
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
