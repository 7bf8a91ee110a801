//! The state of the machine as far as a cluster could leave something behind in it.
//!
//! Other clusters may come and go meanwhile: what belongs to them is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use testbed::{
    cache::Cache,
    components,
    progress::Silent,
    spec::{Cni, Name},
    state::Store,
    underlay,
};

use crate::support::read;

/// Lines of text, each under what it tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Machine(BTreeMap<String, String>);

/// Settings that change by themselves, or with other clusters.
const RESTLESS: [&str; 11] = [
    "/proc/sys/fs/aio-nr",
    "/proc/sys/fs/dentry-state",
    "/proc/sys/fs/file-nr",
    "/proc/sys/fs/inode-nr",
    "/proc/sys/fs/inode-state",
    "/proc/sys/fs/quota/",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/kernel/pty/nr",
    "/proc/sys/kernel/random/",
    "/proc/sys/net/netfilter/nf_conntrack_count",
    "/proc/sys/net/ipv4/tcp_fastopen_key",
];

impl Machine {
    /// Looks at it now. `name` is the cluster that is tested.
    pub(crate) fn look(name: &Name) -> Self {
        let mut others = Others::default();
        others.add_those_up(name);
        let mut state = BTreeMap::new();
        processes(&mut state, name);
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        for mount in mounts.lines() {
            state.insert(format!("mount {mount}"), String::new());
        }
        links(&mut state);
        control_groups(&mut state);
        settings(&mut state, Path::new("/proc/sys"));
        packet_filter(&mut state);
        for dir in ["/run/netns", "/etc/cni", "/var/lib/testbed/clusters"] {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                state.insert(format!("file {}", entry.path().display()), String::new());
            }
        }
        // Again: one that began meanwhile has left its traces too.
        others.add_those_up(name);
        state.retain(|key, _| !others.own(key));
        Self(state)
    }

    /// What differs from an earlier look, one line for each.
    pub(crate) fn changes_since(&self, before: &Self) -> Vec<String> {
        let appeared = self.0.iter().filter(|(key, _)| !before.0.contains_key(*key));
        // Whatever ran before and ended was not the cluster's.
        let vanished = before
            .0
            .iter()
            .filter(|(key, _)| !self.0.contains_key(*key) && !key.starts_with("process "));
        let changed = self.0.iter().filter_map(|(key, now)| {
            let then = before.0.get(key)?;
            (then != now).then(|| format!("{key}: {} became {}", then.trim(), now.trim()))
        });
        appeared
            .map(|(key, _)| format!("new: {key}"))
            .chain(vanished.map(|(key, _)| format!("gone: {key}")))
            .chain(changed)
            .collect()
    }
}

/// What a cluster consists of, and nothing else: processes in its control group, in a network
/// namespace that is neither the machine's nor another cluster's, or with its name on their command
/// line. (Others may run in namespaces of their own for other reasons, but rarely in network
/// namespaces.)
fn processes(state: &mut BTreeMap<String, String>, name: &Name) {
    let network = |process: &Path| fs::read_link(process.join("ns/net")).ok();
    let mut elsewhere: BTreeSet<_> = network(Path::new("/proc/self")).into_iter().collect();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let path = entry.path();
        let groups = fs::read_to_string(path.join("cgroup")).unwrap_or_default();
        let ours = groups.contains(&format!("/testbed/{name}/"));
        let network = network(&path);
        if groups.contains("/testbed/") && !ours {
            elsewhere.extend(network);
            continue;
        }
        let command = fs::read(path.join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        found.push((format!("process {} {command}", path.display()), ours, network, command));
    }
    for (key, ours, network, command) in found {
        // Commands of others in their clusters' nodes are in no control group of a cluster.
        let in_ours = network.is_some_and(|network| !elsewhere.contains(&network));
        if ours || in_ours || command.contains(name.as_str()) {
            state.insert(key, String::new());
        }
    }
}

fn links(state: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir("/sys/class/net").unwrap().flatten() {
        state.insert(format!("link {}", entry.file_name().to_string_lossy()), String::new());
    }
    for family in ["-4", "-6"] {
        for kind in [["addr", "show"].as_slice(), &["route", "show", "table", "all"]] {
            let text = read(Command::new("ip").arg(family).arg("-oneline").args(kind));
            for line in text.lines() {
                // Addresses are numbered by their links, and some count their age.
                let words: Vec<&str> =
                    line.split_whitespace().filter(|w| !w.ends_with("sec")).collect();
                state.insert(format!("ip {family} {}", words.join(" ")), String::new());
            }
        }
    }
}

fn control_groups(state: &mut BTreeMap<String, String>) {
    for hierarchy in fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
        let top = hierarchy.path().join("testbed");
        for entry in fs::read_dir(top).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                state.insert(format!("control group {}", entry.path().display()), String::new());
            }
        }
    }
}

/// The clusters of others, by the words that tell what is theirs.
#[derive(Default)]
struct Others {
    links: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Others {
    /// Adds those that are there now.
    fn add_those_up(&mut self, name: &Name) {
        let store = Store::open();
        for other in store.names().unwrap().into_iter().filter(|other| other != name) {
            if let Ok(Some(record)) = store.cluster(&other).record() {
                self.links.insert(underlay::link_name(record.subnet));
            }
            self.names.insert(other.to_string());
        }
    }

    /// Whether what is told of is theirs, or shared with them.
    fn own(&self, key: &str) -> bool {
        let link = key.split(' ').any(|word| self.links.contains(word));
        let name = key.rsplit('/').next().is_some_and(|last| self.names.contains(last));
        let shared = key.ends_with("limits.json") || key.starts_with("/proc/sys/fs/inotify/");
        link || name || shared && !self.names.is_empty()
    }
}

/// All settings below a directory of /proc/sys; those of single links come and go with them.
fn settings(state: &mut BTreeMap<String, String>, dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let text = path.display().to_string();
        let of_link = ["/conf/", "/neigh/"].iter().any(|part| {
            text.split_once(part).is_some_and(|(_, link)| link != "all" && link != "default")
        });
        if of_link && path.is_dir() || RESTLESS.iter().any(|restless| text.starts_with(restless)) {
            continue;
        }
        if path.is_dir() {
            settings(state, &path);
        } else if let Ok(value) = fs::read_to_string(&path) {
            state.insert(text, value);
        }
    }
}

/// The machine's own rules, read by the nodes' programs.
fn packet_filter(state: &mut BTreeMap<String, String>) {
    let cache = Cache::open().unwrap();
    let rootfs =
        components::prepare(&cache, components::default_minor(), Cni::Ptp, &Silent).unwrap().rootfs;
    let script = "PATH=/usr/sbin:/usr/bin:/sbin:/bin; nft list ruleset; iptables-legacy-save 2>&1; \
     ip6tables-legacy-save 2>&1; true";
    let mut command = Command::new("chroot");
    let text = read(command.arg(rootfs).args(["/bin/sh", "-c", script]));
    let rules: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    state.insert("packet filter".to_owned(), rules.join("\n"));
}
