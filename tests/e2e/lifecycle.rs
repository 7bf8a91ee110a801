//! How a run ends when it doesn't end by itself, and what others may do meanwhile.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use dualstack::{cause::Judged, check::Status};

use super::{
    bed::{Bed, text},
    healthy::assert_passed,
    product::{Run, begin, dualstack, run},
    trial::Test,
};

pub const QUICK: &[(&str, Test)] = &[
    ("lifecycle::a_killed_run_is_removed_by_cleanup_and_not_before_it_is_dead", killed_once),
    ("lifecycle::two_runs_at_once_do_not_disturb_each_other", two_at_once),
    ("lifecycle::one_interrupt_tears_down_and_reports", interrupted),
    ("lifecycle::a_second_interrupt_reports_and_names_what_is_left", interrupted_twice),
    ("lifecycle::services_that_somebody_deletes_in_the_middle_leave_doubts_and_no_failure", robbed),
    ("lifecycle::a_run_that_slept_while_cleanup_removed_it_says_so", slept),
    ("lifecycle::keep_keeps_and_cleanup_removes", kept),
    ("lifecycle::a_run_in_an_existing_namespace_leaves_the_namespace", existing_namespace),
];

pub const LONG: &[(&str, Test)] =
    &[("lifecycle::kills_at_ten_moments_leave_nothing_after_cleanup", killed_ten_times)];

fn signal(child: &Child, signal: &str) {
    let sent = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Waits until something is so, and fails when it isn't within a minute.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(180);
    while !so() {
        assert!(Instant::now() < patience, "waited three minutes for {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

fn cleanup(bed: &Bed) {
    let cleaned = dualstack(bed, &["cleanup"]).output().unwrap();
    assert!(cleaned.status.success(), "{}", text(&cleaned.stderr));
}

/// Removes what a run left that was cut short. Its Lease must run out before anybody may remove
/// what it guards.
fn clean(bed: &Bed) {
    until("cleanup to remove what the run left", || {
        cleanup(bed);
        bed.leftovers().is_empty()
    });
}

fn kill_and_clean(bed: &Bed, after: Duration) {
    let mut run = begin(bed, &[]);
    thread::sleep(after);
    // A run may have ended by itself before the latest of the moments.
    let _ = run.kill();
    run.wait().unwrap();
    clean(bed);
}

fn killed_once(bed: &Bed) {
    let mut live = begin(bed, &["--keep"]);
    until("the fixture", || bed.leftovers().contains("lease"));
    cleanup(bed);
    assert!(bed.leftovers().contains("lease"), "cleanup removed a live run");
    live.kill().unwrap();
    live.wait().unwrap();
    clean(bed);
    assert_passed(bed, &run(bed, &[]));
}

fn killed_ten_times(bed: &Bed) {
    for moment in 1..=10 {
        kill_and_clean(bed, Duration::from_millis(400 * moment));
    }
    assert_passed(bed, &run(bed, &[]));
}

/// Two runs need a machine's time twice: what was too busy to tell anything is no disturbance.
fn two_at_once(bed: &Bed) {
    let directory = tempfile::tempdir().unwrap();
    let records = ["one.json", "other.json"].map(|name| directory.path().join(name));
    let running = records.each_ref().map(|json| begin(bed, &["--json", json.to_str().unwrap()]));
    for (running, json) in running.into_iter().zip(&records) {
        let run = Run::of(running, json, Duration::from_secs(240));
        let disturbed = |judged: &&Judged| match judged.verdict.status() {
            Status::Fail => true,
            Status::Inconclusive => !judged.verdict.detail().contains("busy"),
            Status::Pass | Status::Skip => false,
        };
        let disturbed = run.judged().filter(disturbed).count();
        assert_eq!(disturbed, 0, "{}", run.not_passed());
        assert!(run.cases(Status::Pass).len() > 300, "{}", run.not_passed());
    }
    assert_eq!(bed.leftovers(), "");
}

fn interrupted(bed: &Bed) {
    let run = begin(bed, &[]);
    until("the fixture", || bed.leftovers().contains("deployment"));
    signal(&run, "-INT");
    let output = run.wait_with_output().unwrap();
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{printed}{}", text(&output.stderr));
    assert!(printed.contains("node::internal_ips"), "what was known is reported:\n{printed}");
    assert_eq!(bed.leftovers(), "");
}

fn interrupted_twice(bed: &Bed) {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("record.json");
    let running = begin(bed, &["--json", json.to_str().unwrap()]);
    until("the fixture", || bed.leftovers().contains("deployment"));
    signal(&running, "-INT");
    thread::sleep(Duration::from_millis(100));
    signal(&running, "-INT");
    let run = Run::of(running, &json, Duration::from_secs(60));
    assert_eq!(run.code, 130, "{}", run.output);
    let record = run.record();
    let cleanup = format!("dualstack cleanup --run {}", record.started.run);
    assert_eq!(record.left_behind.len(), 1, "{:?}", record.left_behind);
    assert!(record.left_behind[0].contains(&cleanup), "{:?}", record.left_behind);
    assert!(run.output.contains("node::internal_ips"), "{}", run.output);
    clean(bed);
}

/// That a run told that its workload was removed, and called nothing broken.
fn assert_removed(run: &Run) {
    assert_eq!(run.code, 5, "{}", run.output);
    assert_eq!(run.cases(Status::Fail), Vec::<String>::new(), "{}", run.output);
    assert!(run.output.contains("deleted by someone else"), "{}", run.output);
}

fn robbed(bed: &Bed) {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("record.json");
    let running = begin(bed, &["--json", json.to_str().unwrap()]);
    until("the probes", || probing(bed));
    bed.kubectl(&[
        "delete",
        "services",
        "--all-namespaces",
        "--wait=false",
        "-l",
        "dualstack.dev/run",
    ]);
    assert_removed(&Run::of(running, &json, Duration::from_secs(240)));
    assert_eq!(bed.leftovers(), "");
}

/// Whether a run's pods are ready, so that it probes or is about to.
fn probing(bed: &Bed) -> bool {
    let ready = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}";
    let of_a_run = ["get", "pods", "--all-namespaces", "-l", "dualstack.dev/run", "-o", ready];
    let ready = bed.kubectl(&of_a_run);
    let ready: Vec<&str> = ready.split_whitespace().collect();
    ready.len() == 3 * bed.spec().node_names().count() && ready.iter().all(|it| *it == "True")
}

/// A laptop that is closed: its run can't renew its Lease, and somebody else takes it for dead.
fn slept(bed: &Bed) {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("record.json");
    // A process that is stopped in a group which nobody waits for is hung up and goes on.
    let running = dualstack(bed, &["run", "--json", json.to_str().unwrap()])
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the probes", || probing(bed));
    signal(&running, "-STOP");
    clean(bed);
    signal(&running, "-CONT");
    assert_removed(&Run::of(running, &json, Duration::from_secs(240)));
}

fn kept(bed: &Bed) {
    let kept = run(bed, &["--keep"]);
    assert_eq!(kept.code, 0, "{}", kept.output);
    let namespace = &kept.record().started.namespace;
    assert!(bed.leftovers().contains(namespace.as_str()));
    let id = &kept.record().started.run;
    // Its Lease was given back: nobody has to wait for it to run out.
    let cleaned = dualstack(bed, &["cleanup", "--run", id]).output().unwrap();
    assert!(cleaned.status.success(), "{}", text(&cleaned.stderr));
    assert_eq!(bed.leftovers(), "");
}

fn existing_namespace(bed: &Bed) {
    bed.kubectl(&["create", "namespace", "mine"]);
    let run = run(bed, &["--namespace", "mine"]);
    let namespaces = bed.kubectl(&["get", "namespace", "mine", "--no-headers"]);
    bed.kubectl(&["delete", "namespace", "mine"]);
    assert_passed(bed, &run);
    assert!(namespaces.contains("Active"), "{namespaces}");
}
