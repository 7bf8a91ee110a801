//! The mounts of a node, some of which other enclosures share.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use nix::{
    mount::{MsFlags, mount},
    sys::stat::{Mode, SFlag, makedev, mknod},
};

use super::plan::BootPlan;
use crate::{
    cgroup::{Hierarchies, delegate},
    error::{Context, Result},
};

/// Machine-wide settings that kubelet wants to have, with the values it wants.
///
/// Each node sees a file of its own in their place, so that kubelet finds what it wants and the
/// machine keeps what it has.
const SHADOWED_SYSCTLS: [(&str, &str); 5] = [
    ("vm/overcommit_memory", "1"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Mounts everything below `root`, which becomes the node's root.
pub(super) fn build(plan: &BootPlan, root: &Path) -> Result<()> {
    // In memory: on a disk, every image pulled and every container's end would wait for it.
    let memory = plan.dir.join("memory");
    tmpfs(&memory, "755")?;
    for sub in ["upper", "work", "containerd", "kubelet"] {
        make_dir(&memory.join(sub))?;
    }
    let layers = format!(
        "lowerdir={},upperdir={},workdir={}",
        plan.rootfs.display(),
        memory.join("upper").display(),
        memory.join("work").display()
    );
    mount_at("overlay", root, "overlay", MsFlags::empty(), &layers)?;
    // containerd's snapshots are overlays, whose upper directories can't lie on an overlay.
    bind(&memory.join("containerd"), &root.join("var/lib/containerd"), false)?;
    bind(&memory.join("kubelet"), &root.join("var/lib/kubelet"), false)?;
    bind(&plan.dir.join("log"), &root.join("var/log"), false)?;
    bind(&plan.bin, &root.join("opt/testbed/bin"), true)?;
    bind(&plan.cni_bin, &root.join("opt/cni/bin"), true)?;
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount_at("proc", &root.join("proc"), "proc", quiet, "")?;
    mount_at("sysfs", &root.join("sys"), "sysfs", quiet, "")?;
    for (dir, mode) in [("run", "755"), ("tmp", "1777"), ("var/lib/etcd", "700")] {
        tmpfs(&root.join(dir), mode)?;
    }
    devices(&root.join("dev"))?;
    control_groups(&plan.cgroups, &root.join("sys/fs/cgroup"))?;
    shadow_sysctls(root)
}

pub(crate) fn mount_at(
    source: &str,
    at: &Path,
    kind: &str,
    flags: MsFlags,
    data: &str,
) -> Result<()> {
    make_dir(at)?;
    mount(Some(source), at, Some(kind), flags, Some(data))
        .context(|| format!("mount {kind} at {}", at.display()))
}

pub(crate) fn tmpfs(at: &Path, mode: &str) -> Result<()> {
    mount_at("tmpfs", at, "tmpfs", MsFlags::empty(), &format!("mode={mode}"))
}

pub(crate) fn bind(from: &Path, at: &Path, read_only: bool) -> Result<()> {
    if from.is_dir() {
        make_dir(at)?;
    }
    let none = None::<&str>;
    mount(Some(from), at, none, MsFlags::MS_BIND, none)
        .context(|| format!("bind {} to {}", from.display(), at.display()))?;
    if read_only {
        let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(none, at, none, flags, none)
            .context(|| format!("make {} read-only", at.display()))?;
    }
    Ok(())
}

pub(crate) fn make_dir(at: &Path) -> Result<()> {
    fs::create_dir_all(at).context(|| format!("create {}", at.display()))
}

/// A /dev with the devices that containers and kubelet use, and nothing of the machine's disks.
pub(crate) fn devices(dev: &Path) -> Result<()> {
    const NODES: [(&str, u64, u64); 8] = [
        ("null", 1, 3),
        ("zero", 1, 5),
        ("full", 1, 7),
        ("random", 1, 8),
        ("urandom", 1, 9),
        ("kmsg", 1, 11),
        ("tty", 5, 0),
        ("fuse", 10, 229),
    ];
    const LINKS: [(&str, &str); 5] = [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ];
    tmpfs(dev, "755")?;
    for (name, major, minor) in NODES {
        let path = dev.join(name);
        mknod(&path, SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(major, minor))
            .context(|| format!("make the device {}", path.display()))?;
        // mknod is subject to the umask.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))
            .context(|| format!("open {} to all", path.display()))?;
    }
    for (name, target) in LINKS {
        let path = dev.join(name);
        symlink(target, &path).context(|| format!("link {}", path.display()))?;
    }
    let pts = "newinstance,ptmxmode=0666,mode=620,gid=5";
    mount_at("devpts", &dev.join("pts"), "devpts", MsFlags::empty(), pts)?;
    tmpfs(&dev.join("shm"), "1777")?;
    mount_at("mqueue", &dev.join("mqueue"), "mqueue", MsFlags::empty(), "")
}

/// The control groups as seen from inside: the group of this process is the root of each hierarchy.
pub(crate) fn control_groups(cgroups: &Hierarchies, at: &Path) -> Result<()> {
    if !cgroups.is_v1() {
        mount_at("cgroup2", at, "cgroup2", MsFlags::empty(), "")?;
        // A v2 group with children that have controllers can't hold processes itself.
        let own = at.join("init");
        make_dir(&own)?;
        fs::write(own.join("cgroup.procs"), "1").context(|| "enter /init".to_owned())?;
        return delegate(at);
    }
    tmpfs(at, "755")?;
    for hierarchy in cgroups.iter().filter(|h| !h.v2) {
        let name = hierarchy.directory();
        let options = hierarchy.controllers.join(",");
        let none = if options.starts_with("name=") { "none," } else { "" };
        let data = format!("{none}{options}");
        mount_at("cgroup", &at.join(&name), "cgroup", MsFlags::empty(), &data)?;
        for alias in hierarchy.controllers.iter().filter(|c| !c.contains('=') && **c != name) {
            symlink(&name, at.join(alias)).context(|| format!("link the controller {alias}"))?;
        }
    }
    Ok(())
}

fn shadow_sysctls(root: &Path) -> Result<()> {
    let shadows = root.join("run/testbed/sysctl");
    make_dir(&shadows)?;
    for (name, value) in SHADOWED_SYSCTLS {
        let real = root.join("proc/sys").join(name);
        if real.exists() {
            let file = shadows.join(name.replace('/', "."));
            fs::write(&file, format!("{value}\n"))
                .context(|| format!("write {}", file.display()))?;
            bind(&file, &real, false)?;
        }
    }
    Ok(())
}
