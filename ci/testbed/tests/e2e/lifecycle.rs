//! Clusters that come and go, quietly or not, and the machine after them.

use std::{fs, path::Path, process::Stdio, time::Duration};

use testbed::{
    cluster::Cluster,
    spec::{Family, Name},
    state::Store,
};

use crate::{
    machine::Machine,
    probe::expect_health,
    support::{self, Test, read, settles, testbed},
    workload::Workload,
};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// The tests, each of which makes clusters of its own.
pub(crate) fn tests() -> Vec<Test> {
    let test = |name: &str, slow, run: fn()| Test::new(&format!("lifecycle::{name}"), slow, run);
    let mut tests = vec![
        test("up_and_down_leave_nothing", false, || up_and_down(1)),
        test("ten_times_up_and_down_leave_nothing", true, || up_and_down(10)),
        test("two_clusters_live_side_by_side", true, two_clusters),
        test("down_of_nothing_is_no_failure", false, down_of_nothing),
        test("up_clears_what_a_killed_up_left", true, up_after_a_killed_up),
        test("routes_follow_the_nodes", true, routes_follow_the_nodes),
    ];
    for &(moment, slow, reached) in MOMENTS {
        let name = format!("lifecycle::a_killed_up_leaves_nothing_after_down::{moment}");
        tests.push(Test::new(&name, slow, move || killed_at(moment, reached)));
    }
    tests
}

/// How far `up` has come, seen from its cluster's directory.
type Reached = fn(&Path) -> bool;

/// Moments at which `up` is killed, each by how it is recognised.
const MOMENTS: &[(&str, bool, Reached)] = &[
    ("directory-made", true, |dir| dir.join("cluster.json").exists()),
    ("agent-started", true, |dir| dir.join("agent.json").exists()),
    ("nodes-booting", true, |dir| dir.join("nodes/n1/process.json").exists()),
    ("control-plane-starting", false, |dir| {
        mentions(&dir.join("logs/kubeadm-init.log"), "[control-plane]")
    }),
    ("joining", true, |dir| dir.join("logs/kubeadm-join-n2.log").exists()),
    ("system-pods-starting", true, |dir| {
        mentions(&dir.join("logs/kubeadm-join-n2.log"), "This node has joined")
            && mentions(&dir.join("logs/kubeadm-join-n3.log"), "This node has joined")
    }),
];

fn mentions(file: &Path, text: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|content| content.contains(text))
}

/// Asserts that the machine is as it was.
#[track_caller]
pub(crate) fn expect_unchanged(name: &Name, before: &Machine) {
    let mut changes = Vec::new();
    // The kernel takes namespaces apart a moment after their last process.
    settles(Duration::from_secs(5), || {
        changes = Machine::look(name).changes_since(before);
        changes.is_empty()
    });
    assert!(changes.is_empty(), "left behind:\n  {}", changes.join("\n  "));
}

fn up_and_down(times: usize) {
    support::clear_abandoned();
    let name = support::name("cycle");
    let before = Machine::look(&name);
    for _ in 0..times {
        read(&mut testbed(&name, &["up"]));
        read(&mut testbed(&name, &["status"]));
        read(&mut testbed(&name, &["down"]));
        expect_unchanged(&name, &before);
    }
}

fn killed_at(moment: &str, reached: Reached) {
    support::clear_abandoned();
    let name = support::name("killed");
    let before = Machine::look(&name);
    kill_up(&name, moment, reached);
    read(&mut testbed(&name, &["down"]));
    expect_unchanged(&name, &before);
}

/// Starts `up` and kills it when it has come so far.
fn kill_up(name: &Name, moment: &str, reached: Reached) {
    let dir = Store::open().cluster(name).path().to_owned();
    let mut up =
        testbed(name, &["up"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut ended = false;
    while !reached(&dir) && !ended {
        ended = up.try_wait().unwrap().is_some();
        std::thread::sleep(Duration::from_millis(1));
    }
    up.kill().unwrap();
    up.wait().unwrap();
    assert!(!ended, "`up` ended before the moment '{moment}' was seen");
}

fn up_after_a_killed_up() {
    support::clear_abandoned();
    let name = support::name("again");
    let before = Machine::look(&name);
    kill_up(&name, "nodes-booting", |dir| dir.join("nodes/n1/process.json").exists());
    read(&mut testbed(&name, &["up"]));
    read(&mut testbed(&name, &["status"]));
    read(&mut testbed(&name, &["down"]));
    expect_unchanged(&name, &before);
}

fn two_clusters() {
    support::clear_abandoned();
    let (one, two) = (support::name("one"), support::name("two"));
    let mut first = testbed(&one, &["up", "--nodes", "1"]).stderr(Stdio::null()).spawn().unwrap();
    read(&mut testbed(&two, &["up", "--nodes", "2"]));
    assert!(first.wait().unwrap().success());
    for name in [&one, &two] {
        read(&mut testbed(name, &["status"]));
    }
    read(&mut testbed(&one, &["down"]));
    read(&mut testbed(&two, &["status"]));
    read(&mut testbed(&two, &["down"]));
}

fn down_of_nothing() {
    read(&mut testbed(&support::name("nothing"), &["down"]));
}

/// A node that goes takes its routes with it, and gets them again when it comes back.
fn routes_follow_the_nodes() {
    support::clear_abandoned();
    let up = Cluster::up(&support::program(), &support::spec("routes"), &support::Steps);
    let (cluster, _) = up.unwrap();
    Workload::deploy(&cluster);
    let (first, third) = (cluster.node("n1").unwrap(), cluster.node("n3").unwrap());
    let hops = |family: Family| {
        let hop = third.address(family).unwrap();
        let mut ip = first.net_command("ip");
        read(ip.args([family.ip_flag(), "route", "show", "via", &hop.to_string()])).lines().count()
    };
    for family in FAMILIES {
        assert_eq!(hops(family), 1);
    }
    read(third.command("systemctl").args(["stop", "kubelet"]));
    read(cluster.kubectl().unwrap().args(["delete", "node", "n3"]));
    assert!(settles(Duration::from_secs(20), || FAMILIES.iter().all(|&f| hops(f) == 0)));
    // It may get another range when it comes back: what runs there has to be made anew.
    let mut delete = cluster.kubectl().unwrap();
    delete.args(["delete", "pods", "-A", "--field-selector", "spec.nodeName=n3"]);
    read(delete.args(["--force", "--grace-period=0"]));
    read(third.command("systemctl").args(["start", "kubelet"]));
    assert!(settles(Duration::from_secs(60), || FAMILIES.iter().all(|&f| hops(f) == 1)));
    cluster.wait_healthy().unwrap();
    expect_health(&Workload::deploy(&cluster));
    Cluster::down(&cluster.record().spec.name).unwrap();
}
