//! A control plane of etcd and kube-apiserver, for the components that need one to talk to.

use std::{fs, net::TcpListener, path::Path, path::PathBuf, process::Command};

use rcgen::KeyPair;
use serde_json::Value;
use tempfile::TempDir;

use super::binaries::{Running, Waited, component, text};

const TOKEN: &str = "a-token-of-the-tests";

/// A port of the loopback that is free.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A directory with what every API server needs: a key for its tokens, and a token of ours.
pub(crate) fn secrets() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let write = |name: &str, text: String| fs::write(directory.path().join(name), text).unwrap();
    write("sa.key", key.serialize_pem());
    write("sa.pub", key.public_key_pem());
    write("tokens.csv", format!("{TOKEN},admin,1,\"system:masters\"\n"));
    directory
}

/// kube-apiserver's command with the flags that have nothing to do with the rules.
pub(crate) fn server_command(binary: &Path, secrets: &TempDir) -> Command {
    let path = |name: &str| secrets.path().join(name).display().to_string();
    let mut command = Command::new(binary);
    command.args([
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", path("sa.pub")),
        format!("--service-account-signing-key-file={}", path("sa.key")),
        format!("--token-auth-file={}", path("tokens.csv")),
        format!("--cert-dir={}", path("certificates")),
        "--authorization-mode=AlwaysAllow".to_owned(),
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
    ]);
    command
}

/// A command within the network namespace of a process.
pub(crate) fn within(namespace: Option<u32>, command: &Command) -> Command {
    let mut prefixed = match namespace {
        None => Command::new(command.get_program()),
        Some(process) => {
            let mut prefixed = Command::new("nsenter");
            prefixed.arg(format!("--net=/proc/{process}/ns/net")).arg(command.get_program());
            prefixed
        }
    };
    prefixed.args(command.get_args());
    prefixed
}

/// A control plane on the loopback, gone with the value.
pub(crate) struct Api {
    address: String,
    kubectl: PathBuf,
    directory: TempDir,
    _server: Running,
    _etcd: Running,
}

impl Api {
    /// Brings one up with the given Service ranges; nothing where a binary is missing.
    pub(crate) fn start(services: &str) -> Option<Self> {
        Self::start_in(None, services)
    }

    /// The same in a network namespace of its own, whose process is given.
    pub(crate) fn start_in(namespace: Option<u32>, services: &str) -> Option<Self> {
        Self::start_of(&component("kube-apiserver")?, namespace, services)
    }

    /// The same with the API server given, which may be an older one.
    pub(crate) fn start_of(server: &Path, namespace: Option<u32>, services: &str) -> Option<Self> {
        let (etcd, kubectl) = (component("etcd")?, component("kubectl")?);
        let directory = secrets();
        let (client, peer, port) = (free_port(), free_port(), free_port());
        let etcd = Running::start(within(namespace, &Command::new(etcd)).args([
            format!("--data-dir={}", directory.path().join("etcd").display()),
            format!("--listen-client-urls=http://127.0.0.1:{client}"),
            format!("--advertise-client-urls=http://127.0.0.1:{client}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
            "--unsafe-no-fsync".to_owned(),
        ]));
        let mut server = within(namespace, &server_command(server, &directory));
        server.args([
            format!("--etcd-servers=http://127.0.0.1:{client}"),
            format!("--secure-port={port}"),
            format!("--service-cluster-ip-range={services}"),
            "--advertise-address=192.168.0.11".to_owned(),
            // The address is nobody's here.
            "--endpoint-reconciler-type=none".to_owned(),
        ]);
        let mut server = Running::start(&mut server);
        // The last of its hooks makes the `kubernetes` Service.
        let waited = server.wait_for(&["service=\"default/kubernetes\""]);
        assert_eq!(waited, Waited::Said, "{}", server.said());
        let address = format!("https://127.0.0.1:{port}");
        Some(Self { address, kubectl, directory, _server: server, _etcd: etcd })
    }

    /// A kubeconfig that reaches it.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        let path = self.directory.path().join("kubeconfig");
        let address = &self.address;
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: \
             \"{address}\", insecure-skip-tls-verify: true}}}}]\nusers: [{{name: u, user: \
             {{token: {TOKEN}}}}}]\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
             current-context: x\n"
        );
        fs::write(&path, text).unwrap();
        path
    }

    /// Carries out kubectl with an object; returns whether that worked and what was said.
    pub(crate) fn kubectl(&self, arguments: &[&str], object: &Value) -> (bool, String) {
        let file = self.directory.path().join("object.json");
        fs::write(&file, object.to_string()).unwrap();
        let output = Command::new(&self.kubectl)
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .args(arguments)
            .arg("-f")
            .arg(&file)
            .output()
            .unwrap();
        (output.status.success(), text(&output))
    }
}
