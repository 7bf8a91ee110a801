//! Clusters that come and go, quietly or not, and the machine after them.

use std::{fs, path::Path, process::Stdio, time::Duration};

use testbed::{spec::Name, state::Store};

use crate::{
    machine::Machine,
    support::{self, Test, read, settles, testbed},
};

/// The tests, each of which makes clusters of its own.
pub(crate) fn tests() -> Vec<Test> {
    let test = |name: &str, slow, run: fn()| Test::new(&format!("lifecycle::{name}"), slow, run);
    let mut tests = vec![
        test("up_and_down_leave_nothing", false, || up_and_down(1)),
        test("ten_times_up_and_down_leave_nothing", true, || up_and_down(10)),
        test("two_clusters_live_side_by_side", true, two_clusters),
        test("down_of_nothing_is_no_failure", false, down_of_nothing),
        test("up_clears_what_a_killed_up_left", true, up_after_a_killed_up),
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
