//! kube-apiserver, by its flags' validation and by what it admits; and what needs one to talk to:
//! kube-controller-manager.

use std::{fs, net::TcpListener, path::PathBuf, process::Command, sync::OnceLock};

use dualstack::lint::rules::Binary;
use serde_json::Value;
use tempfile::TempDir;

use super::{
    binaries::{Running, Waited, find, text},
    examples::{declared, documents, examples, network, of_kind},
};

const TOKEN: &str = "a-token-of-the-tests";

/// A port of the loopback that is free.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A directory with what every API server needs: keys and a token.
fn secrets() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("sa.key");
    let made = Command::new("openssl").args(["genrsa", "-out"]).arg(&key).output();
    assert!(made.is_ok_and(|made| made.status.success()), "openssl genrsa");
    let token = format!("{TOKEN},admin,1,\"system:masters\"\n");
    fs::write(directory.path().join("tokens.csv"), token).unwrap();
    directory
}

/// kube-apiserver's command with the flags that have nothing to do with the rules.
fn api_server(binary: &PathBuf, secrets: &TempDir) -> Command {
    let path = |name: &str| secrets.path().join(name).display().to_string();
    let mut command = Command::new(binary);
    command.args([
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", path("sa.key")),
        format!("--service-account-signing-key-file={}", path("sa.key")),
        format!("--token-auth-file={}", path("tokens.csv")),
        format!("--cert-dir={}", path("certificates")),
        "--authorization-mode=AlwaysAllow".to_owned(),
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
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

/// A control plane of etcd and kube-apiserver on the loopback, gone with the value.
pub(crate) struct Api {
    address: String,
    kubectl: PathBuf,
    directory: TempDir,
    server: Running,
    _etcd: Running,
}

impl Api {
    /// Brings one up with the given Service ranges; nothing where a binary is missing.
    pub(crate) fn start(services: &str) -> Option<Self> {
        Self::start_in(None, services)
    }

    /// The same in a network namespace of its own, whose process is given.
    pub(crate) fn start_in(namespace: Option<u32>, services: &str) -> Option<Self> {
        let (etcd, server) = (find("etcd")?, find("kube-apiserver")?);
        let kubectl = find("kubectl")?;
        let directory = secrets();
        let (client, peer, port) = (free_port(), free_port(), free_port());
        let etcd = Running::start(within(namespace, &Command::new(etcd)).args([
            format!("--data-dir={}", directory.path().join("etcd").display()),
            format!("--listen-client-urls=http://127.0.0.1:{client}"),
            format!("--advertise-client-urls=http://127.0.0.1:{client}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
            "--unsafe-no-fsync".to_owned(),
        ]));
        let mut server = within(namespace, &api_server(&server, &directory));
        server.args([
            format!("--etcd-servers=http://127.0.0.1:{client}"),
            format!("--secure-port={port}"),
            format!("--service-cluster-ip-range={services}"),
            "--advertise-address=192.168.0.11".to_owned(),
        ]);
        let mut server = Running::start(&mut server);
        // The last of its hooks makes the `kubernetes` Service.
        let waited = server.wait_for(&["service=\"default/kubernetes\""]);
        assert_eq!(waited, Waited::Said, "{}", server.said());
        let address = format!("https://127.0.0.1:{port}");
        Some(Self { address, kubectl, directory, server, _etcd: etcd })
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

/// The examples that show Services, of what the rules declare of kube-apiserver.
fn shows_services(text: &str) -> bool {
    !of_kind(&documents(text), "Service").is_empty()
}

#[test]
fn kube_apiserver_refuses_flags_as_each_rule_declares() {
    let Some(binary) = find("kube-apiserver") else { return };
    let secrets = secrets();
    let mut tried = 0;
    for declared in declared(Binary::ApiServer) {
        for (example, bad) in examples(declared.rule) {
            if shows_services(example.text) {
                continue;
            }
            tried += 1;
            let documents = documents(example.text);
            let init = of_kind(&documents, "InitConfiguration");
            let advertise = init[0]["localAPIEndpoint"]["advertiseAddress"].as_str().unwrap();
            let services = network(&documents, "serviceSubnet").unwrap();
            // A second mistake ends the process after validation whatever the example holds.
            let output = Command::new(api_server(&binary, &secrets).get_program())
                .args(api_server(&binary, &secrets).get_args().filter(|flag| {
                    // Without a reconciler the families may differ.
                    !flag.to_string_lossy().contains("endpoint-reconciler")
                }))
                .args(["--etcd-servers=http://127.0.0.1:1", "--apiserver-count=0"])
                .arg(format!("--service-cluster-ip-range={services}"))
                .arg(format!("--advertise-address={advertise}"))
                .output()
                .unwrap();
            let said = text(&output);
            let code = declared.rule.code;
            assert!(said.contains("--apiserver-count should be a positive number"), "{said}");
            assert_eq!(said.contains(declared.text), bad, "{code}: {said}\n{}", example.text);
        }
    }
    assert!(tried > 0);
}

#[test]
fn kube_apiserver_admits_and_refuses_services_as_each_rule_declares() {
    let (dual, single) = (OnceLock::new(), OnceLock::new());
    let mut wrong = Vec::new();
    for declared in declared(Binary::ApiServer) {
        for (example, bad) in examples(declared.rule) {
            if !shows_services(example.text) {
                continue;
            }
            let documents = documents(example.text);
            let both = "10.96.0.0/16,fd00:10:96::/112";
            let ranges = network(&documents, "serviceSubnet").unwrap_or_else(|| both.into());
            let api = if ranges.contains(',') { &dual } else { &single };
            let Some(api) = api.get_or_init(|| Api::start(&ranges)) else { return };
            for service in of_kind(&documents, "Service") {
                let arguments = ["create", "--dry-run=server", "--validate=strict"];
                let (admitted, said) = api.kubectl(&arguments, service);
                let says = said.contains(declared.text);
                if admitted == bad || says != bad {
                    let code = declared.rule.code;
                    wrong.push(format!("{code} (bad: {bad}): {said}\n{}", example.text));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---------\n"));
}

#[test]
fn kube_controller_manager_starts_as_each_rule_declares() {
    let Some(binary) = find("kube-controller-manager") else { return };
    let Some(api) = Api::start("10.96.0.0/16") else { return };
    for declared in declared(Binary::ControllerManager) {
        for (example, bad) in examples(declared.rule) {
            let documents = documents(example.text);
            let pods = network(&documents, "podSubnet").unwrap();
            let cluster = of_kind(&documents, "ClusterConfiguration")[0];
            let flags = cluster["controllerManager"]["extraArgs"].as_array().unwrap();
            let flag = |flag: &Value| {
                let text = |key: &str| flag[key].as_str().unwrap().to_owned();
                format!("--{}={}", text("name"), text("value"))
            };
            let mut manager = Running::start(
                Command::new(&binary)
                    .arg(format!("--kubeconfig={}", api.kubeconfig().display()))
                    .arg(format!("--cluster-cidr={pods}"))
                    .args(["--controllers=node-ipam-controller", "--allocate-node-cidrs=true"])
                    .args(["--leader-elect=false", "--secure-port=0"])
                    .args(flags.iter().map(flag)),
            );
            let works = "Starting range CIDR allocator";
            let waited = manager.wait_for(&[works, declared.text]);
            let code = declared.rule.code;
            let said = manager.said();
            assert_eq!(waited, Waited::Said, "{code}: {said}");
            assert_eq!(said.contains(declared.text), bad, "{code}: {said}\n{}", example.text);
            if bad {
                let said = manager.wait();
                assert!(!said.contains(works), "{code}: {said}");
            }
        }
    }
    assert!(!api.server.said().is_empty());
}
