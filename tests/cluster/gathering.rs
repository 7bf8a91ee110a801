//! Rights and facts, as an API server gives and denies them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use dualstack::{
    cluster::{ClusterError, Permission, preflight},
    exit::Exit,
    facts::{Fact, Source, gather},
};
use serde_json::{Value, json};

use crate::fake::{Answer, Fake, version};

/// What a kubeadm cluster of one node has, by path.
pub fn kubeadm(path: &str) -> Answer {
    let system = "/api/v1/namespaces/kube-system";
    let map = |name: &str, key: &str, value: &str| {
        let metadata = json!({"namespace": "kube-system", "name": name});
        json!({"metadata": metadata, "data": {key: value}})
    };
    let value = match path {
        "/version" => return version(),
        "/api/v1/nodes" => list(json!([{
            "metadata": {"name": "n1"},
            "spec": {"podCIDRs": ["10.244.0.0/24", "fd00:244::/64"]},
        }])),
        "/apis/networking.k8s.io/v1/servicecidrs" => list(json!([{
            "metadata": {"name": "kubernetes"},
            "spec": {"cidrs": ["10.96.0.0/16", "fd00:96::/112"]},
        }])),
        "/apis/networking.k8s.io/v1/ipaddresses" => {
            list(json!(["10.96.0.10", "fd00:96::a"].map(|ip| json!({
                "metadata": {"name": ip},
                "spec": {"parentRef": {
                    "resource": "services", "namespace": "kube-system", "name": "kube-dns",
                }},
            }))))
        }
        "/api/v1/services" => return kubeadm(&format!("{system}/services")),
        "/api/v1/pods" => list(json!([{
            "metadata": {"namespace": "shop", "name": "old"},
            "spec": {"containers": []},
            "status": {"podIPs": [{"ip": "10.244.0.2"}]},
        }])),
        "/apis/apps/v1/daemonsets" => list(json!([
            set("kube-system", "kube-proxy", "registry.k8s.io/kube-proxy:v1.36.3"),
            set("kube-flannel", "kube-flannel-ds", "ghcr.io/flannel-io/flannel:v0.27.0@sha256:00"),
        ])),
        "/api/v1/namespaces/kube-flannel/configmaps/kube-flannel-cfg" => json!({
            "metadata": {"namespace": "kube-flannel", "name": "kube-flannel-cfg"},
            "data": {"net-conf.json": r#"{"Network": "10.244.0.0/16", "EnableIPv6": true,
                "IPv6Network": "fd00:244::/56", "Backend": {"Type": "vxlan"}}"#},
        }),
        path => match path.strip_prefix(system).unwrap_or(path) {
            "/configmaps/kubeadm-config" => map(
                "kubeadm-config",
                "ClusterConfiguration",
                "apiServer: {}\nnetworking:\n  dnsDomain: example.local\n  \
                 podSubnet: 10.244.0.0/16,fd00:244::/56\n  serviceSubnet: 10.96.0.0/16\n",
            ),
            "/configmaps/kube-proxy" => map(
                "kube-proxy",
                "config.conf",
                "mode: nftables\nclusterCIDR: 10.244.0.0/16\nnodePortAddresses: null\n",
            ),
            "/configmaps/coredns" => map(
                "coredns",
                "Corefile",
                ".:53 {\n  kubernetes cluster.local in-addr.arpa ip6.arpa {\n  }\n}\n",
            ),
            "/pods" => list(json!([{
                "metadata": {
                    "namespace": "kube-system", "name": "kube-apiserver-n1",
                    "labels": {"component": "kube-apiserver"},
                },
                "spec": {"containers": [{
                    "name": "c",
                    "command": ["kube-apiserver", "--service-cluster-ip-range=10.96.0.0/16"],
                }]},
            }])),
            "/services" => list(json!([{
                "metadata": {"namespace": "kube-system", "name": "kube-dns"},
                "spec": {"clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10", "fd00:96::a"]},
            }])),
            "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases" => list(json!([{
                "metadata": {"namespace": "kube-system", "name": "kube-scheduler"},
                "spec": {
                    "holderIdentity": "n1_x", "leaseDurationSeconds": 15,
                    "renewTime": "2020-01-01T00:00:00.000000Z",
                },
            }])),
            "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices" => {
                let endpoint = |address: &str| {
                    json!({
                        "addresses": [address], "nodeName": "n1",
                        "conditions": {"ready": true},
                        "targetRef": {"kind": "Pod", "namespace": "kube-system", "name": "coredns-x"},
                    })
                };
                let ports = json!([
                    {"name": "dns", "protocol": "UDP", "port": 53},
                    {"name": "dns-tcp", "protocol": "TCP", "port": 5300},
                ]);
                list(json!([
                    {"metadata": {"name": "a"}, "addressType": "IPv4", "ports": ports,
                     "endpoints": [endpoint("10.244.0.5")]},
                    {"metadata": {"name": "b"}, "addressType": "IPv6", "ports": ports,
                     "endpoints": [endpoint("fd00:244::5")]},
                ]))
            }
            _ => return Answer::status(404, "NotFound", "not found"),
        },
    };
    Answer::Json(200, value)
}

pub fn list(items: Value) -> Value {
    json!({"metadata": {}, "items": items})
}

fn set(namespace: &str, name: &str, image: &str) -> Value {
    json!({
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"selector": {}, "template": {"spec": {
            "containers": [{"name": "c", "image": image}],
        }}},
        "status": {"currentNumberScheduled": 1, "desiredNumberScheduled": 1,
                   "numberMisscheduled": 0, "numberReady": 1},
    })
}

/// Everything that is asked for in a kubeadm cluster with flannel.
const PATHS: [&str; 20] = [
    "/api/v1/namespaces/default/services/kubernetes",
    "/api/v1/namespaces/kube-flannel/configmaps/kube-flannel-cfg",
    "/api/v1/namespaces/kube-system/configmaps/coredns",
    "/api/v1/namespaces/kube-system/configmaps/kube-proxy",
    "/api/v1/namespaces/kube-system/configmaps/kube-proxy-config",
    "/api/v1/namespaces/kube-system/configmaps/kubeadm-config",
    "/api/v1/namespaces/kube-system/configmaps/kubelet-config",
    "/api/v1/namespaces/kube-system/pods",
    "/api/v1/namespaces/kube-system/pods",
    "/api/v1/namespaces/kube-system/pods",
    "/api/v1/namespaces/kube-system/services",
    "/api/v1/nodes",
    "/api/v1/pods",
    "/api/v1/services",
    "/apis/apps/v1/daemonsets",
    "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases",
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
    "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices",
    "/apis/networking.k8s.io/v1/ipaddresses",
    "/apis/networking.k8s.io/v1/servicecidrs",
];

#[tokio::test]
async fn every_source_is_read_once_and_nothing_is_written() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let fake = Fake::start(move |request| {
        let path = request.uri().path().to_owned();
        assert_eq!(request.method(), "GET", "{path}");
        seen.lock().unwrap().push(path.clone());
        kubeadm(&path)
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    let facts = gather(&cluster, &Source::ALL).await.unwrap();

    let mut asked = asked.lock().unwrap().clone();
    asked.retain(|path| path != "/version");
    asked.sort();
    assert_eq!(asked, PATHS);

    let lines: Vec<_> = facts.pod_ranges.iter().chain(&facts.service_ranges).map(line).collect();
    assert_eq!(
        lines,
        [
            "10.244.0.0/16 fd00:244::/56 <- networking.podSubnet of ConfigMap \
             kube-system/kubeadm-config",
            "? no Pod with label component=kube-controller-manager in kube-system",
            "10.244.0.0/16 <- clusterCIDR of config.conf in ConfigMap kube-system/kube-proxy",
            "10.244.0.0/24 fd00:244::/64 <- spec.podCIDRs of the nodes, taken together",
            "10.244.0.0/16 fd00:244::/56 <- net-conf.json in ConfigMap \
             kube-flannel/kube-flannel-cfg",
            "10.96.0.0/16 fd00:96::/112 <- ServiceCIDR kubernetes",
            "10.96.0.0/16 <- networking.serviceSubnet of ConfigMap kube-system/kubeadm-config",
            "10.96.0.0/16 <- --service-cluster-ip-range of Pod kube-system/kube-apiserver-n1",
            "? no Pod with label component=kube-controller-manager in kube-system",
        ]
    );
    assert_eq!(facts.kube_proxy.known().unwrap().mode, "nftables");
    let cni = facts.cni.known().unwrap();
    assert_eq!((cni.name.as_str(), cni.version.as_deref()), ("flannel", Some("v0.27.0")));
    let dns = facts.cluster_dns.known().unwrap();
    assert_eq!(dns.cluster_ips.len(), 2);
    assert_eq!(dns.domain.as_deref(), Some("example.local"));
    assert_eq!(facts.unreserved.known().unwrap().len(), 0);
    assert_eq!(facts.pods.known().unwrap().single_stack.len(), 1);
    let leases = facts.leases.known().unwrap();
    assert_eq!((leases[0].component.as_str(), leases[0].is_stale()), ("kube-scheduler", true));
    // Both families' slices show the same pod.
    assert_eq!(dns.pods.len(), 1);
    assert_eq!((dns.pods[0].name.as_str(), dns.pods[0].tcp_port), ("coredns-x", 5300));
    let addresses: Vec<_> = dns.pods[0].pod_ips.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["10.244.0.5", "fd00:244::5"]);
}

#[tokio::test]
async fn only_what_is_wanted_is_asked_for() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let fake = Fake::start(move |request| {
        let path = request.uri().path().to_owned();
        seen.lock().unwrap().push(path.clone());
        kubeadm(&path)
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    let facts = gather(&cluster, &[Source::Nodes, Source::ClusterDns]).await.unwrap();
    let mut asked = asked.lock().unwrap().clone();
    asked.retain(|path| path != "/version");
    asked.sort();
    let system = |path: &str| format!("/api/v1/namespaces/kube-system/{path}");
    let slices = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices".to_owned();
    let maps = ["configmaps/coredns", "configmaps/kubeadm-config", "configmaps/kubelet-config"];
    let own = maps.into_iter().chain(["pods", "services"]).map(system);
    let expected: Vec<_> = own.chain(["/api/v1/nodes".to_owned(), slices]).collect();
    assert_eq!(asked, expected);
    assert_eq!(facts.cluster_dns.known().unwrap().domain.as_deref(), Some("example.local"));
    let unasked = [
        facts.kube_proxy.why_unknown(),
        facts.cni.why_unknown(),
        facts.services.why_unknown(),
        facts.unreserved.why_unknown(),
        facts.service_cidrs.why_unknown(),
        facts.kubernetes_service.why_unknown(),
        facts.pods.why_unknown(),
        facts.leases.why_unknown(),
        facts.proxy_pods.why_unknown(),
        facts.load_balancer.why_unknown(),
    ];
    assert_eq!(unasked, [Some("not asked for"); 10]);
}

/// A fact in one line: `?` for absent, `!` for forbidden.
fn line<T: std::fmt::Display>(fact: &Fact<Vec<T>>) -> String {
    match fact {
        Fact::Known { value, source } => {
            let value: Vec<_> = value.iter().map(ToString::to_string).collect();
            format!("{} <- {source}", value.join(" "))
        }
        Fact::Absent { reason } => format!("? {reason}"),
        Fact::Forbidden { reason } => format!("! {reason}"),
    }
}

#[tokio::test]
async fn a_right_that_is_missing_leaves_a_fact_forbidden_and_the_others_known() {
    for denied in PATHS.iter().filter(|path| **path != "/api/v1/nodes") {
        let fake = Fake::start(move |request| match request.uri().path() {
            path if path == *denied => Answer::forbidden(),
            path => kubeadm(path),
        })
        .await;
        let cluster = fake.connect().await.unwrap();
        let facts = gather(&cluster, &Source::ALL)
            .await
            .unwrap_or_else(|error| panic!("{denied}: {error}"));
        let json = serde_json::to_string(&facts).unwrap();
        // Every permission that a fact may be forbidden for is asked for beforehand.
        for (_, rest) in json
            .match_indices(r#""forbidden","reason":""#)
            .map(|(at, it)| json.split_at(at + it.len()))
        {
            let permission = rest.split('"').next().unwrap();
            let mut permissions = Source::ALL.into_iter().flat_map(Source::permissions);
            let known = permissions.any(|it| it.to_string() == permission);
            assert!(known || permission.ends_with("kube-flannel"), "{permission}");
        }
        let within = denied.contains("/namespaces/");
        let expected = match denied.rsplit('/').next().unwrap() {
            // The DNS pods are found by the Service's selector, the domain elsewhere, and the
            // other cloud's ConfigMap isn't missed.
            "endpointslices" | "coredns" | "kubelet-config" | "kube-proxy-config" => "",
            "kube-flannel-cfg" => "get configmaps in namespace kube-flannel",
            "kubeadm-config" | "kube-proxy" => "get configmaps in namespace kube-system",
            "pods" if within => "list pods in namespace kube-system",
            "pods" => "list pods",
            "kubernetes" => "get services in namespace default",
            "services" if within => "list services in namespace kube-system",
            "services" => "list services",
            "ipaddresses" => "list ipaddresses.networking.k8s.io",
            "leases" => "list leases.coordination.k8s.io in namespace kube-system",
            // The pod network may still be told by the nodes; here it isn't.
            "daemonsets" => "list daemonsets.apps",
            "servicecidrs" => "list servicecidrs.networking.k8s.io",
            other => panic!("{other}"),
        };
        match expected {
            "" => assert!(!json.contains("forbidden"), "{denied}: {json}"),
            permission => {
                let fact = format!(r#""state":"forbidden","reason":"{permission}""#);
                assert!(json.contains(&fact), "{denied}: {json}");
            }
        }
        assert!(facts.nodes.known().is_some());
    }
}

#[tokio::test]
async fn without_the_nodes_there_is_nothing_to_say() {
    let fake = Fake::start(|request| match request.uri().path() {
        "/api/v1/nodes" => Answer::forbidden(),
        path => kubeadm(path),
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    let error = gather(&cluster, &Source::ALL).await.unwrap_err();
    assert_eq!(
        fake.sentence(&error),
        "missing permission: list nodes (jane may not) on the API server URL (context here); ask for \
         it, or use a context that has it"
    );
    assert_eq!(error.exit(), Exit::Cluster);
}

#[tokio::test]
async fn a_server_that_goes_away_in_the_middle_is_no_fact() {
    let fake = Fake::start(|request| match request.uri().path() {
        "/apis/apps/v1/daemonsets" => Answer::Close,
        path => kubeadm(path),
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    let error = gather(&cluster, &Source::ALL).await.unwrap_err();
    let sentence = fake.sentence(&error);
    assert!(
        sentence.starts_with(
            "lost the connection to the API server URL (context here) (list daemonsets.apps): "
        ),
        "{sentence}"
    );
    assert_eq!(error.exit(), Exit::Cluster);
}

#[tokio::test]
async fn an_older_cluster_has_service_cidrs_in_beta_or_none() {
    for (beta, expected) in [
        (true, "10.96.0.0/16 <- ServiceCIDR kubernetes"),
        (
            false,
            "? ServiceCIDR API (networking.k8s.io, served by default since Kubernetes 1.33) not found",
        ),
    ] {
        let fake = Fake::start(move |request| match request.uri().path() {
            "/apis/networking.k8s.io/v1/servicecidrs" => Answer::status(404, "NotFound", "none"),
            "/apis/networking.k8s.io/v1beta1/servicecidrs" if beta => Answer::Json(
                200,
                list(json!([{
                    "metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/16"]},
                }])),
            ),
            path => kubeadm(path),
        })
        .await;
        let facts = gather(&fake.connect().await.unwrap(), &Source::ALL).await.unwrap();
        assert_eq!(line(&facts.service_ranges[0]), expected);
    }
}

#[tokio::test]
async fn pods_beyond_those_that_are_looked_at_are_not_fetched() {
    let asked = Arc::new(AtomicU32::new(0));
    let pages = Arc::clone(&asked);
    let fake = Fake::start(move |request| match request.uri().path() {
        "/api/v1/pods" => {
            let page = pages.fetch_add(1, Ordering::Relaxed);
            let pods: Vec<Value> = (0..500)
                .map(|pod| {
                    json!({
                        "metadata": {"namespace": "shop", "name": format!("p{page}-{pod}")},
                        "status": {"podIPs": [{"ip": "10.244.0.2"}], "containerStatuses": null},
                    })
                })
                .collect();
            Answer::Json(200, json!({"metadata": {"continue": "more"}, "items": pods}))
        }
        path => kubeadm(path),
    })
    .await;
    let facts = gather(&fake.connect().await.unwrap(), &Source::ALL).await.unwrap();
    let pods = facts.pods.known().unwrap();
    assert_eq!((pods.seen, pods.more), (2_000, true));
    assert_eq!(asked.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_long_list_is_fetched_in_pages_and_again_if_the_server_forgets_its_beginning() {
    let forgotten = AtomicU32::new(0);
    let fake = Fake::start(move |request| {
        let node = |name: &str| json!({"metadata": {"name": name}});
        let query = request.uri().query().unwrap_or_default();
        match (request.uri().path(), query) {
            ("/api/v1/nodes", query) if query.contains("continue=more") => {
                match forgotten.fetch_add(1, Ordering::Relaxed) {
                    0 => Answer::Json(200, list(json!([node("n2")]))),
                    _ => Answer::status(410, "Expired", "too old"),
                }
            }
            ("/api/v1/nodes", query) if query.contains("limit=") => {
                Answer::Json(200, json!({"metadata": {"continue": "more"}, "items": [node("n1")]}))
            }
            ("/api/v1/nodes", _) => {
                Answer::Json(200, list(json!([node("a"), node("b"), node("c")])))
            }
            (path, _) => kubeadm(path),
        }
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    for expected in [vec!["n1", "n2"], vec!["a", "b", "c"]] {
        let facts = gather(&cluster, &Source::ALL).await.unwrap();
        let names: Vec<_> =
            facts.nodes.known().unwrap().iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, expected);
    }
}

/// Says yes to everything but exec into pods, patching Deployments and listing events.
async fn reviewer() -> Fake {
    Fake::start(|request| match (request.method().as_str(), request.uri().path()) {
        ("GET", "/version") => version(),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") => {
            Answer::read(|review| {
                let asked = &review["spec"]["resourceAttributes"];
                let allowed = match asked["resource"].as_str().unwrap() {
                    "pods" => asked["subresource"] != "exec",
                    "deployments" => asked["group"] != "apps" || asked["namespace"] != "ns",
                    "events" => asked["verb"] != "list",
                    _ => true,
                };
                Answer::Json(201, json!({"spec": {}, "status": {"allowed": allowed}}))
            })
        }
        (method, path) => panic!("{method} {path}"),
    })
    .await
}

#[tokio::test]
async fn every_missing_right_is_named_before_anything_is_created() {
    let fake = reviewer().await;
    let cluster = fake.connect().await.unwrap();
    let permissions = [
        Permission::required("list", "nodes", None),
        Permission::required("create", "pods/exec", Some("ns")),
        Permission::required("create", "pods", Some("ns")),
        Permission::required("patch", "deployments.apps", Some("ns")),
        Permission::optional("list", "events", Some("ns")),
    ];
    let error = preflight(&cluster, &permissions).await.unwrap_err();
    assert_eq!(
        fake.sentence(&error),
        "missing permissions: create pods/exec, patch deployments.apps in namespace ns on the API \
         server URL (context here); nothing was created; ask for them, or use a context that has \
         them"
    );
    assert_eq!(error.exit(), Exit::Cluster);

    let missing =
        preflight(&cluster, &[permissions[0].clone(), permissions[4].clone()]).await.unwrap();
    assert_eq!(missing.missing, [permissions[4].clone()]);
}

#[tokio::test]
async fn who_may_not_ask_for_rights_is_told_so() {
    let fake = Fake::start(|request| match request.uri().path() {
        "/version" => version(),
        _ => Answer::forbidden(),
    })
    .await;
    let cluster = fake.connect().await.unwrap();
    let permissions = [Permission::required("list", "nodes", None)];
    let error = preflight(&cluster, &permissions).await.unwrap_err();
    assert!(matches!(error, ClusterError::Forbidden { .. }), "{error:?}");
    assert_eq!(
        fake.sentence(&error),
        "missing permission: create selfsubjectaccessreviews.authorization.k8s.io (jane may not) on \
         the API server URL (context here); ask for it, or use a context that has it"
    );
    assert_eq!(error.exit(), Exit::Cluster);
}
