//! A node that goes away in the middle of a run: the run ends, says which node it was, and what is
//! left is gone once the node is back.

use std::{path::Path, time::Duration};

use dualstack::check::{Status, Subject};

use super::{
    bed::Bed,
    healthy::assert_passed,
    lifecycle::until,
    product::{Run, begin, run},
    trial::Test,
};

pub const QUICK: &[(&str, Test)] = &[
    ("node_loss::a_node_that_freezes_while_its_pods_start", freezes_early),
    ("node_loss::a_node_that_freezes_while_it_is_probed", freezes_late),
    ("node_loss::a_node_whose_link_dies_while_it_is_probed", link_dies),
];

/// The node that goes away. It holds no part of the control plane.
const NODE: &str = "n3";

/// A node that is away until this is dropped.
struct Away<'a> {
    bed: &'a Bed,
    back: &'static str,
}

/// Every process of the node stands still; its kernel goes on, and accepts connections.
fn frozen(bed: &Bed) -> Away<'_> {
    in_node(bed, "kill -STOP -1");
    Away { bed, back: "kill -CONT -1" }
}

/// No packet gets in or out.
fn unlinked(bed: &Bed) -> Away<'_> {
    in_node(
        bed,
        "nft 'add table inet away; \
         add chain inet away in { type filter hook prerouting priority raw; }; \
         add rule inet away in iifname eth0 drop; \
         add chain inet away out { type filter hook postrouting priority 300; }; \
         add rule inet away out oifname eth0 drop'",
    );
    Away { bed, back: "nft delete table inet away" }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        in_node(self.bed, self.back);
        // A node that is Ready again keeps its taint for a moment, and would be left out.
        self.bed.wait_repaired();
    }
}

fn in_node(bed: &Bed, command: &str) {
    bed.testbed(&["exec", NODE, "--", "sh", "-c", command]);
}

/// How long a run may go on without its node: less than the run's own deadline of three minutes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts a run, lets the node go once `when` holds, and returns how the run ended.
fn without_node<'a>(
    bed: &'a Bed,
    arguments: &[&str],
    when: impl Fn() -> bool,
    away: impl FnOnce(&'a Bed) -> Away<'a>,
) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("record.json");
    let arguments = [arguments, &["--json", json.to_str().unwrap()]].concat();
    let mut running = begin(bed, &arguments);
    until("the moment", || {
        assert!(running.try_wait().unwrap().is_none(), "the run was over before the moment came");
        when()
    });
    let away = away(bed);
    let ended = Run::of(running, &json, PATIENCE);
    drop(away);
    until("what was left to go", || bed.leftovers().is_empty());
    ended
}

/// What is common to every such run: it can't pass, and what it says is of that node alone.
fn assert_node_is_named(ended: &Run) {
    assert!([1, 5].contains(&ended.code), "{}: {}", ended.code, ended.output);
    let record = ended.record();
    for judged in &record.judged {
        let status = judged.verdict.status();
        if !matches!(status, Status::Fail | Status::Inconclusive) {
            continue;
        }
        let name = judged.case.name();
        // Behind shared Services and in DNS the node may have had its part.
        let own = match &judged.case.subject {
            Subject::Path { from, to } => is_lost(from) || to == NODE || !is_node(to),
            Subject::Node { name } => name == NODE,
            // A DNS pod is asked from every node.
            Subject::Pod { node, .. } => node == NODE || judged.case.check == "dns::servers",
            Subject::Service { .. } | Subject::Cluster => true,
        };
        // A NodePort leads to the backends of every node.
        assert!(own || name.starts_with("node_port::"), "{name}: {}", judged.verdict.detail());
    }
    let left = record.left_behind.join("\n");
    assert!(left.contains(&format!("the kubelet on {NODE}")), "{left}\n{}", ended.output);
    assert!(ended.output.contains(NODE), "{}", ended.output);
}

/// Whether a path begins on the lost node: in a pod, or in the node's own network.
fn is_lost(from: &str) -> bool {
    from.strip_prefix("host network of ").unwrap_or(from) == NODE
}

fn is_node(name: &str) -> bool {
    ["n1", "n2", "n3"].contains(&name)
}

fn freezes_early(bed: &Bed) {
    let scheduled = || {
        bed.leftovers().lines().any(|line| line.contains("busybox-3") && !line.contains("Running"))
    };
    let ended = without_node(bed, &["--ready-timeout", "15s"], scheduled, frozen);
    assert_node_is_named(&ended);
    assert_passed(bed, &run(bed, &[]));
}

/// Whether every pod of the run is running, so that the probes are about to begin or have begun.
fn probing(bed: &Bed) -> bool {
    let pods = bed.kubectl(&[
        "get",
        "pods",
        "-A",
        "-l",
        "dualstack.dev/run",
        "--no-headers",
        "-o",
        "custom-columns=READY:.status.conditions[?(@.type==\"Ready\")].status",
    ]);
    pods.lines().count() == 9 && pods.lines().all(|line| line.trim() == "True")
}

/// A suite that probes for long enough to be caught at it.
fn long_suite(directory: &Path) -> String {
    let path = directory.join("long.yaml");
    let suite = "name: long\ndescription: Many connections.\nfamilies: [IPv4, IPv6]\n\
                 checks: [node, pod, service, node_port, control_plane, dns]\nprobes:\n  confirmations: 60\n";
    std::fs::write(&path, suite).unwrap();
    path.display().to_string()
}

fn lost_while_probed(bed: &Bed, away: fn(&Bed) -> Away<'_>) {
    let directory = tempfile::tempdir().unwrap();
    let suite = long_suite(directory.path());
    let ended = without_node(bed, &["--suite", &suite], || probing(bed), away);
    assert_node_is_named(&ended);
    assert_passed(bed, &run(bed, &[]));
}

fn freezes_late(bed: &Bed) {
    lost_while_probed(bed, frozen);
}

fn link_dies(bed: &Bed) {
    lost_while_probed(bed, unlinked);
}
