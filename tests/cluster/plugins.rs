//! Kubeconfigs whose credentials come from a plugin.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use dualstack::{
    cluster::{ConnectOptions, Environment, connect_in},
    exit::Exit,
};
use serde_json::{Value, json};

use crate::fake::{Answer, Fake, options, version};

/// A user whose credentials a script gives.
fn user(dir: &Path, script: &str) -> Value {
    let path = dir.join("plugin");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    exec(&path.display().to_string())
}

fn exec(command: &str) -> Value {
    json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": command,
        "interactiveMode": "Never", "provideClusterInfo": true,
        "installHint": "install the foo plugin",
    }})
}

#[tokio::test]
async fn a_plugin_is_run_once_and_its_token_is_used() {
    let fake = Fake::start(|request| match request.headers().get("authorization") {
        Some(token) if token == "Bearer from-plugin" => version(),
        _ => Answer::status(401, "Unauthorized", "Unauthorized"),
    })
    .await;
    let runs = fake.dir.path().join("runs");
    let script = format!(
        r#"echo "$KUBERNETES_EXEC_INFO" >> {}
        echo '{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
               "status": {{"token": "from-plugin"}}}}'"#,
        runs.display()
    );
    let user = user(fake.dir.path(), &script);
    let cluster = fake.connect_as(user, json!({})).await.unwrap();
    assert_eq!(cluster.server.version, "v1.36.3");
    let runs = std::fs::read_to_string(runs).unwrap();
    assert_eq!(runs.lines().count(), 1, "{runs}");
    assert!(runs.contains(&fake.url), "the plugin wasn't told the cluster: {runs}");
}

#[tokio::test]
async fn a_plugin_that_fails_is_named_with_what_it_said() {
    let fake = Fake::start(|_| version()).await;
    for (script, reason) in [
        ("echo 'log in first' >&2; exit 7", "exit status: 7: log in first"),
        ("echo nonsense", "its output is not an ExecCredential"),
    ] {
        let user = user(fake.dir.path(), script);
        let error = fake.connect_as(user, json!({})).await.unwrap_err();
        let dir = fake.dir.path().display().to_string();
        assert_eq!(
            fake.sentence(&error).replace(&dir, "DIR"),
            format!(
                "credential plugin DIR/plugin failed for URL (context here): {reason}; the \
                 kubeconfig's install hint: install the foo plugin"
            )
        );
        assert_eq!(error.exit(), Exit::Cluster);
    }
}

#[tokio::test]
async fn a_plugin_that_is_not_installed_comes_with_the_hint() {
    let fake = Fake::start(|_| version()).await;
    let error = fake.connect_as(exec("no-such-plugin-here"), json!({})).await.unwrap_err();
    assert_eq!(
        fake.sentence(&error),
        "credential plugin no-such-plugin-here failed for URL (context here): cannot start it: No \
         such file or directory (os error 2); the kubeconfig's install hint: install the foo plugin"
    );
    assert_eq!(error.exit(), Exit::Cluster);
}

#[tokio::test]
async fn a_plugin_that_hangs_is_given_up() {
    let fake = Fake::start(|_| version()).await;
    let user = user(fake.dir.path(), "exec sleep 5");
    let options = ConnectOptions {
        connect_timeout: Duration::from_millis(100),
        ..options(fake.kubeconfig(user, json!({})))
    };
    let error = connect_in(&options, &Environment::default()).await.unwrap_err();
    let dir = fake.dir.path().display().to_string();
    assert_eq!(
        fake.sentence(&error).replace(&dir, "DIR"),
        "credential plugin DIR/plugin failed for URL (context here): it returned no credentials \
         within 0.3 s; if it needs you to log in, run it once manually, or give it more time with \
         --connect-timeout; the kubeconfig's install hint: install the foo plugin"
    );
    assert_eq!(error.exit(), Exit::Cluster);
}
