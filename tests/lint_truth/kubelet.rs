//! The kubelet's start-up, on a container runtime and a network of its own.
//!
//! It runs as root in namespaces of its own: of the network, so that it finds the addresses of the
//! examples; of processes, so that nothing is left of it; of mounts, so that the kernel settings
//! which it writes are files of the test and not the machine's.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use dualstack::lint::{
    model::{CURRENT, Version},
    rules::{Binary, RULES},
};
use serde_json::json;

use super::{
    api::{Api, within},
    binaries::{Running, Waited, component, every, skip, text},
    examples::cases,
    reads::node_ip,
    versions::{of_its_time, refusals},
};

/// The first version that speaks the runtime interface of today's containerd.
const CRI_V1: Version = Version::v1(23);
/// The first version that reads the runtime's socket from its configuration.
const SOCKET_CONFIGURED: Version = Version::v1(27);

const ADDRESSES: &str = "\
ip link set lo up
ip link add node0 type veth peer name node1
ip addr add 192.168.0.12/24 dev node0
ip -6 addr add fd00:192::12/64 dev node0 nodad
ip link set node0 up
ip link set node1 up
ip route add default dev node0
";

/// Run with a directory, the paths of containerd and of the kubelet, and the kubelet's further flags.
const NODE: &str = "\
set -eu
mount --make-rprivate /
for setting in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
    kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  file=$1/$(echo $setting | tr / -)
  cat /proc/sys/$setting > $file
  mount --bind $file /proc/sys/$setting
done
$2 --config $1/containerd.toml > $1/containerd.log 2>&1 &
while [ ! -S $1/containerd.sock ]; do sleep 0.1; done
directory=$1 kubelet=$3
shift 3
exec $kubelet --config=$directory/kubelet.json --kubeconfig=$directory/kubeconfig \
    --root-dir=$directory/kubelet --cert-dir=$directory/certificates \
    --hostname-override=node-2 -v=2 $*
";

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// What kubelet and containerd read.
fn configure(directory: &Path, api: &Api) {
    let path = |name: &str| directory.join(name).display().to_string();
    let socket = format!("unix://{}", path("containerd.sock"));
    let kubelet = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": { "webhook": { "enabled": false } },
        "authorization": { "mode": "AlwaysAllow" },
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": false,
        "containerRuntimeEndpoint": socket,
        "enforceNodeAllocatable": [],
        "failCgroupV1": false,
        "failSwapOn": false,
        "healthzPort": 0,
        "localStorageCapacityIsolation": false,
        "readOnlyPort": 0,
    });
    fs::write(directory.join("kubelet.json"), kubelet.to_string()).unwrap();
    let containerd = format!(
        "version = 3\nroot = \"{}\"\nstate = \"{}\"\n[grpc]\n  address = \"{}\"\n",
        path("root"),
        path("state"),
        path("containerd.sock")
    );
    fs::write(directory.join("containerd.toml"), containerd).unwrap();
    fs::copy(api.kubeconfig(), directory.join("kubeconfig")).unwrap();
    fs::write(directory.join("node.sh"), NODE).unwrap();
}

/// A network namespace with the addresses of the examples, and a control plane in it.
struct Place {
    api: Api,
    containerd: PathBuf,
    holder: Running,
}

impl Place {
    /// None where something is missing, which is said.
    fn new() -> Option<Self> {
        let containerd = component("containerd")?;
        if !is_root() {
            skip("the kubelet runs as root only");
            return None;
        }
        let holder = Running::start(Command::new("unshare").args(["--net", "sleep", "infinity"]));
        let namespace = Some(holder.id());
        let addresses =
            "until ip link show lo > /dev/null; do sleep 0.05; done\n".to_owned() + ADDRESSES;
        let mut shell = Command::new("sh");
        shell.args(["-ec", &addresses]);
        // The namespace is there as soon as the holder sleeps in it.
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        while fs::read_link(format!("/proc/{}/ns/net", holder.id())).unwrap() == own {
            std::thread::yield_now();
        }
        let made = within(namespace, &shell).output().unwrap();
        assert!(made.status.success(), "{}", text(&made));
        let api = Api::start_in(namespace, "10.96.0.0/16")?;
        Some(Self { api, containerd, holder })
    }

    /// Whether a kubelet of a version comes to register its node, and what it says.
    fn starts(&self, kubelet: &Path, version: Version, node_ip: &str) -> (bool, String) {
        let directory = tempfile::tempdir().unwrap();
        configure(directory.path(), &self.api);
        let mut flags = vec![format!("--node-ip={node_ip}")];
        if version < SOCKET_CONFIGURED {
            let socket = directory.path().join("containerd.sock");
            flags.push("--container-runtime=remote".to_owned());
            flags.push(format!("--container-runtime-endpoint=unix://{}", socket.display()));
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh"]);
        command.arg(directory.path().join("node.sh")).arg(directory.path());
        command.arg(&self.containerd).arg(kubelet).args(flags);
        let mut running = Running::start(&mut within(Some(self.holder.id()), &command));
        // The node's addresses are set just before it registers.
        let starts = running.wait_for(&["Attempting to register node"]) == Waited::Said;
        (starts, running.said())
    }
}

#[test]
fn the_kubelet_starts_as_each_rule_declares() {
    let Some(kubelet) = component("kubelet") else { return };
    let Some(place) = Place::new() else { return };
    let mut wrong = Vec::new();
    for case in cases(Binary::Kubelet) {
        let node_ip = node_ip(case.example).unwrap();
        let (starts, said) = place.starts(&kubelet, CURRENT, &node_ip);
        wrong.extend(case.judge(starts, &said));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}

#[test]
fn the_linter_and_the_kubelet_of_each_version_refuse_the_same_node_ips() {
    let found = every("kubelet");
    if found.is_empty() {
        return;
    }
    let Some(place) = Place::new() else { return };
    let mut wrong = Vec::new();
    for (version, binary) in found {
        if version < CRI_V1 {
            eprintln!("kubelet {version}: not with this containerd");
            continue;
        }
        let mut tried = HashSet::new();
        let examples = RULES.iter().flat_map(|rule| rule.good.iter().chain(rule.bad));
        // What names a version of its own is about that one.
        for example in examples.filter(|example| !example.text.contains("kubernetesVersion:")) {
            let Some(node_ip) = node_ip(example.text) else { continue };
            let Some(whole) = of_its_time(example.text, version) else { continue };
            if !tried.insert(node_ip.clone()) {
                continue;
            }
            let codes = refusals(&whole, version, Binary::Kubelet, None);
            let (starts, said) = place.starts(&binary, version, &node_ip);
            if starts != codes.is_empty() {
                let last: Vec<_> = said.lines().rev().take(8).collect();
                let last = last.join("\n");
                wrong.push(format!("{version}: we: {codes:?}, it: {last}\n{whole}"));
            }
        }
        let tried = tried.len();
        eprintln!("kubelet {version}: {tried} node-ips");
        assert!(tried > 5, "only {tried} node-ips were tried with the kubelet of {version}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}
