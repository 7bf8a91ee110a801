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
        "no cluster is named: --kubeconfig is not given, KUBECONFIG is not set, there is no \
         ~/.kube/config, and this is not a pod; give the kubeconfig of a cluster of yours, or make \
         one, for instance with `kind create cluster --config kind/dual-stack.yaml`, minikube or \
         kubeadm"
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
        sentence.contains(
            "KUBECONFIG names only files that don't exist (/nonexistent/a:/nonexistent/b)"
        ),
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
        "can't read the kubeconfig /nonexistent/config: No such file or directory (os error 2); \
         check the path and its permissions"
    );
    assert_eq!(error.exit(), Exit::Usage);
}

#[tokio::test]
async fn what_is_no_kubeconfig_is_told_apart() {
    let (sentence, exit) = refused("clusters: [", None).await;
    assert!(sentence.starts_with("FILE is no valid kubeconfig: "), "{sentence}");
    assert!(!sentence.contains('\n'), "{sentence}");
    assert_eq!(exit, Exit::Usage);

    let (sentence, exit) = refused("kind: Pod\napiVersion: v1\n", None).await;
    assert_eq!(
        sentence,
        "FILE is no valid kubeconfig: its kind is not Config; compare it with `kubectl config view`"
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
            "FILE has no current context, and none is chosen for you: name one with --context (it \
             has a)"
                .to_owned(),
            Exit::Usage
        )
    );
}

#[tokio::test]
async fn an_unknown_context_is_answered_with_those_there_are() {
    assert_eq!(
        refused(&config().to_string(), Some("prod")).await,
        (
            "FILE has no context \"prod\": name another with --context (it has a, b, c, d)"
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
            "FILE has no context \"gone\": name another with --context (it has none)".to_owned(),
            Exit::Usage
        )
    );
}

#[tokio::test]
async fn a_context_that_leads_nowhere_says_where_it_breaks_off() {
    for (context, expected) in [
        (
            "a",
            "context \"a\" of FILE can't be used: its cluster \"none\" is not defined; fix the \
             kubeconfig",
        ),
        (
            "b",
            "context \"b\" of FILE can't be used: its user \"none\" is not defined; fix the \
             kubeconfig",
        ),
        (
            "c",
            "the address of the API server 127.0.0.1:6443 (context c) can't be used: it is not of \
             the form https://host:port; fix the kubeconfig",
        ),
        (
            "d",
            "the credentials for https://127.0.0.1:6443 (context d) can't be used: the certificate \
             authority holds no certificate; fix the kubeconfig or fetch it anew",
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
                "the credentials for URL (context here) can't be used: {reason}; fix the \
                 kubeconfig or fetch it anew"
            )
        );
        assert_eq!(error.exit(), Exit::Usage);
    }
}
