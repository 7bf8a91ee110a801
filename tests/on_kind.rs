//! `ci/on-kind` with stand-ins for kind, the container engines and dualstack, which write down how
//! they are called.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ci/on-kind");

const KIND: &str = r#"#!/bin/sh
[ "$1" = get ] || echo "kind $*"
case "$1 $2" in
    'get nodes') printf 'a-worker\na-control-plane\n' ;;
    'create cluster')
        grep apiServerAddress "$6"
        sed -n '/kubeadmConfigPatches/,$p' "$6"
        [ -z "${CREATE_FAILS:-}" ]
        ;;
esac
"#;

const ENGINE: &str = r#"#!/bin/sh
name=${0##*/}
case "$*" in
    exec*'get nodes'*)
        echo a-control-plane
        [ -n "${FEWER:-}" ] || echo a-worker
        exit
        ;;
esac
[ "$1" = info ] || echo "$name $*"
case $1 in
    info) [ "$name" = "$ANSWERS" ] ;;
    image) exit 1 ;;
    save) : > "$(echo "$*" | sed 's/.*--output \([^ ]*\).*/\1/')" ;;
esac
"#;

const DUALSTACK: &str = "#!/bin/sh\necho \"dualstack $*\"\nexit 5\n";

/// Runs the script where only one of the engines answers.
fn on_kind(answers: &str, variable: &str, arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let programs = [
        ("kind", KIND),
        ("docker", ENGINE),
        ("podman", ENGINE),
        ("dualstack", DUALSTACK),
        ("sleep", "#!/bin/sh\n"),
    ];
    for (name, text) in programs {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", directory.path().display(), std::env::var("PATH").unwrap());
    Command::new(SCRIPT)
        .args(arguments)
        .env("PATH", path)
        .env("ANSWERS", answers)
        .env(variable, "1")
        .env_remove("KIND_EXPERIMENTAL_PROVIDER")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn nodes_and_dns_are_awaited_and_images_loaded_by_the_engine_that_answers() {
    for engine in ["docker", "podman"] {
        let output = on_kind(engine, "NOTHING", &["nftables", "--junit", "r.xml"]);
        assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
        let calls = text(&output.stdout);
        let order = [
            "kind create cluster --name nftables",
            &format!("{engine} exec a-control-plane kubectl"),
            "rollout status deployment/coredns",
            &format!("{engine} pull --quiet docker.io/library/nginx"),
            &format!("{engine} save"),
            "kind load image-archive --name nftables",
            "dualstack run",
            "kind delete cluster --name nftables",
        ];
        let places: Vec<_> = order.iter().map(|call| calls.find(call)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{calls}");
        assert!(calls.contains("--suite dual-stack --nodes all --junit r.xml"), "{calls}");
        assert_eq!(calls.contains("--multi-image-archive"), engine == "podman");
    }
}

#[test]
fn a_node_image_and_patches_are_handed_to_kind() {
    let patch = tempfile::NamedTempFile::new().unwrap();
    fs::write(&patch, "kind: KubeletConfiguration\nfailCgroupV1: false\n").unwrap();
    let path = Path::new(patch.path()).to_str().unwrap();
    let options = ["--image", "node:1", "--kubeadm-patch", path, "dual-stack", "--nodes", "2"];
    let output = on_kind("docker", "NOTHING", &options);
    let calls = text(&output.stdout);
    let patched = "kubeadmConfigPatches:\n  - |\n    kind: KubeletConfiguration\n    failCgroupV1";
    assert!(calls.contains("--image node:1") && calls.contains(patched), "{calls}");
    assert!(calls.contains("--suite dual-stack --nodes 2\n"), "{calls}");
}

#[test]
fn the_api_server_of_an_ipv6_cluster_is_where_podman_forwards_its_port() {
    for (engine, config, moved) in [
        ("podman", "single-stack-ipv6", true),
        ("docker", "single-stack-ipv6", false),
        ("podman", "dual-stack", false),
    ] {
        let calls = text(&on_kind(engine, "NOTHING", &[config]).stdout);
        assert_eq!(calls.contains("\n  apiServerAddress: 127.0.0.1\n"), moved, "{calls}");
    }
}

#[test]
fn a_failure_before_the_run_says_what_to_do_and_is_no_verdict() {
    let output = on_kind("docker", "CREATE_FAILS", &["dual-stack"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("fs.inotify.max_user_instances"));
    assert!(text(&output.stdout).contains("kind delete cluster"), "nothing is left");
    let output = on_kind("docker", "FEWER", &["dual-stack"]);
    assert_eq!(output.status.code(), Some(3), "a worker never joined");
    assert!(text(&output.stderr).contains("did not become ready within 3 minutes"));
    assert!(!text(&output.stdout).contains("dualstack run"));
    let output = on_kind("neither", "NOTHING", &["dual-stack"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("neither Docker nor podman answers"));
    assert!(!text(&output.stdout).contains("kind"));
    assert_eq!(on_kind("docker", "NOTHING", &["nosuch"]).status.code(), Some(2));
}
