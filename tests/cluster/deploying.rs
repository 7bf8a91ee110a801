//! Making, watching and removing the fixture against an API server that refuses.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use dualstack::{
    cluster::Cluster,
    exit::Exit,
    facts::{Fact, Facts, Node, Places, Readiness, Server},
    fixture::{Allocation, FixtureError, FixtureOptions, Live, ServiceRole, WorkloadState, render},
};
use serde_json::json;
use tokio::time::Instant;

use crate::fake::{Answer, Fake, version};

/// The requests that a server saw, as `PATCH /api/v1/…`.
pub type Log = Arc<Mutex<Vec<String>>>;

/// A server that accepts everything but what `refuse` answers itself, by method and path.
pub async fn server(
    refuse: impl Fn(&str, &str) -> Option<Answer> + Send + Sync + 'static,
) -> (Fake, Cluster, Log) {
    let log = Log::default();
    let seen = Arc::clone(&log);
    let fake = Fake::start(move |request| {
        let (method, path) = (request.method().as_str(), request.uri().path());
        seen.lock().unwrap().push(format!("{method} {path}"));
        if path == "/version" {
            return version();
        }
        if let Some(answer) = refuse(method, path) {
            return answer;
        }
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        match method {
            "GET" if is_watch => Answer::Hang,
            "GET" | "DELETE" => {
                Answer::Json(200, json!({"metadata": {"resourceVersion": "1"}, "items": []}))
            }
            _ => Answer::Json(200, accepted(path)),
        }
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    (fake, cluster, log)
}

/// An object as the API server made it; a Service has been given its addresses.
fn accepted(path: &str) -> serde_json::Value {
    let name = path.rsplit('/').next().unwrap();
    if path.contains("/services/") {
        return json!({"metadata": {"name": name}, "spec": {
            "clusterIPs": ["10.96.0.7", "fd00:96::7"], "ipFamilies": ["IPv4", "IPv6"],
            "ipFamilyPolicy": "PreferDualStack", "ports": [{"port": 80, "nodePort": 30080}]}});
    }
    json!({"metadata": {"name": name}})
}

fn facts() -> Facts {
    let absent = || "not in this test".to_owned();
    let node = Node {
        name: "n1".into(),
        pod_cidrs: Vec::new(),
        addresses: Vec::new(),
        ready: Readiness { ready: true, reported: true, ..Readiness::default() },
        unschedulable: false,
        taints: Vec::new(),
        labels: BTreeMap::new(),
        os: "linux".into(),
        kubelet_version: String::new(),
        container_runtime: String::new(),
        is_virtual: false,
        same_kernel_as: None,
        provider_id: None,
        max_pods: None,
        network_annotations: BTreeMap::new(),
    };
    Facts {
        server: Server { context: None, url: String::new(), version: String::new() },
        nodes: Fact::Known { value: vec![node], source: "the API".into() },
        pod_ranges: Vec::new(),
        service_ranges: Vec::new(),
        kube_proxy: Fact::Absent { reason: absent() },
        cni: Fact::Absent { reason: absent() },
        cluster_dns: Fact::Absent { reason: absent() },
        service_cidrs: Fact::Absent { reason: absent() },
        services: Fact::Absent { reason: absent() },
        unreserved: Fact::Absent { reason: absent() },
        kubernetes_service: Fact::Absent { reason: absent() },
        pods: Fact::Absent { reason: absent() },
        leases: Fact::Absent { reason: absent() },
        load_balancer: Fact::Absent { reason: absent() },
        proxy_pods: Fact::Absent { reason: absent() },
        targets: Vec::new(),
        snapshots: Vec::new(),
        inside_pods: Vec::new(),
        gateways: Vec::new(),
        deprecated: Vec::new(),
        diagnostics: Vec::new(),
        places: Places::default(),
        rulesets: Vec::new(),
    }
}

fn own() -> FixtureOptions {
    FixtureOptions { ready_timeout: Duration::from_secs(60), ..FixtureOptions::default() }
}

fn existing() -> FixtureOptions {
    FixtureOptions { namespace: Some("team".into()), ..own() }
}

fn begin(cluster: &Cluster, options: &FixtureOptions) -> Live {
    render(options, &facts(), "abcde").unwrap().begin(cluster)
}

fn forever() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

/// A refusal with the cause or the object that the API server's own details name.
fn refusal(code: u16, message: &str, details: serde_json::Value) -> Answer {
    Answer::Json(
        code,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
            "message": message, "details": details}),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_the_cluster_cannot_satisfy_is_an_observation() {
    let (_fake, cluster, _) = server(|method, path| {
        (method == "PATCH" && path.contains("/services/require-")).then(|| {
            Answer::status(422, "Invalid", "this cluster is not configured for dual-stack")
        })
    })
    .await;
    let mut live = begin(&cluster, &own());
    let fixture = live.apply().await.unwrap();
    let refused = fixture.service(&ServiceRole::RequireDualStackIpv4First).unwrap();
    let Allocation::Refused { message } = &refused.allocation else { panic!("{refused:?}") };
    assert!(message.contains("not configured for dual-stack"), "{message}");
    let backend = fixture.service(&ServiceRole::Backend("n1".into())).unwrap();
    assert_eq!(backend.node_port(), Some(30080));
    assert_eq!(live.teardown(false).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_a_quota_refuses_ends_the_run_with_the_next_step() {
    let (_fake, cluster, _) = server(|method, path| {
        (method == "PATCH" && path.contains("/services/node-port"))
            .then(|| Answer::status(403, "Forbidden", "forbidden: exceeded quota: q"))
    })
    .await;
    let mut live = begin(&cluster, &existing());
    let error = live.apply().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Cluster);
    let text = error.to_string();
    assert!(text.contains("Service node-port-abcde") && text.contains("raise the quota"), "{text}");
    assert_eq!(live.teardown(false).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_missing_is_named() {
    let (_fake, cluster, _) = server(|method, _| {
        let details = json!({"name": "team", "kind": "namespaces"});
        (method == "PATCH").then(|| refusal(404, "namespaces \"team\" not found", details))
    })
    .await;
    let mut live = begin(&cluster, &existing());
    let error = live.apply().await.unwrap_err();
    assert!(matches!(&error, FixtureError::NamespaceMissing(name) if name == "team"), "{error}");
    assert_eq!(live.teardown(false).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_stuck_terminating_tells_what_holds_it_up() {
    let (_fake, cluster, _) = server(|method, path| match (method, path) {
        ("PATCH", _) => {
            let details = json!({"causes": [{"reason": "NamespaceTerminating"}]});
            Some(refusal(403, "because it is being terminated", details))
        }
        ("GET", "/api/v1/namespaces/team") => Some(Answer::Json(
            200,
            json!({"metadata": {"name": "team"}, "status": {"conditions": [{
                "type": "NamespaceFinalizersRemaining", "status": "True",
                "message": "example.com/held in 1 resource instances"}]}}),
        )),
        _ => None,
    })
    .await;
    let mut live = begin(&cluster, &existing());
    let text = live.apply().await.unwrap_err().to_string();
    assert!(text.starts_with("namespace team is being deleted"), "{text}");
    assert!(text.contains("example.com/held"), "{text}");
    assert_eq!(live.teardown(false).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_admission_refuses_are_known_to_fail_at_once() {
    let (_fake, cluster, _) = server(|method, path| {
        let is_pod = path.contains("/pods/") || path.contains("/deployments/");
        (method == "PATCH" && is_pod)
            .then(|| Answer::status(403, "Forbidden", "forbidden: violates PodSecurity"))
    })
    .await;
    let mut live = begin(&cluster, &own());
    live.apply().await.unwrap();
    // Long before the deadline, or this test would not end.
    let fixture = live.wait_ready(forever(), |_| {}).await.unwrap();
    for workload in fixture.backends.iter().chain(&fixture.probes) {
        let WorkloadState::Failed { reason } = &workload.state else { panic!("{workload:?}") };
        assert!(reason.contains("violates PodSecurity"), "{reason}");
    }
    assert_eq!(live.teardown(false).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_cannot_be_watched_are_no_failure_of_theirs() {
    let (_fake, cluster, _) =
        server(|method, path| (method == "GET" && path.ends_with("/pods")).then(Answer::forbidden))
            .await;
    let mut live = begin(&cluster, &own());
    live.apply().await.unwrap();
    let soon = Instant::now() + Duration::from_millis(300);
    let error = live.wait_ready(soon, |_| {}).await.unwrap_err();
    assert!(matches!(error, FixtureError::WatchFailed(_)), "{error}");
    assert_eq!(error.exit(), Exit::Cluster);
    let _ = live.keep().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_applied_after_the_teardown_began() {
    let (_fake, cluster, log) = server(|_, _| None).await;
    let mut live = begin(&cluster, &own());
    // As a Ctrl-C does: the future is dropped wherever it is.
    let _ = futures::poll!(std::pin::pin!(live.apply()));
    assert_eq!(live.teardown(false).await, [""; 0]);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let log = log.lock().unwrap();
    let first_deletion = log.iter().position(|line| line.starts_with("DELETE")).unwrap();
    let later = &log[first_deletion..];
    assert!(later.iter().all(|line| !line.starts_with("PATCH")), "{later:?}");
    assert!(later[0].starts_with("DELETE /api/v1/namespaces/dualstack-abcde"), "{later:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_begun_needs_no_teardown() {
    let (_fake, cluster, log) = server(|_, _| None).await;
    assert_eq!(begin(&cluster, &own()).teardown(false).await, [""; 0]);
    drop(begin(&cluster, &own()));
    assert_eq!(*log.lock().unwrap(), ["GET /version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixture_that_is_dropped_is_torn_down() {
    let (_fake, cluster, log) = server(|_, _| None).await;
    let mut live = begin(&cluster, &own());
    live.apply().await.unwrap();
    drop(live);
    let deleted = "DELETE /api/v1/namespaces/dualstack-abcde".to_owned();
    assert!(log.lock().unwrap().contains(&deleted));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_deleted_is_told_and_what_is_gone_is_not() {
    let (_fake, cluster, _) = server(|method, path| match (method, path.rsplit('/').next()) {
        ("DELETE", Some("services")) => Some(Answer::forbidden()),
        ("DELETE", Some("configmaps")) => Some(Answer::status(404, "NotFound", "no such thing")),
        _ => None,
    })
    .await;
    let mut live = begin(&cluster, &existing());
    live.apply().await.unwrap();
    assert_eq!(live.teardown(false).await, ["services team/*: jane may not"]);
}
