//! What can't work ends with a sentence that says why, the documented exit code, and nothing left.

use std::process::Output;

use dualstack::{check::REGISTRY, cluster::Permission, fixture::FixtureOptions};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::{
    bed::{Bed, text},
    product::{dualstack, run},
    trial::Test,
};

pub const QUICK: &[(&str, Test)] = &[
    ("bad_input::an_image_that_cant_be_pulled_is_named_at_once", image),
    ("bad_input::a_malformed_manifest_is_refused_with_its_line", manifest),
    ("bad_input::no_schedulable_node_is_said_before_anything_is_created", no_node),
    ("bad_input::a_quota_that_refuses_the_pods_is_quoted", quota),
    ("bad_input::a_namespace_stuck_terminating_is_not_waited_for", terminating),
    ("bad_input::a_missing_right_is_named_before_anything_is_created", forbidden),
    ("bad_input::the_rights_asked_for_suffice_and_each_is_named_when_missing", each_right),
];

/// The exit codes of the README.
const USAGE: i32 = 2;
const CLUSTER: i32 = 3;
const INCONCLUSIVE: i32 = 5;

fn image(bed: &Bed) {
    let run = run(bed, &["--nginx-image", "docker.io/library/no-such-image:0"]);
    assert_eq!(run.code, INCONCLUSIVE, "{}", run.output);
    assert!(run.output.contains("no-such-image"), "{}", run.output);
    assert_eq!(bed.leftovers(), "");
}

fn manifest(bed: &Bed) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("services.yaml");
    let unclosed = "apiVersion: v1\nkind: Service\nmetadata: {name: ipv4\nspec: {}\n";
    std::fs::write(&path, unclosed).unwrap();
    let run = run(bed, &["--manifests", directory.path().to_str().unwrap()]);
    assert_eq!(run.code, USAGE, "{}", run.output);
    // However the report wraps its lines.
    let words: Vec<&str> = run.output.split_whitespace().collect();
    assert!(words.join(" ").contains("services.yaml, line 4"), "{}", run.output);
    assert_eq!(bed.leftovers(), "");
}

fn no_node(bed: &Bed) {
    let output = dualstack(bed, &["run", "--node-selector", "no=such-label"]).output().unwrap();
    assert_said(&output, CLUSTER, "no=such-label");
    assert_eq!(bed.leftovers(), "");
}

fn quota(bed: &Bed) {
    bed.kubectl(&["create", "namespace", "narrow"]);
    bed.kubectl(&["-n", "narrow", "create", "quota", "few", "--hard=pods=1"]);
    let run = run(bed, &["--namespace", "narrow"]);
    let left = bed.leftovers();
    bed.kubectl(&["delete", "namespace", "narrow"]);
    assert!([CLUSTER, INCONCLUSIVE].contains(&run.code), "{}", run.output);
    assert!(run.output.contains("quota"), "{}", run.output);
    assert_eq!(left, "");
}

fn terminating(bed: &Bed) {
    bed.kubectl(&["create", "namespace", "stuck"]);
    let finalizers = r#"{"metadata":{"finalizers":["example.com/never"]}}"#;
    bed.kubectl(&["patch", "namespace", "stuck", "--type=merge", "-p", finalizers]);
    bed.kubectl(&["delete", "namespace", "stuck", "--wait=false"]);
    let output = dualstack(bed, &["run", "--namespace", "stuck"]).output().unwrap();
    let free = r#"{"metadata":{"finalizers":null}}"#;
    bed.kubectl(&["patch", "namespace", "stuck", "--type=merge", "-p", free]);
    assert_said(&output, CLUSTER, "namespace stuck is being deleted");
    assert_eq!(bed.leftovers(), "");
}

fn forbidden(bed: &Bed) {
    bed.kubectl(&["create", "serviceaccount", "reader"]);
    bed.kubectl(&["create", "clusterrole", "reader", "--verb=list,get", "--resource=nodes"]);
    let binding = ["create", "clusterrolebinding", "reader", "--clusterrole=reader"];
    bed.kubectl(&[&binding[..], &["--serviceaccount=default:reader"]].concat());
    let token = bed.kubectl(&["create", "token", "reader"]);
    let limited = kubeconfig_with(bed, token.trim());
    let output = dualstack(bed, &["run"]).env("KUBECONFIG", limited.path()).output().unwrap();
    for object in ["clusterrolebinding/reader", "clusterrole/reader", "serviceaccount/reader"] {
        bed.kubectl(&["delete", object]);
    }
    assert_said(&output, CLUSTER, "namespaces");
    assert!(text(&output.stderr).contains("pods/exec"), "all that is missing is named at once");
    assert_eq!(bed.leftovers(), "");
}

/// The administrator's kubeconfig with somebody else's token.
fn kubeconfig_with(bed: &Bed, token: &str) -> NamedTempFile {
    let whole = std::fs::read_to_string(&bed.kubeconfig).unwrap();
    let mut kept = Vec::new();
    for line in whole.lines() {
        if line.trim_start().starts_with("client-certificate-data:") {
            let indent = line.len() - line.trim_start().len();
            kept.push(format!("{}token: {token}", " ".repeat(indent)));
        } else if !line.trim_start().starts_with("client-key-data:") {
            kept.push(line.to_owned());
        }
    }
    let limited = NamedTempFile::new().unwrap();
    std::fs::write(limited.path(), kept.join("\n")).unwrap();
    limited
}

/// A user of this name with these permissions.
fn user(name: &str, permissions: &[&Permission]) -> Vec<Value> {
    let metadata = json!({"name": name, "namespace": "default"});
    let rules: Vec<Value> = permissions
        .iter()
        .map(|permission| {
            let subresource = permission.subresource.iter().map(|part| format!("/{part}"));
            let resource = format!("{}{}", permission.resource, subresource.collect::<String>());
            json!({"apiGroups": [permission.group], "resources": [resource], "verbs": [permission.verb]})
        })
        .collect();
    let rbac = "rbac.authorization.k8s.io";
    vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
        json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRole",
            "metadata": {"name": name}, "rules": rules}),
        json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}]}),
    ]
}

fn each_right(bed: &Bed) {
    let all = dualstack::run::permissions(&REGISTRY, &FixtureOptions::default(), &[], "v1.36");
    let required: Vec<&Permission> = all.iter().filter(|permission| !permission.optional).collect();
    let mut objects = user("whole", &all.iter().collect::<Vec<_>>());
    for (number, missing) in required.iter().enumerate() {
        // A permission may be asked for more than once; none of it is given here.
        let others: Vec<&Permission> =
            all.iter().filter(|permission| !same(permission, missing)).collect();
        objects.extend(user(&format!("lacking-{number}"), &others));
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    bed.kubectl_fed(&["apply", "-f", "-"], &list);
    let run_as = |name: &str| {
        let limited = kubeconfig_with(bed, bed.kubectl(&["create", "token", name]).trim());
        dualstack(bed, &["run"]).env("KUBECONFIG", limited.path()).output().unwrap()
    };
    let whole = run_as("whole");
    let said = format!("{}{}", text(&whole.stdout), text(&whole.stderr));
    assert_eq!(whole.status.code(), Some(0), "the permissions asked for don't suffice:\n{said}");
    assert!(!said.contains("missing permission"), "{said}");
    for (number, missing) in required.iter().enumerate() {
        let output = run_as(&format!("lacking-{number}"));
        let object = missing.to_string();
        let (verb, resource) = object.split_once(' ').unwrap();
        assert_said(&output, CLUSTER, resource);
        let said = text(&output.stderr);
        assert!(said.contains(verb) && said.contains("nothing was created"), "{object}: {said}");
        assert_eq!(bed.leftovers(), "");
    }
    bed.kubectl_fed(&["delete", "-f", "-"], &list);
}

/// Whether a ClusterRole that gives one of them gives the other: it holds in every namespace.
fn same(a: &Permission, b: &Permission) -> bool {
    let given = |permission: &Permission| {
        (
            permission.verb,
            permission.group.clone(),
            permission.resource.clone(),
            permission.subresource.clone(),
        )
    };
    given(a) == given(b)
}

fn assert_said(output: &Output, code: i32, what: &str) {
    let said = format!("{}{}", text(&output.stderr), text(&output.stdout));
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.to_lowercase().contains(&what.to_lowercase()), "`{what}` is not in:\n{said}");
}
