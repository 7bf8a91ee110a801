//! What faults change, read before and after: a fault that was reverted leaves nothing behind.

use std::collections::BTreeMap;

use serde_json::Value;
use testbed::cluster::Cluster;

use crate::support::read;

/// What is looked at on each node. Pods come and go, so what is theirs is left out.
const NODE: &str = "\
for family in -4 -6; do
    ip $family route show dev eth0 | sort
    ip $family address show dev eth0 scope global
done
cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding
cat /proc/sys/net/ipv6/conf/eth0/accept_dad
grep -c /proc/sys/net /proc/self/mountinfo
nft list tables | sort
nft list table inet testbed
for tables in iptables ip6tables; do
    $tables -t nat -S | grep -E '^-A (PREROUTING|INPUT|OUTPUT|POSTROUTING) ' | sort
done
cat /etc/cni/net.d/10-testbed.conflist /var/lib/kubelet/kubeadm-flags.env
ls /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/*/fs/usr/sbin/nginx.real
true";

/// What is looked at in the API: objects, and the parts of each.
const OBJECTS: &[(&[&str], &[&str])] = &[
    (&["nodes"], &["/metadata/labels", "/metadata/annotations", "/spec"]),
    (&["-n", "kube-system", "configmaps"], &["/data"]),
    (&["-n", "kube-system", "daemonsets"], &["/spec"]),
    (&["-n", "kube-system", "deployments"], &["/spec/replicas", "/spec/template/spec"]),
    (&["services"], &["/spec"]),
    (&["mutatingadmissionpolicies"], &["/spec"]),
    (&["mutatingadmissionpolicybindings"], &["/spec"]),
];

/// Everything that is looked at, by where it was found.
pub(super) fn traces(cluster: &Cluster) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for node in cluster.nodes() {
        let text = read(node.command("sh").args(["-c", NODE]));
        let mut network = cluster.underlay().command("ip");
        let port = read(network.args(["-brief", "link", "show", &node.name]));
        found.insert(node.name.clone(), format!("{text}{port}"));
    }
    let bridge = read(cluster.underlay().command("ip").args(["address", "show", "dev", "br0"]));
    found.insert("bridge".to_owned(), bridge);
    for (kind, parts) in OBJECTS {
        let mut get = cluster.kubectl().unwrap();
        let list = read(get.arg("get").args(*kind).args(["-o", "json"]));
        let list: Value = serde_json::from_str(&list).unwrap();
        for object in list["items"].as_array().unwrap() {
            let name = object["metadata"]["name"].as_str().unwrap();
            let parts = parts.iter().filter_map(|part| object.pointer(part));
            let text: Vec<String> = parts.map(|part| format!("{part:#}")).collect();
            found.insert(format!("{} {name}", kind.join(" ")), text.join("\n"));
        }
    }
    found
}

/// Asserts that two looks found the same.
#[track_caller]
pub(super) fn assert_same(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
    let mut places: Vec<&String> = before.keys().chain(after.keys()).collect();
    places.sort();
    places.dedup();
    for place in places {
        let lines = |found: &BTreeMap<String, String>| -> Vec<String> {
            found.get(place).into_iter().flat_map(|text| text.lines()).map(str::to_owned).collect()
        };
        let (before, after) = (lines(before), lines(after));
        let lost: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
        let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
        assert!(before == after, "{place} is not as it was: lost {lost:#?}, new {new:#?}");
    }
}
