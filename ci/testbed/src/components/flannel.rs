//! What flannel adds to a cluster: an image, and a CNI plugin.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use super::{catalogue::FLANNEL, plugins};
use crate::{
    cache::{Cache, Key},
    error::Error,
    images::{
        Store,
        recipes::{self, FlannelSources},
    },
    progress::Progress,
};

/// flannel's CNI plugin is of a module that no Go module proxy has; what stands in for it does the same.
const FLANNEL_PLUGIN: &str = include_str!("flannel-plugin.sh");

/// The version of flannel, and the tag of its image.
pub fn flannel_version() -> &'static str {
    FLANNEL.version()
}

/// The images that flannel adds, and the CNI plugins with its own among them. `root` is the artefact of
/// the nodes' root file system.
pub(super) fn build(
    root: &PathBuf,
    busybox: &PathBuf,
    cni_plugins: &PathBuf,
    cache: &Cache,
    progress: &dyn Progress,
) -> Result<[PathBuf; 2], Error> {
    let flannel = FLANNEL.build(cache, progress)?;
    let key = Key::of_artefacts("flannel-images", &[&flannel, root, busybox])
        .input("recipe", recipes::FLANNEL_TEXT)
        .finish();
    let images = cache.artefact("flannel-images", &key, "image of flannel", progress, |build| {
        let sources = FlannelSources {
            rootfs: &root.join("root"),
            busybox,
            flannel: &flannel,
            version: FLANNEL.version(),
        };
        recipes::write_flannel(&Store::at(build.directory()), &sources)
    })?;
    let key = Key::of_artefacts("cni-bin-flannel", &[cni_plugins])
        .input("plugin", FLANNEL_PLUGIN)
        .finish();
    let cni_bin = cache.artefact(
        "cni-bin-flannel",
        &key,
        "CNI plugins with flannel's",
        progress,
        |build| {
            plugins::link(cni_plugins, build)?;
            let path = build.directory().join("flannel");
            fs::write(&path, FLANNEL_PLUGIN).map_err(Error::io("write", &path))?;
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(&path, mode).map_err(Error::io("make executable", &path))
        },
    )?;
    Ok([images, cni_bin])
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        process::{Command, Output},
    };

    use serde_json::Value;

    use super::*;

    /// The plugin in a directory of its own, with a `bridge` that says what it is given.
    fn plugin(directory: &Path, command: &str) -> Output {
        let own = directory.display();
        let script = FLANNEL_PLUGIN
            .replace("/run/flannel", &own.to_string())
            .replace("/var/lib/cni/flannel", &format!("{own}/kept"));
        let path = directory.join("flannel");
        fs::write(&path, script).unwrap();
        let bridge = directory.join("bridge");
        fs::write(&bridge, "#!/bin/sh\nexec cat\n").unwrap();
        fs::set_permissions(&bridge, fs::Permissions::from_mode(0o755)).unwrap();
        Command::new("sh")
            .arg(&path)
            .envs([("CNI_COMMAND", command), ("CNI_CONTAINERID", "c1")])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap()
    }

    fn ranges(directory: &Path) {
        let text = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.2.1/24\n\
                    FLANNEL_IPV6_NETWORK=fd00:10:244::/56\nFLANNEL_IPV6_SUBNET=fd00:10:244:2::1/64\n\
                    FLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n";
        fs::write(directory.join("subnet.env"), text).unwrap();
    }

    #[test]
    fn the_plugin_gives_bridge_the_nodes_range_of_each_family() {
        let directory = tempfile::tempdir().unwrap();
        ranges(directory.path());
        let given: Value = serde_json::from_slice(&plugin(directory.path(), "ADD").stdout).unwrap();
        assert_eq!(given["ipam"]["ranges"][0][0]["subnet"], "10.244.2.0/24");
        assert_eq!(given["ipam"]["ranges"][1][0]["subnet"], "fd00:10:244:2::/64");
        assert_eq!(given["ipam"]["routes"][1]["dst"], "fd00:10:244::/56");
        assert_eq!((&given["mtu"], &given["type"]), (&1450.into(), &"bridge".into()));
    }

    #[test]
    fn a_pod_goes_by_the_configuration_that_it_came_by() {
        let directory = tempfile::tempdir().unwrap();
        ranges(directory.path());
        let came = plugin(directory.path(), "ADD").stdout;
        fs::remove_file(directory.path().join("subnet.env")).unwrap();
        assert_eq!(plugin(directory.path(), "DEL").stdout, came);
        let again = plugin(directory.path(), "DEL");
        assert!(again.status.success() && again.stdout.is_empty(), "{again:?}");
    }

    #[test]
    fn without_the_nodes_ranges_no_pod_starts_and_the_error_says_where_to_look() {
        let directory = tempfile::tempdir().unwrap();
        let output = plugin(directory.path(), "ADD");
        assert!(!output.status.success());
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let message = said["msg"].as_str().unwrap();
        assert!(message.contains("subnet.env: no such file or directory"), "{message}");
    }
}
