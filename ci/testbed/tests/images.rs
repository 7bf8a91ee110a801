//! A real container runtime pulls the images from the registry and runs them. It needs root, and what
//! `components.rs` makes.
#![cfg(test)]

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output},
    thread,
    time::{Duration, Instant},
};

use testbed::{
    cache::Cache,
    components::{Artefacts, default_minor, prepare},
    progress::Silent,
    spec::Cni,
};
use tokio::net::TcpListener;

/// containerd in a directory of its own, ended when this is dropped.
struct Runtime<'a> {
    bin: &'a Path,
    directory: &'a Path,
    containerd: Child,
}

impl<'a> Runtime<'a> {
    fn start(bin: &'a Path, directory: &'a Path, registry: &str) -> Self {
        let hosts = directory.join("certs.d/_default");
        fs::create_dir_all(&hosts).unwrap();
        let server = format!(
            "server = \"{registry}\"\n[host.\"{registry}\"]\ncapabilities = [\"pull\", \"resolve\"]\n"
        );
        fs::write(hosts.join("hosts.toml"), server).unwrap();
        let at = |name: &str| directory.join(name).display().to_string();
        let config = format!(
            "version = 3\nroot = \"{}\"\nstate = \"{}\"\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
             [grpc]\naddress = \"{}\"\n",
            at("root"),
            at("state"),
            at("socket")
        );
        let path = directory.join("config.toml");
        fs::write(&path, config).unwrap();
        let log = fs::File::create(directory.join("log")).unwrap();
        let containerd = Command::new(bin.join("containerd"))
            .arg("--config")
            .arg(path)
            .env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let runtime = Self { bin, directory, containerd };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !runtime.ctr(&["version"]).status.success() {
            assert!(
                Instant::now() < deadline,
                "{}",
                fs::read_to_string(directory.join("log")).unwrap()
            );
            thread::sleep(Duration::from_millis(50));
        }
        runtime
    }

    fn ctr(&self, arguments: &[&str]) -> Output {
        let socket = self.directory.join("socket");
        Command::new(self.bin.join("ctr"))
            .arg("--address")
            .arg(socket)
            .args(arguments)
            .output()
            .unwrap()
    }

    fn pull(&self, image: &str) {
        let hosts = self.directory.join("certs.d").display().to_string();
        let output = self.ctr(&["images", "pull", "--hosts-dir", &hosts, image]);
        assert!(output.status.success(), "{image}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// What a command in a container of an image writes.
    fn run(&self, image: &str, command: &[&str]) -> String {
        let name = format!("test-{}", std::process::id());
        let output = self.ctr(&[&["run", "--rm", image, name.as_str()], command].concat());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{image} {command:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }
}

/// containerd's namespace, after which the control group of its containers is called.
fn namespace() -> String {
    format!("testbed-test-{}", std::process::id())
}

impl Drop for Runtime<'_> {
    fn drop(&mut self) {
        let _ = self.containerd.kill();
        let _ = self.containerd.wait();
        // One group under each controller's mount on cgroup v1, one in all on v2.
        let groups = fs::read_dir("/sys/fs/cgroup")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        for group in groups.chain(["/sys/fs/cgroup".into()]) {
            let _ = fs::remove_dir(group.join(namespace()));
        }
    }
}

fn serve(artefacts: &Artefacts) -> (tokio::runtime::Runtime, String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(testbed::registry::serve(listener, artefacts.registry.clone()));
    (runtime, address)
}

#[test]
#[ignore = "needs root, and what the test of components makes"]
fn a_container_runtime_pulls_the_images_under_their_names_and_runs_them() {
    let cache = Cache::open().unwrap();
    let artefacts = prepare(&cache, default_minor(), Cni::Ptp, &Silent).unwrap();
    let (_registry, address) = serve(&artefacts);
    let directory = tempfile::tempdir().unwrap();
    let runtime = Runtime::start(&artefacts.bin, directory.path(), &address);

    let busybox = "docker.io/library/busybox:1.36";
    runtime.pull(busybox);
    assert!(runtime.run(busybox, &["nc", "--help"]).is_empty(), "help belongs on standard error");
    assert_eq!(runtime.run(busybox, &["/usr/bin/env", "echo", "hello"]), "hello\n");

    let nginx = "docker.io/library/nginx:1.27";
    runtime.pull(nginx);
    let served = "nginx >/dev/null; sleep 0.2; for host in 127.0.0.1 '[::1]'; do curl -gsS -o \
     /dev/null -w '%{http_code} ' http://$host/; done";
    let answers = runtime.run(
        nginx,
        &[
            "sh",
            "-c",
            &format!("/docker-entrypoint.d/10-listen-on-ipv6-by-default.sh >/dev/null; {served}"),
        ],
    );
    assert!(answers.contains("200 200"), "{answers}");
    let untouched = runtime.run(nginx, &["sh", "-c", &format!("{served} || true")]);
    assert!(
        untouched.contains("200 000"),
        "without its entrypoint it listens on IPv4 only: {untouched}"
    );

    let version = artefacts.release.kubernetes;
    let proxy = format!("registry.k8s.io/kube-proxy:{version}");
    runtime.pull(&proxy);
    assert!(runtime.run(&proxy, &["kube-proxy", "--version"]).contains(&version.to_string()));
    for tool in ["iptables-nft", "ip6tables-legacy", "nft", "conntrack"] {
        assert!(!runtime.run(&proxy, &[tool, "--version"]).is_empty(), "{tool}");
    }
    // The extension opens a library that no program is linked with.
    runtime.run(&proxy, &["iptables", "-m", "statistic", "--help"]);

    let etcd = format!("registry.k8s.io/etcd:{}", artefacts.release.tags.etcd);
    runtime.pull(&etcd);
    assert!(runtime.run(&etcd, &["etcd", "--version"]).contains("3.6"));
    let coredns = format!("registry.k8s.io/coredns/coredns:{}", artefacts.release.tags.coredns);
    runtime.pull(&coredns);
    assert!(
        runtime
            .run(&coredns, &["/coredns", "-version"])
            .contains(artefacts.release.tags.coredns.trim_start_matches('v'))
    );
    runtime.pull(&format!("registry.k8s.io/pause:{}", artefacts.release.tags.pause));
    for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        let image = format!("registry.k8s.io/{name}:{version}");
        runtime.pull(&image);
        assert!(runtime.run(&image, &[name, "--version"]).contains(&version.to_string()), "{name}");
    }
}
