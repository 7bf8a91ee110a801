//! Cleaning up after dead runs, and leaving live ones alone.

use dualstack::{
    cluster::Cluster,
    fixture::{CleanupOptions, CleanupReport, cleanup},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    deploying::{Log, server},
    fake::{Answer, Fake},
};

const NAMESPACE: &str = "/api/v1/namespaces/dualstack-abcde";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/dualstack-abcde/leases/dualstack";

fn metadata(name: &str) -> Value {
    json!({"name": name, "namespace": "dualstack-abcde", "resourceVersion": "7",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"app.kubernetes.io/managed-by": "dualstack", "dualstack.dev/run": "abcde"}})
}

/// A run whose Lease was renewed this many seconds ago.
fn lease(renewed: i64) -> Value {
    let time = Timestamp::now() - SignedDuration::from_secs(renewed);
    json!({"metadata": metadata("dualstack"), "spec": {"holderIdentity": "someone",
        "leaseDurationSeconds": 20, "renewTime": time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()}})
}

fn list(item: Value) -> Option<Answer> {
    Some(Answer::Json(200, json!({"metadata": {}, "items": [item]})))
}

/// A cluster with one run, whose Lease was renewed this many seconds ago.
async fn cluster(
    renewed: i64,
    refuse: impl Fn(&str, &str) -> Option<Answer> + Send + Sync + 'static,
) -> (Fake, Cluster, Log) {
    server(move |method, path| {
        if let Some(answer) = refuse(method, path) {
            return Some(answer);
        }
        match (method, path) {
            ("GET", "/api/v1/namespaces") => list(json!({"metadata": metadata("dualstack-abcde")})),
            ("GET", "/apis/coordination.k8s.io/v1/leases") => list(lease(renewed)),
            _ => None,
        }
    })
    .await
}

fn deletions(log: &Log) -> Vec<String> {
    let log = log.lock().unwrap();
    log.iter().filter_map(|line| line.strip_prefix("DELETE ")).map(str::to_owned).collect()
}

fn skipped(report: &CleanupReport) -> Vec<&str> {
    report.skipped.iter().map(|skipped| skipped.reason.as_str()).collect()
}

#[tokio::test]
async fn a_dead_runs_lease_goes_first_and_then_its_namespace() {
    let (_fake, cluster, log) = cluster(3600, |_, _| None).await;
    let report = cleanup(&cluster, &CleanupOptions::default()).await.unwrap();
    assert_eq!(report.removed.len(), 1);
    assert_eq!(report.removed[0].holder.as_deref(), Some("someone"));
    assert!(report.left_behind.is_empty(), "{report:?}");
    assert_eq!(deletions(&log)[..2], [LEASE, NAMESPACE]);
}

#[tokio::test]
async fn a_live_run_is_never_touched() {
    let (_fake, cluster, log) = cluster(0, |_, _| None).await;
    for run in [None, Some("abcde".to_owned())] {
        let options = CleanupOptions { run, ..CleanupOptions::default() };
        let report = cleanup(&cluster, &options).await.unwrap();
        assert!(skipped(&report)[0].starts_with("its Lease is valid for"), "{report:?}");
    }
    assert_eq!(deletions(&log), [""; 0]);
}

#[tokio::test]
async fn a_run_that_wakes_up_in_the_last_moment_is_spared() {
    let (_fake, cluster, log) = cluster(3600, |method, path| {
        (method == "DELETE" && path == LEASE)
            .then(|| Answer::status(409, "Conflict", "the object has been modified"))
    })
    .await;
    let report = cleanup(&cluster, &CleanupOptions::default()).await.unwrap();
    assert_eq!(skipped(&report), ["it has just renewed its Lease"]);
    assert!(report.removed.is_empty());
    assert_eq!(deletions(&log), [LEASE]);
}

#[tokio::test]
async fn a_dry_run_deletes_nothing_and_another_run_is_not_meant() {
    let (_fake, cluster, log) = cluster(3600, |_, _| None).await;
    let dry = CleanupOptions { dry_run: true, ..CleanupOptions::default() };
    assert_eq!(cleanup(&cluster, &dry).await.unwrap().removed.len(), 1);
    let other = CleanupOptions { run: Some("zzzzz".into()), ..CleanupOptions::default() };
    assert_eq!(cleanup(&cluster, &other).await.unwrap(), CleanupReport::default());
    assert_eq!(deletions(&log), [""; 0]);
}

#[tokio::test]
async fn what_could_not_be_looked_at_is_told() {
    let (_fake, cluster, _log) = cluster(0, |method, path| {
        (method == "GET" && path == "/api/v1/secrets").then(Answer::forbidden)
    })
    .await;
    let report = cleanup(&cluster, &CleanupOptions::default()).await.unwrap();
    assert_eq!(report.unseen.len(), 1);
    assert!(report.unseen[0].contains("list secrets"), "{report:?}");
}

#[tokio::test]
async fn a_cleanup_that_sees_nothing_at_all_is_an_error() {
    let (_fake, cluster, _log) =
        cluster(0, |method, path| (method == "GET" && path != "/version").then(Answer::forbidden))
            .await;
    assert!(cleanup(&cluster, &CleanupOptions::default()).await.is_err());
}
