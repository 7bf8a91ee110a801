//! What the machine must have, all of it checked before anything is touched.

use std::{fs, process::Command};

use crate::{
    cache::Cache,
    cgroup::Hierarchies,
    components::{self, Artefacts},
    error::{Error, Result},
    requirement::{BUILD, Requirement, What},
    run::Run,
    spec::{Cni, ProxyMode, Spec},
};

/// The programs that bring clusters up and take them down. What builds their parts is apart, in
/// [`BUILD`], and asked for only as long as they are not built.
const RUN: &[Requirement] = &[
    Requirement {
        what: What::Program("ip"),
        package: Some("iproute2"),
        purpose: "joins the nodes by a network",
    },
    Requirement {
        what: What::Program("nsenter"),
        package: Some("util-linux"),
        purpose: "enters nodes",
    },
    Requirement {
        what: What::Program("unshare"),
        package: Some("util-linux"),
        purpose: "tries out what the kernel has",
    },
];

/// Memory that a cluster takes whatever its size, for each node, and for each control plane beyond
/// the first, in MiB: the programs, and the nodes' files, which lie in memory.
const MEMORY: (u64, u64, u64) = (800, 500, 500);

/// The capabilities without which nodes can't be made: their bits in `CapEff` (capability.h).
const CAPABILITIES: [(u32, &str); 4] =
    [(12, "CAP_NET_ADMIN"), (18, "CAP_SYS_CHROOT"), (21, "CAP_SYS_ADMIN"), (27, "CAP_MKNOD")];

/// Features of the kernel that are seen by using them within throwaway namespaces: what they are
/// called, and a shell command that fails without them. `$t` is an empty directory.
const TRIALS: [(&str, &str); 4] = [
    (
        "overlay file systems (CONFIG_OVERLAY_FS)",
        "mkdir $t/l $t/u $t/w $t/m && mount -t overlay -o lowerdir=$t/l,upperdir=$t/u,workdir=$t/w overlay $t/m",
    ),
    ("veth pairs (CONFIG_VETH)", "ip link add tb0 type veth peer name tb1"),
    ("bridges (CONFIG_BRIDGE)", "ip link add tb2 type bridge"),
    ("IPv6 (CONFIG_IPV6)", "test -e /proc/net/if_inet6"),
];

/// What kube-proxy's mode ipvs needs besides: the kernel has it, or a module that brings it.
const IPVS: (&str, &str) = (
    "IP virtual servers (CONFIG_IP_VS), without which kube-proxy has no mode ipvs",
    "test -e /proc/net/ip_vs || modprobe --dry-run --quiet ip_vs",
);

/// What pod networks of others need besides.
const VXLAN: (&str, &str) = (
    "VXLAN devices (CONFIG_VXLAN), without which there is no --cni flannel or calico",
    "ip link add tb3 type vxlan id 1 dstport 8472 local 127.0.0.1",
);

/// What Calico's rules need besides, by a node's own tools.
const SETS: (&str, &str) = (
    "sets of addresses (CONFIG_IP_SET, CONFIG_NETFILTER_XT_SET), without which there is no --cni calico",
    "ipset create tb hash:ip && iptables-nft -A INPUT -m set --match-set tb src",
);

/// Features of the packet filter, by rules that need them.
const RULES: [(&str, &str); 5] = [
    ("masquerading (CONFIG_NFT_MASQ)", "type nat hook postrouting priority 0; masquerade"),
    ("connection tracking (CONFIG_NFT_CT)", "type filter hook input priority 0; ct state new"),
    (
        "random numbers (CONFIG_NFT_NUMGEN)",
        "type filter hook input priority 0; numgen random mod 2 0",
    ),
    (
        "route look-ups (CONFIG_NFT_FIB_INET)",
        "type filter hook input priority 0; fib daddr type local",
    ),
    ("rejection (CONFIG_NFT_REJECT_INET)", "type filter hook input priority 0; reject"),
];

/// Refuses a machine that can't hold this cluster, naming all that is missing.
pub fn check(cache: &Cache, spec: &Spec) -> Result<()> {
    check_beside(components::is_prepared(cache, spec.kubernetes, spec.cni), spec)
}

/// As [`check`], but for what is made of other parts than a cluster's, which are built or not.
pub fn check_beside(built: bool, spec: &Spec) -> Result<()> {
    let mut missing = Vec::new();
    if !nix::unistd::geteuid().is_root() {
        // Little else can be seen by anybody but root.
        missing.push("it must run as root (try sudo)".to_owned());
    } else {
        missing.extend(missing_capabilities());
        missing.extend(missing_control_groups()?);
        missing.extend(missing_memory(spec));
    }
    let requirements = missing_requirements(built);
    if missing.is_empty() && requirements.iter().all(|r| !RUN.contains(r)) {
        missing.extend(failing_trials(spec)?);
    }
    missing.extend(requirements.iter().map(|r| {
        let package = match (r.package, components::go_version(spec.kubernetes)) {
            (Some(package), _) => format!(", Debian package {package}"),
            // Debian has none that is new enough.
            (None, Ok(version)) if r.name() == "go" => format!(", version {version} or newer"),
            (None, _) => String::new(),
        };
        format!("`{}` is missing ({}{package})", r.name(), r.purpose)
    }));
    if requirements.iter().any(|r| r.package.is_some()) {
        missing.push("`testbed up --install` installs the packages".to_owned());
    }
    if missing.is_empty() { Ok(()) } else { Err(Error::Unfit(missing)) }
}

/// Checks what takes the nodes' own programs to see: the kernel's packet filter.
pub fn check_packet_filter(artefacts: &Artefacts, cni: Cni) -> Result<()> {
    let mut script = String::new();
    if cni == Cni::Calico {
        let (name, command) = SETS;
        script.push_str(&format!("{{ {command}; }} || echo 'MISSING {name}'\n"));
    }
    for (index, (name, rule)) in RULES.iter().enumerate() {
        let (head, tail) = rule.rsplit_once("; ").unwrap_or((rule, ""));
        script.push_str(&format!(
            "nft 'add table inet t{index}; add chain inet t{index} c {{ {head}; }}; add rule inet \
             t{index} c {tail}' || echo 'MISSING {name}'\n"
        ));
    }
    let text = Command::new("unshare")
        .args(["--net", &format!("--root={}", artefacts.rootfs.display()), "/bin/sh", "-c"])
        .arg(format!("PATH=/usr/sbin:/usr/bin:/sbin:/bin; {{ {script} }} 2>/dev/null"))
        .read("try out the kernel's packet filter")?;
    unfit_if(lacking(&text))
}

/// Installs the Debian packages that are missing, and says which.
pub fn install(cache: &Cache, spec: &Spec) -> Result<Vec<&'static str>> {
    install_beside(components::is_prepared(cache, spec.kubernetes, spec.cni))
}

/// As [`install`], but for what is made of other parts than a cluster's, which are built or not.
pub fn install_beside(built: bool) -> Result<Vec<&'static str>> {
    let mut packages: Vec<&str> =
        missing_requirements(built).iter().filter_map(|r| r.package).collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return Ok(packages);
    }
    let apt = |what: &str, args: &[&str]| {
        Command::new("apt-get")
            .args(["-q", "-y"])
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .read(what)
    };
    apt("read the package lists", &["update"])?;
    let what = format!("install the packages {}", packages.join(" "));
    apt(&what, &[&["install", "--no-install-recommends"], packages.as_slice()].concat())?;
    Ok(packages)
}

fn unfit_if(missing: Vec<String>) -> Result<()> {
    if missing.is_empty() { Ok(()) } else { Err(Error::Unfit(missing)) }
}

fn missing_requirements(built: bool) -> Vec<Requirement> {
    let build = if built { &[] } else { BUILD };
    let mut missing: Vec<Requirement> = Vec::new();
    for requirement in RUN.iter().chain(build).filter(|r| !r.is_met()) {
        if missing.iter().all(|other| other.what != requirement.what) {
            missing.push(*requirement);
        }
    }
    missing
}

fn missing_capabilities() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let effective = u64::from_str_radix(effective.trim(), 16).ok()?;
    let lacking: Vec<&str> = CAPABILITIES
        .iter()
        .filter(|(bit, _)| effective & (1 << bit) == 0)
        .map(|(_, name)| *name)
        .collect();
    (!lacking.is_empty()).then(|| {
        format!("root lacks {} here (in a container, run it privileged)", lacking.join(", "))
    })
}

/// kubelet needs these controllers, of either version.
fn missing_control_groups() -> Result<Option<String>> {
    let hierarchies = Hierarchies::detect()?;
    let there = hierarchies.controllers()?;
    let lacking: Vec<&str> = ["cpu", "cpuset", "memory", "pids"]
        .into_iter()
        .filter(|wanted| !there.iter().any(|c| c == wanted))
        .collect();
    Ok((!lacking.is_empty()).then(|| {
        format!("no control group hierarchy below /sys/fs/cgroup has {}", lacking.join(", "))
    }))
}

fn missing_memory(spec: &Spec) -> Option<String> {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    lacking_memory(mebibytes(&text, "MemAvailable:")?, spec.nodes, spec.control_planes)
}

fn lacking_memory(available: u64, nodes: u8, control_planes: u8) -> Option<String> {
    let further = u64::from(control_planes.saturating_sub(1));
    let needed = MEMORY.0 + MEMORY.1 * u64::from(nodes) + MEMORY.2 * further;
    (available < needed).then(|| {
        format!("{nodes} nodes need {needed} MiB of memory, and {available} MiB are available")
    })
}

/// A line of /proc/meminfo, which counts in KiB.
fn mebibytes(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// Uses each feature once, in namespaces that go with the shell.
fn failing_trials(spec: &Spec) -> Result<Vec<String>> {
    let mut script = "t=/tmp; mount -t tmpfs tmpfs $t\n".to_owned();
    let ipvs = (spec.proxy_mode == ProxyMode::Ipvs).then_some(IPVS);
    let vxlan = (spec.cni != Cni::Ptp).then_some(VXLAN);
    for (name, command) in TRIALS.into_iter().chain(ipvs).chain(vxlan) {
        script.push_str(&format!("({command}) || echo 'MISSING {name}'\n"));
    }
    let text = Command::new("unshare")
        .args(["--mount", "--net", "--uts", "--ipc", "--pid", "--cgroup", "--fork"])
        .args(["sh", "-c", &format!("{{ {script} }} 2>/dev/null")])
        .read("try out the kernel's namespaces")
        .map_err(|_| {
            Error::Unfit(vec!["the kernel refuses new namespaces to this process".to_owned()])
        })?;
    Ok(lacking(&text))
}

fn lacking(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("MISSING "))
        .map(|name| format!("the kernel lacks {name}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_mebibytes() {
        let text = "MemTotal:       24689408 kB\nMemAvailable:   2048 kB\n";
        assert_eq!(mebibytes(text, "MemAvailable:"), Some(2));
        assert_eq!(mebibytes(text, "SwapFree:"), None);
    }

    #[test]
    fn what_a_trial_finds_missing_is_named() {
        assert_eq!(lacking("x\nMISSING bridges\n"), ["the kernel lacks bridges"]);
    }

    #[test]
    fn more_nodes_than_the_memory_holds_are_refused() {
        assert_eq!(lacking_memory(3000, 3, 1), None);
        assert!(lacking_memory(3000, 3, 3).is_some());
        assert!(lacking_memory(4096, 30, 1).is_some());
    }
}
