//! The files that make a copy of the shared root file system this very node.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::plan::BootPlan;
use crate::error::{Context, Result};

/// Where containerd listens, inside a node.
pub const CONTAINERD_SOCKET: &str = "/run/containerd/containerd.sock";

/// The stand-in for systemctl: see its own first lines.
const SYSTEMCTL: &str = include_str!("systemctl.sh");

/// Writes the node's own files below its root.
pub(super) fn write(plan: &BootPlan, root: &Path) -> Result<()> {
    let files = [
        ("etc/hostname", format!("{}\n", plan.name)),
        ("etc/machine-id", machine_id(plan)),
        ("etc/hosts", hosts(plan)),
        // A short wait: what the outside is asked for is refused at once, or not there at all.
        (
            "etc/resolv.conf",
            format!("nameserver {}\noptions timeout:1 attempts:1\n", plan.resolver),
        ),
        ("etc/containerd/config.toml", containerd_config(plan)),
        ("etc/containerd/certs.d/_default/hosts.toml", registry_hosts(plan)),
        ("usr/local/bin/systemctl", SYSTEMCTL.to_owned()),
        // Deployed Kubernetes finds its node's kernel modules here; this kernel may have none.
        ("lib/modules/README", "The testbed's nodes load no kernel modules.\n".to_owned()),
    ];
    for (name, content) in files {
        let path = root.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).context(|| format!("create {}", parent.display()))?;
        }
        // /etc/resolv.conf and others may be links in the shared root, even dangling ones.
        let _ = fs::remove_file(&path);
        fs::write(&path, content).context(|| format!("write {}", path.display()))?;
    }
    let systemctl = root.join("usr/local/bin/systemctl");
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755))
        .context(|| format!("make {} executable", systemctl.display()))?;
    for dir in ["etc/cni/net.d", "run/lock", "run/netns", "run/containerd", "etc/kubernetes"] {
        let dir = root.join(dir);
        fs::create_dir_all(&dir).context(|| format!("create {}", dir.display()))?;
    }
    let tab = root.join("etc/mtab");
    if tab.symlink_metadata().is_err() {
        symlink("/proc/self/mounts", &tab).context(|| format!("link {}", tab.display()))?;
    }
    Ok(())
}

/// 32 hexadecimal digits, the same whenever the node of this name and place is made.
fn machine_id(plan: &BootPlan) -> String {
    let digest = Sha256::digest(plan.dir.as_os_str().as_encoded_bytes());
    let mut id = digest.iter().take(16).fold(String::new(), |mut id, byte| {
        // Writing to a String can't fail.
        let _ = write!(id, "{byte:02x}");
        id
    });
    id.push('\n');
    id
}

fn hosts(plan: &BootPlan) -> String {
    let mut text = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n".to_owned();
    for (address, name) in &plan.hosts {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{address} {name}");
    }
    text
}

/// containerd asks one registry for every image, whatever registry its name begins with.
fn registry_hosts(plan: &BootPlan) -> String {
    format!("[host.\"http://{}\"]\n  capabilities = [\"pull\", \"resolve\"]\n", plan.registry)
}

fn containerd_config(plan: &BootPlan) -> String {
    // restrict_oom_score_adj: where the machine's own capabilities lack CAP_SYS_RESOURCE, runc may
    // not lower oom_score_adj, and without this no static pod starts.
    format!(
        r#"version = 3
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  discard_unpacked_layers = true
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{sandbox}"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.cri.v1.runtime"]
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/opt/cni/bin"]
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
"#,
        sandbox = plan.sandbox_image,
    )
}
