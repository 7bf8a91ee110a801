//! Kubeconfigs that lead nowhere.

use std::path::Path;

use dualstack::{
    cluster::{ClusterError, ConnectOptions, Environment, connect_in},
    exit::Exit,
};
use serde_json::{Value, json};

use crate::fake::{Fake, options, version};

/// The error of a kubeconfig with this content, its path written as FILE.
async fn refused(content: &str, context: Option<&str>) -> (String, Exit) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    std::fs::write(&path, content).unwrap();
    let options = ConnectOptions { context: context.map(str::to_owned), ..options(path.clone()) };
    let error = connect_in(&options, &Environment::default()).await.unwrap_err();
    (error.to_string().replace(&path.display().to_string(), "FILE"), error.exit())
}

fn config() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "",
        "contexts": [
            {"name": "a", "context": {"cluster": "none", "user": "u"}},
            {"name": "b", "context": {"cluster": "c", "user": "none"}},
            {"name": "c", "context": {"cluster": "c", "user": "u"}},
            {"name": "d", "context": {"cluster": "d", "user": "u"}},
        ],
        "clusters": [
            {"name": "c", "cluster": {"server": "127.0.0.1:6443"}},
            {"name": "d", "cluster": {
                "server": "https://127.0.0.1:6443",
                "certificate-authority-data": "bm8gUEVN",
            }},
        ],
        "users": [{"name": "u", "user": {}}],
    })
}

#[tokio::test]
async fn without_a_kubeconfig_the_ways_to_a_cluster_are_named() {
    let home = tempfile::tempdir().unwrap();
    let environment = Environment { home: Some(home.path().into()), ..Environment::default() };
    let error = connect_in(&ConnectOptions::default(), &environment).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no kubeconfig found: --kubeconfig is not given, KUBECONFIG is not set, ~/.kube/config does \
         not exist, and this is not a pod; pass --kubeconfig, or create a cluster, for example with \
         `kind create cluster --config kind/dual-stack.yaml`"
    );
    assert_eq!(error.exit(), Exit::Usage);
}

#[tokio::test]
async fn a_list_of_files_that_do_not_exist_is_no_kubeconfig() {
    let environment = Environment {
        kubeconfig: Some("/nonexistent/a:/nonexistent/b".into()),
        ..Environment::default()
    };
    let error = connect_in(&ConnectOptions::default(), &environment).await.unwrap_err();
    let sentence = error.to_string();
    assert!(
        sentence.contains("no file in KUBECONFIG exists (/nonexistent/a:/nonexistent/b)"),
        "{sentence}"
    );
    assert_eq!(error.exit(), Exit::Usage);
}

#[tokio::test]
async fn a_file_of_the_list_may_be_missing_and_the_first_to_speak_wins() {
    let fake = Fake::start(|_| version()).await;
    let second = fake.kubeconfig(json!({}), json!({}));
    let first = fake.dir.path().join("first");
    let other = json!({
        "current-context": "there",
        "contexts": [{"name": "there", "context": {"cluster": "c"}}],
    });
    std::fs::write(&first, other.to_string()).unwrap();
    let paths = [Path::new("/nonexistent"), &first, &second];
    let environment = Environment {
        kubeconfig: Some(std::env::join_paths(paths).unwrap()),
        ..Environment::default()
    };
    let cluster = connect_in(&ConnectOptions::default(), &environment).await.unwrap();
    assert_eq!(cluster.server.context.as_deref(), Some("there"));
    assert_eq!(cluster.server.url, fake.url);
}

#[tokio::test]
async fn a_kubeconfig_that_is_asked_for_must_exist() {
    let error = connect_in(&options("/nonexistent/config".into()), &Environment::default()).await;
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the kubeconfig /nonexistent/config: No such file or directory (os error 2); \
         check the path and its permissions"
    );
    assert_eq!(error.exit(), Exit::Usage);
}

#[tokio::test]
async fn what_is_no_kubeconfig_is_told_apart() {
    let (sentence, exit) = refused("clusters: [", None).await;
    assert!(sentence.starts_with("invalid kubeconfig FILE: "), "{sentence}");
    assert!(!sentence.contains('\n'), "{sentence}");
    assert_eq!(exit, Exit::Usage);

    let (sentence, exit) = refused("kind: Pod\napiVersion: v1\n", None).await;
    assert_eq!(
        sentence,
        "invalid kubeconfig FILE: kind is not Config; check it with `kubectl config view`"
    );
    assert_eq!(exit, Exit::Usage);
}

#[tokio::test]
async fn no_context_is_chosen_for_the_operator_even_if_there_is_but_one() {
    let mut config = config();
    config["contexts"].as_array_mut().unwrap().truncate(1);
    assert_eq!(
        refused(&config.to_string(), None).await,
        (
            "FILE has no current context; choose one with --context (available: a)".to_owned(),
            Exit::Usage
        )
    );
}

#[tokio::test]
async fn an_unknown_context_is_answered_with_those_there_are() {
    assert_eq!(
        refused(&config().to_string(), Some("prod")).await,
        (
            "context \"prod\" does not exist in FILE; choose one with --context (available: a, b, c, d)"
                .to_owned(),
            Exit::Usage
        )
    );
    let mut config = config();
    config["current-context"] = json!("gone");
    config["contexts"] = json!([]);
    assert_eq!(
        refused(&config.to_string(), None).await,
        (
            "context \"gone\" does not exist in FILE; choose one with --context (none available)"
                .to_owned(),
            Exit::Usage
        )
    );
}

#[tokio::test]
async fn a_context_that_leads_nowhere_says_where_it_breaks_off() {
    for (context, expected) in [
        (
            "a",
            "context \"a\" in FILE is incomplete: cluster \"none\" is not defined; fix the kubeconfig",
        ),
        (
            "b",
            "context \"b\" in FILE is incomplete: user \"none\" is not defined; fix the kubeconfig",
        ),
        (
            "c",
            "invalid API server address 127.0.0.1:6443 (context c): expected https://host:port; fix \
             the kubeconfig",
        ),
        (
            "d",
            "cannot use the credentials for https://127.0.0.1:6443 (context d): the certificate \
             authority contains no certificate; fix the kubeconfig or fetch a new one",
        ),
    ] {
        let (sentence, exit) = refused(&config().to_string(), Some(context)).await;
        assert_eq!(sentence, expected);
        assert_eq!(exit, Exit::Usage);
    }
}

#[tokio::test]
async fn a_client_certificate_that_is_none_is_named() {
    let fake = Fake::start(|_| version()).await;
    for (user, reason) in [
        (
            json!({"client-certificate-data": "bm8gUEVN", "client-key-data": "bm8gUEVN"}),
            "the client key is missing",
        ),
        (
            json!({"client-certificate": "gone.pem", "client-key": "gone.pem"}),
            "No such file or directory (os error 2)",
        ),
    ] {
        let error = fake.connect_as(user, json!({})).await.unwrap_err();
        assert!(matches!(error, ClusterError::CredentialsUnreadable { .. }), "{error:?}");
        assert_eq!(
            fake.sentence(&error),
            format!(
                "cannot use the credentials for URL (context here): {reason}; fix the kubeconfig or \
                 fetch a new one"
            )
        );
        assert_eq!(error.exit(), Exit::Usage);
    }
}
