//! PID 1's first moments: it builds the node's file system around itself and moves in.

use std::{fs, path::Path};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    unistd::{chdir, pivot_root, sethostname},
};

use super::{files, mounts, plan::BootPlan, supervisor};
use crate::{
    error::{Context, Error, Result},
    state::read_json,
};

/// Boots the node whose directory is given, as PID 1 of new namespaces. Returns only on failure.
pub fn run_boot(dir: &Path) -> Result<()> {
    let plan: BootPlan = read_json(&dir.join("boot.json"))?
        .ok_or_else(|| Error::Invalid(format!("no boot.json in {}", dir.display())))?;
    let root = dir.join("root");
    // Nothing mounted from here on may reach the machine.
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .context(|| "make the mounts private".to_owned())?;
    mounts::build(&plan, &root)?;
    files::write(&plan, &root)?;
    sethostname(&plan.name).context(|| "set the host name".to_owned())?;
    pivot(&root)?;
    set_sysctls()?;
    supervisor::run()
}

/// Makes the new root the root, and lets go of the machine's.
pub(crate) fn pivot(root: &Path) -> Result<()> {
    let pivot = || -> nix::Result<()> {
        chdir(root)?;
        // The old root is stacked on the new one, and taken off again.
        pivot_root(".", ".")?;
        umount2(".", MntFlags::MNT_DETACH)?;
        chdir("/")?;
        // kubelet and CSI expect mounts to propagate into containers that ask for it.
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_SHARED, None::<&str>)
    };
    pivot().context(|| "move into the new root".to_owned())
}

/// The settings of the node's own network namespace. Those the kernel doesn't have are skipped.
fn set_sysctls() -> Result<()> {
    const SETTINGS: [(&str, &str); 10] = [
        ("ipv6/conf/all/disable_ipv6", "0"),
        ("ipv6/conf/default/disable_ipv6", "0"),
        // Duplicate address detection would hold every pod's start for a second or two.
        ("ipv6/conf/all/accept_dad", "0"),
        ("ipv6/conf/default/accept_dad", "0"),
        ("ipv6/conf/default/accept_ra", "0"),
        ("ipv4/ip_forward", "1"),
        ("ipv6/conf/all/forwarding", "1"),
        ("ipv4/conf/all/rp_filter", "0"),
        ("bridge/bridge-nf-call-iptables", "1"),
        ("bridge/bridge-nf-call-ip6tables", "1"),
    ];
    for (name, value) in SETTINGS {
        let path = Path::new("/proc/sys/net").join(name);
        if path.exists() {
            fs::write(&path, value).context(|| format!("set {} to {value}", path.display()))?;
        }
    }
    Ok(())
}
