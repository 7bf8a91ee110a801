//! What can't work ends with a sentence that says why, the documented exit code, and nothing left.

use std::process::Output;

use super::{
    Test,
    bed::{Bed, text},
    product::{dualstack, run},
};

pub const QUICK: &[(&str, Test)] = &[
    ("bad_input::an_image_that_cant_be_pulled_is_named_at_once", image),
    ("bad_input::no_schedulable_node_is_said_before_anything_is_created", no_node),
    ("bad_input::a_quota_that_refuses_the_pods_is_quoted", quota),
    ("bad_input::a_namespace_stuck_terminating_is_not_waited_for", terminating),
    ("bad_input::a_missing_right_is_named_before_anything_is_created", forbidden),
];

/// The exit codes of the README.
const CLUSTER: i32 = 3;
const INCONCLUSIVE: i32 = 5;

fn image(bed: &Bed) {
    let run = run(bed, &["--nginx-image", "docker.io/library/no-such-image:0"]);
    assert_eq!(run.code, INCONCLUSIVE, "{}", run.output);
    assert!(run.output.contains("no-such-image"), "{}", run.output);
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
    // The administrator's kubeconfig with somebody else's token.
    let limited = tempfile::NamedTempFile::new().unwrap();
    let whole = std::fs::read_to_string(&bed.kubeconfig).unwrap();
    let mut kept = Vec::new();
    for line in whole.lines() {
        if line.trim_start().starts_with("client-certificate-data:") {
            let indent = line.len() - line.trim_start().len();
            kept.push(format!("{}token: {}", " ".repeat(indent), token.trim()));
        } else if !line.trim_start().starts_with("client-key-data:") {
            kept.push(line.to_owned());
        }
    }
    std::fs::write(limited.path(), kept.join("\n")).unwrap();
    let output = dualstack(bed, &["run"]).env("KUBECONFIG", limited.path()).output().unwrap();
    for object in ["clusterrolebinding/reader", "clusterrole/reader", "serviceaccount/reader"] {
        bed.kubectl(&["delete", object]);
    }
    assert_said(&output, CLUSTER, "namespaces");
    assert!(text(&output.stderr).contains("pods/exec"), "all that is missing is named at once");
    assert_eq!(bed.leftovers(), "");
}

fn assert_said(output: &Output, code: i32, what: &str) {
    let said = format!("{}{}", text(&output.stderr), text(&output.stdout));
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.to_lowercase().contains(&what.to_lowercase()), "`{what}` is not in:\n{said}");
}
