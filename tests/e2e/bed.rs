//! The cluster under the trials: brought up by the first of them, taken down after the last.

use std::{
    cell::Cell,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use testbed::{
    cluster::Cluster,
    fault::Fault,
    spec::{Cni, Name, Spec},
    state::Store,
};

/// How the clusters of these tests are named: with the process's id, so that two runs don't share
/// one. No other cluster is ever touched.
const PREFIX: &str = "e2e-product-";

/// A three-node cluster that is up.
pub struct Bed {
    testbed: PathBuf,
    /// Its name.
    name: Name,
    /// Its pod network.
    network: Cni,
    /// Its administrator's kubeconfig.
    pub kubeconfig: PathBuf,
    /// Why the trial under way had nothing to try.
    skipped: Cell<Option<String>>,
}

impl Bed {
    /// Builds the testbed and brings the cluster up; says why where this machine can't.
    pub fn up(network: Cni) -> Result<Self, String> {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--package", "testbed", "--bin", "testbed"])
            .output()
            .map_err(|error| format!("can't start cargo: {error}"))?;
        if !built.status.success() {
            return Err(format!("the testbed doesn't build: {}", text(&built.stderr)));
        }
        let testbed = beside_this_test().join("testbed");
        take_down_abandoned()?;
        let name: Name = format!("{PREFIX}{}", std::process::id()).parse().map_err(said)?;
        let cni = network.to_string();
        let up = run(Command::new(&testbed).args(["--name", name.as_str(), "up", "--cni", &cni]))?;
        if !up.status.success() {
            return Err(format!("the testbed can't run here: {}", text(&up.stderr)));
        }
        let kubeconfig = Cluster::that_is_up(&name).map_err(said)?.kubeconfig();
        Ok(Self { testbed, name, network, kubeconfig, skipped: Cell::default() })
    }

    /// What the testbed was asked for.
    pub fn spec(&self) -> Spec {
        Spec { cni: self.network, ..Spec::new(self.name.clone()) }
    }

    /// The testbed's program, about this cluster.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.testbed);
        command.args(["--name", self.name.as_str()]);
        command
    }

    /// Says that the trial under way has nothing to try, and why.
    pub fn skip(&self, why: &str) {
        self.skipped.set(Some(why.to_owned()));
    }

    /// Why the trial that just ended had nothing to try, where it had not.
    pub fn skipped(&self) -> Option<String> {
        self.skipped.take()
    }

    /// Runs `testbed`, which must succeed, and returns what it printed.
    pub fn testbed(&self, arguments: &[&str]) -> String {
        let output = run(self.command().args(arguments)).unwrap();
        assert!(
            output.status.success(),
            "testbed {}: {}",
            arguments.join(" "),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// Runs `kubectl`, which must succeed, and returns what it printed.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.try_kubectl(arguments);
        assert!(
            output.status.success(),
            "kubectl {}: {}",
            arguments.join(" "),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// Runs `kubectl`, whatever comes of it.
    pub fn try_kubectl(&self, arguments: &[&str]) -> Output {
        run(self.command().args(KUBECTL).args(arguments)).unwrap()
    }

    /// Runs `kubectl`, which must succeed, with something on its stdin.
    pub fn kubectl_fed(&self, arguments: &[&str], input: &str) {
        let mut child = self
            .command()
            .args(KUBECTL)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "kubectl {}", arguments.join(" "));
    }

    /// Injects a fault for as long as the guard lives.
    pub fn break_on_purpose(&self, fault: &Fault) -> Broken<'_> {
        let words = fault.to_string();
        let words: Vec<&str> = ["fault", "inject"].into_iter().chain(words.split(' ')).collect();
        self.testbed(&words);
        Broken(self)
    }

    /// Waits until a cluster that was broken and repaired is healthy and stays so.
    pub fn wait_repaired(&self) {
        Cluster::that_is_up(&self.name).unwrap().wait_repaired().unwrap();
    }

    /// Replaces the DNS pods, and waits for the new ones: after a repair the old ones may still
    /// hold a dead connection to the API server, and learn of nothing new meanwhile.
    pub fn renew_dns(&self) {
        let dns = ["-n", "kube-system", "deployment/coredns"];
        self.kubectl(&[&["rollout", "restart"], &dns[..]].concat());
        self.kubectl(&[&["rollout", "status", "--timeout=120s"], &dns[..]].concat());
    }

    /// Repairs whatever a failed trial left broken.
    pub fn revert_faults(&self) {
        self.testbed(&["fault", "revert", "--all"]);
    }

    /// What of ours is in the cluster: nothing, after a run. A namespace that is deleted already, and
    /// what goes with it, is the namespace controller's, which takes its own time.
    pub fn leftovers(&self) -> String {
        let ours = |what: &str| {
            self.kubectl(&["get", what, "-A", "-l", LABEL, "--no-headers", "--ignore-not-found"])
        };
        let namespaces = self.kubectl(&["get", "namespaces", "-l", LABEL, "--no-headers"]);
        let going: Vec<&str> = namespaces
            .lines()
            .filter(|line| line.contains("Terminating"))
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        let objects = ours("deployments,pods,services,configmaps,serviceaccounts,leases");
        let left: Vec<&str> = namespaces
            .lines()
            .chain(objects.lines())
            .filter(|line| {
                line.split_whitespace().next().is_some_and(|name| !going.contains(&name))
            })
            .collect();
        // Pods are what we see gone ourselves, wherever they are.
        format!("{}{}", left.join("\n"), ours("pods"))
    }
}

/// The testbed's own kubectl, inside the control plane's node.
const KUBECTL: [&str; 5] =
    ["exec", "n1", "--", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"];

/// The label that every object of ours carries.
const LABEL: &str = "app.kubernetes.io/managed-by=dualstack";

impl Drop for Bed {
    fn drop(&mut self) {
        self.testbed(&["down"]);
    }
}

/// A cluster that is broken on purpose until this is dropped.
pub struct Broken<'a>(&'a Bed);

impl Drop for Broken<'_> {
    fn drop(&mut self) {
        self.0.revert_faults();
    }
}

/// The folder of the binaries of the build that this test is part of.
fn beside_this_test() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_dualstack")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Takes down what tests left that were killed.
fn take_down_abandoned() -> Result<(), String> {
    for name in Store::open().names().map_err(said)? {
        let owner = name.as_str().strip_prefix(PREFIX);
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            Cluster::down(&name).map_err(said)?;
        }
    }
    Ok(())
}

fn said(error: testbed::error::Error) -> String {
    error.to_string()
}

fn run(command: &mut Command) -> Result<Output, String> {
    command.output().map_err(|error| format!("can't run {command:?}: {error}"))
}

/// What a command printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
