//! Services of the operator's own, which are tested and left alone.

use std::fmt::Write;

use dualstack::check::Status;

use super::{
    bed::{Bed, text},
    lifecycle::until,
    product::{dualstack, run},
    trial::Test,
};

pub const QUICK: &[(&str, Test)] = &[
    (
        "targets::an_application_on_one_family_alone_is_named_and_nothing_of_it_is_changed",
        one_family,
    ),
    ("targets::a_service_that_does_not_exist_is_said_before_anything_is_created", missing),
];

/// The exit code of the README.
const CLUSTER: i32 = 3;

/// A web server of busybox that listens there.
fn httpd(listen: &str) -> String {
    format!(
        "image: docker.io/library/busybox:1.36
        command: [httpd, -f, -p, '{listen}']"
    )
}

/// An nginx that listens on `[::]`, which it takes as of IPv6 alone unless it is told otherwise.
const IPV6_ALONE: &str = "image: docker.io/library/nginx:1.27
        command:
        - sh
        - -c
        - |
          echo 'pid /tmp/nginx.pid; events {} http {
            access_log off;
            client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c;
            uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
            server { listen [::]:8080 ipv6only=on; return 200 hello; }
          }' >/tmp/nginx.conf
          exec nginx -c /tmp/nginx.conf -g 'daemon off;'";

/// A Deployment of a web server, behind a Service of both families.
fn application(name: &str, server: &str) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = write!(
        text,
        "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: team}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: server
        {server}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: team}}
spec:
  ipFamilyPolicy: PreferDualStack
  selector: {{app: {name}}}
  ports: [{{port: 80, targetPort: 8080}}]
"
    );
    text
}

/// Whether both families of all three Services have two endpoints that are ready.
fn settled(slices: &str) -> bool {
    let slices: serde_json::Value = serde_json::from_str(slices).unwrap();
    let items = slices["items"].as_array().unwrap();
    let is_ready = |endpoint: &serde_json::Value| endpoint["conditions"]["ready"] == true;
    let mut ready = items.iter().map(|slice| {
        let endpoints = slice["endpoints"].as_array().into_iter().flatten();
        endpoints.filter(|endpoint| is_ready(endpoint)).count()
    });
    items.len() == 6 && ready.all(|count| count == 2)
}

fn one_family(bed: &Bed) {
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n";
    let objects = [
        namespace,
        &application("four", &httpd("0.0.0.0:8080")),
        &application("six", IPV6_ALONE),
        &application("both", &httpd("8080")),
    ]
    .concat();
    bed.kubectl_fed(&["apply", "-f", "-"], &objects);
    let available = ["wait", "--for=condition=Available", "deployment", "--all", "--timeout=60s"];
    bed.kubectl(&[&["-n", "team"][..], &available].concat());
    // What endpoints are known to be is written later than that pods are available.
    let slices = ["-n", "team", "get", "endpointslices", "-o", "json"];
    until("two endpoints of each Service in each family", || settled(&bed.kubectl(&slices)));
    let versions = || {
        let what = "custom-columns=NAME:.metadata.name,VERSION:.metadata.resourceVersion";
        bed.kubectl(&["-n", "team", "get", "services,endpointslices,pods", "-o", what])
    };
    let before = versions();
    let targets = ["team/four", "team/six", "team/both"].map(|name| ["--target", name]);
    let run = run(bed, &[&["target"][..], &targets.concat()].concat());
    let after = versions();
    bed.kubectl(&["delete", "namespace", "team"]);
    assert_eq!(run.code, 1, "{}", run.output);
    let causes: Vec<&str> = run.record().causes.iter().map(|cause| cause.id.as_str()).collect();
    assert_eq!(causes, ["target_listens_on_one_family"; 2], "{}", run.output);
    let whats: Vec<&str> = run.record().causes.iter().map(|cause| cause.what.as_str()).collect();
    for said in ["team/four listens on 0.0.0.0 only", "team/six listens on IPv6 only"] {
        assert!(whats.iter().any(|what| what.contains(said)), "{said}: {whats:#?}");
    }
    let mut red = run.cases(Status::Fail);
    assert_eq!(red.len(), 12, "three nodes, at the ClusterIPs and at the pods: {red:#?}");
    let is_expected = |name: &String| {
        (name.contains("/ipv6/") && name.contains("team/four:"))
            || (name.contains("/ipv4/") && name.contains("team/six:"))
    };
    red.retain(|name| !is_expected(name));
    assert_eq!(red, [""; 0]);
    assert_eq!(run.cases(Status::Pass).len(), 42, "{}", run.output);
    assert_eq!(before, after, "nothing of the operator's is changed");
    assert_eq!(bed.leftovers(), "");
}

fn missing(bed: &Bed) {
    let output = dualstack(bed, &["run", "--target", "default/no-such"]).output().unwrap();
    assert_eq!(output.status.code(), Some(CLUSTER));
    let said = text(&output.stderr);
    assert!(said.contains("Service default/no-such not found"), "{said}");
    assert_eq!(bed.leftovers(), "");
}
