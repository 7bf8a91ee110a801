//! The kubelet's start-up, on a container runtime and a network of its own.
//!
//! It runs as root in namespaces of its own: of the network, so that it finds the addresses of the
//! examples; of processes, so that nothing is left of it; of mounts, so that the kernel settings
//! which it writes are files of the test and not the machine's.

use std::{fs, path::Path, process::Command};

use dualstack::lint::rules::Binary;
use serde_json::json;

use super::{
    api::{Api, within},
    binaries::{Running, Waited, component, skip, text},
    examples::{cases, documents, of_kind},
};

const ADDRESSES: &str = "\
ip link set lo up
ip link add node0 type veth peer name node1
ip addr add 192.168.0.12/24 dev node0
ip -6 addr add fd00:192::12/64 dev node0 nodad
ip link set node0 up
ip link set node1 up
ip route add default dev node0
";

/// Run with a directory, the paths of containerd and of the kubelet, and the node-ip.
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
exec $3 --config=$1/kubelet.json --kubeconfig=$1/kubeconfig --root-dir=$1/kubelet \
    --cert-dir=$1/certificates --hostname-override=node-2 --node-ip=$4 -v=2
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

/// The flag `node-ip` of an example.
pub(crate) fn node_ip(example: &str) -> Option<String> {
    let documents = documents(example);
    let join = of_kind(&documents, "JoinConfiguration");
    let flags = join?["nodeRegistration"]["kubeletExtraArgs"].as_array()?;
    let flag = flags.iter().find(|flag| flag["name"] == "node-ip")?;
    flag["value"].as_str().map(str::to_owned)
}

#[test]
fn the_kubelet_starts_as_each_rule_declares() {
    let (Some(kubelet), Some(containerd)) = (component("kubelet"), component("containerd")) else {
        return;
    };
    if !is_root() {
        skip("the kubelet runs as root only");
        return;
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
    let Some(api) = Api::start_in(namespace, "10.96.0.0/16") else { return };
    let mut wrong = Vec::new();
    for case in cases(Binary::Kubelet) {
        let directory = tempfile::tempdir().unwrap();
        configure(directory.path(), &api);
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh"]);
        command.arg(directory.path().join("node.sh")).arg(directory.path());
        command.arg(&containerd).arg(&kubelet).arg(node_ip(case.example).unwrap());
        let mut running = Running::start(&mut within(namespace, &command));
        // The node's addresses are set just before it registers.
        let starts = running.wait_for(&["Attempting to register node"]) == Waited::Said;
        wrong.extend(case.judge(starts, &running.said()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}
