//! A plan, which reads the cluster and nothing more.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use dualstack::{
    check::REGISTRY,
    exit::Exit,
    fixture::FixtureOptions,
    run::{Options, SnapshotPolicy, plan},
    suite::Suite,
};
use serde_json::json;

use crate::{
    fake::{Answer, Fake, options},
    gathering::{kubeadm, list},
};

/// Options of a run of everything on this server.
fn everything(fake: &Fake) -> Options {
    Options {
        connect: options(fake.kubeconfig(json!({"token": "s3cret"}), json!({}))),
        suite: Suite::load("dual-stack").unwrap(),
        checks: REGISTRY.to_vec(),
        fixture: FixtureOptions::default(),
        egress_server: None,
        deadline: Duration::from_secs(180),
        keep: false,
        snapshot: SnapshotPolicy::Suspects,
        baseline: None,
        wait_namespace: false,
    }
}

fn two_nodes() -> Answer {
    let nodes = ["n1", "n2"].map(|name| {
        json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/os": "linux"}},
            "spec": {"podCIDRs": ["10.244.0.0/24", "fd00:244::/64"]},
            "status": {
                "addresses": [{"type": "InternalIP", "address": "192.0.2.1"}],
                "conditions": [{"type": "Ready", "status": "True"}],
                "images": [{"names": ["a"], "sizeBytes": 1}],
            },
        })
    });
    Answer::Json(200, list(json!(nodes)))
}

#[tokio::test]
async fn a_plan_only_reads_and_says_how_many_reads_there_are() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let fake = Fake::start(move |request| {
        seen.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
        match request.uri().path() {
            "/api/v1/nodes" => two_nodes(),
            path => kubeadm(path),
        }
    })
    .await;
    let plan = plan(&everything(&fake)).await.unwrap();
    let asked = asked.lock().unwrap();
    assert!(asked.iter().all(|request| request.starts_with("GET ")), "{asked:?}");
    assert_eq!(plan.calls.reads, asked.len(), "{asked:?}");
    assert_eq!((plan.nodes.len(), plan.objects["Deployment"]), (2, 2));
    assert_eq!(plan.execs, 4);
    assert_eq!(plan.limit_seconds, 180);
}

#[tokio::test]
async fn a_plan_of_some_checks_asks_only_for_what_they_need() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let fake = Fake::start(move |request| {
        let path = request.uri().path().to_owned();
        seen.lock().unwrap().push(path.clone());
        match path.as_str() {
            "/api/v1/nodes" => two_nodes(),
            path => kubeadm(path),
        }
    })
    .await;
    let all = everything(&fake);
    let checks = all.checks.iter().copied().filter(|check| check.id().starts_with("dns::"));
    let options = Options { checks: checks.collect(), ..all };
    let plan = plan(&options).await.unwrap();
    let asked = asked.lock().unwrap();
    assert_eq!(plan.calls.reads, asked.len(), "{asked:?}");
    // What other people run, of which there may be very many.
    for many in ["/api/v1/pods", "/api/v1/services", "/apis/networking.k8s.io/v1/ipaddresses"] {
        assert!(!asked.iter().any(|path| path == many), "{asked:?}");
    }
    assert!(asked.iter().any(|path| path.ends_with("/configmaps/coredns")), "{asked:?}");
}

#[tokio::test]
async fn a_target_that_can_not_be_tested_is_answered_before_anything_is_made() {
    for (status, exit, words) in [
        (404, Exit::Cluster, "Service team/web not found"),
        (403, Exit::Cluster, "missing permission: get services in namespace team"),
    ] {
        let fake = Fake::start(move |request| match request.uri().path() {
            "/api/v1/namespaces/team/services/web" => Answer::Json(
                status,
                json!({
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status,
                    "message": "no", "reason": "no",
                }),
            ),
            "/apis/discovery.k8s.io/v1/namespaces/team/endpointslices" => {
                Answer::Json(200, list(json!([])))
            }
            path => kubeadm(path),
        })
        .await;
        let mut options = everything(&fake);
        options.suite = options.suite.with_targets(["team/web".parse().unwrap()]);
        let error = plan(&options).await.unwrap_err();
        assert_eq!(error.exit(), exit);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_plan_without_a_node_to_test_says_why() {
    let fake = Fake::start(|request| kubeadm(request.uri().path())).await;
    let error = plan(&everything(&fake)).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Cluster);
    assert!(error.to_string().contains("no node can be tested: n1 ("), "{error}");
}
