//! One cluster, seen healthy, broken by each fault and repaired again.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use serde_json::json;
use testbed::{
    cluster::Cluster,
    fault::{self, Fault, RouteMissing},
    images::{Digest, architecture},
    spec::{Family, Name},
};

use crate::{
    probe::{self, expect, expect_health},
    support::{self, Test, read, settles, testbed},
    workload::{Workload, apply, pod},
};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Set to a cluster's name in a process that is to inject a fault there and wait to be killed.
pub(crate) const VICTIM: &str = "TESTBED_TEST_VICTIM";

type OnCluster = fn(&'static Workload<'static>);

/// The tests that share one cluster.
pub(crate) fn tests() -> Vec<Test> {
    TESTS
        .iter()
        .map(|&(name, slow, test)| {
            Test::new(&format!("cluster::{name}"), slow, move || test(workload()))
        })
        .collect()
}

/// Takes the shared cluster down, if a test asked for it; the next one that does has it made anew.
pub(crate) fn finish() {
    if WORKLOAD.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
        Cluster::down(&support::name("cluster")).unwrap();
    }
}

type Made = Result<&'static Workload<'static>, String>;

static WORKLOAD: Mutex<Option<Made>> = Mutex::new(None);

/// The cluster and what runs in it, made when the first test asks for it.
pub(crate) fn workload() -> &'static Workload<'static> {
    let mut made = WORKLOAD.lock().unwrap_or_else(PoisonError::into_inner);
    let made = made.get_or_insert_with(|| {
        support::clear_abandoned();
        let up = Cluster::up(&support::program(), &support::spec("cluster"), &support::Steps);
        let (cluster, _) = up.map_err(|error| format!("{error}\n{}", error.log_tail()))?;
        let cluster: &Cluster = Box::leak(Box::new(cluster));
        Ok(Box::leak(Box::new(Workload::deploy(cluster))))
    });
    made.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

const TESTS: &[(&str, bool, OnCluster)] = &[
    ("every_path_works_in_both_families", false, every_path_works_in_both_families),
    ("exec_logs_and_port_forward_work", false, exec_logs_and_port_forward_work),
    (
        "a_pod_reaches_itself_through_its_own_service",
        false,
        a_pod_reaches_itself_through_its_own_service,
    ),
    ("pods_meet_the_outside_as_their_node", false, pods_meet_the_outside_as_their_node),
    ("the_outside_is_refused_at_once", false, the_outside_is_refused_at_once),
    ("up_finds_a_running_cluster", false, up_finds_a_running_cluster),
    ("the_next_up_undoes_what_a_killed_process_left", false, the_next_up_undoes_what_was_left),
    ("a_loaded_image_is_pulled", false, a_loaded_image_is_pulled),
];

fn every_path_works_in_both_families(workload: &Workload<'_>) {
    expect_health(workload);
    for node in workload.cluster.nodes() {
        let mut get = workload.cluster.kubectl().unwrap();
        get.args(["get", "node", &node.name, "-o", "jsonpath={.spec.podCIDRs[*]}"]);
        assert_eq!(read(&mut get).split(' ').count(), 2, "podCIDRs of {}", node.name);
    }
}

fn exec_logs_and_port_forward_work(workload: &Workload<'_>) {
    assert_eq!(workload.in_box("n2", "hostname").trim(), "box-n2");
    let mut logs = workload.cluster.kubectl().unwrap();
    assert!(read(logs.args(["logs", "web-n3"])).contains("GET / "));
    let mut forward = workload.cluster.kubectl().unwrap();
    forward.args(["port-forward", "--address", "0.0.0.0", "pod/web-n2", "18080:80"]);
    let _forward = Ends(forward.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let first = workload.cluster.node("n1").unwrap().address(Family::V4).unwrap();
    assert!(settles(Duration::from_secs(10), || probe::answers(SocketAddr::new(first, 18080))));
}

fn a_pod_reaches_itself_through_its_own_service(workload: &Workload<'_>) {
    for (node, addresses) in &workload.cluster_ips {
        for &address in addresses {
            let mut exec = workload.cluster.kubectl().unwrap();
            let url = format!("http://{}/", SocketAddr::new(address, 80));
            exec.args(["exec", &format!("web-{node}"), "--", "curl", "-g", "-s", "-m", "3", &url]);
            assert!(read(&mut exec).contains("nginx"), "{node} by {address}");
        }
    }
}

fn pods_meet_the_outside_as_their_node(workload: &Workload<'_>) {
    let record = workload.cluster.record();
    for family in FAMILIES {
        let outside = record.subnet.machine(family);
        for node in workload.cluster.nodes() {
            let listener = TcpListener::bind((outside, 0)).unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap());
            let peer = thread::scope(|scope| {
                let server = scope.spawn(|| {
                    let (mut stream, peer) = listener.accept().unwrap();
                    let _ = stream.read(&mut [0; 1024]);
                    stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello").unwrap();
                    peer
                });
                let text = workload.in_box(&node.name, &format!("wget -q -O - -T 5 {url}"));
                if text != "hello" {
                    // Let the server go.
                    let _ = std::net::TcpStream::connect(listener.local_addr().unwrap());
                }
                server.join().unwrap()
            });
            assert_eq!(Some(peer.ip()), node.address(family), "{}", node.name);
        }
    }
}

fn the_outside_is_refused_at_once(workload: &Workload<'_>) {
    // Many at once: the kernel limits how often it says so of its own accord.
    const ASKED: usize = 50;
    for url in ["http://203.0.113.1/", "http://[2001:db8::1]/"] {
        let script =
            format!("for i in $(seq {ASKED}); do wget -q -O - -T 20 {url} 2>&1 & done; wait");
        let text = workload.in_box("n2", &script);
        let answers: Vec<_> = text.lines().collect();
        assert_eq!(answers.len(), ASKED, "{url}: {text}");
        for answer in answers {
            let said = answer.contains("unreachable") || answer.contains("No route");
            assert!(said, "{url}: {answer}");
        }
    }
}

fn up_finds_a_running_cluster(workload: &Workload<'_>) {
    let name = &workload.cluster.record().spec.name;
    read(&mut testbed(name, &["up"]));
    let again = Cluster::that_is_up(name).unwrap();
    let processes =
        |cluster: &Cluster| -> Vec<_> { cluster.nodes().iter().map(|node| node.process).collect() };
    assert_eq!(processes(&again), processes(workload.cluster));
    let status = read(&mut testbed(name, &["status"]));
    assert!(status.contains(&format!("cluster '{name}' is healthy")), "{status}");
    let another = testbed(name, &["up", "--nodes", "2"]).output().unwrap();
    assert_eq!(another.status.code(), Some(2), "another shape under the same name is refused");
    let path = read(&mut testbed(name, &["kubeconfig"]));
    assert_eq!(path.trim(), workload.cluster.kubeconfig().display().to_string());
    let script = "echo $KUBECONFIG; exit 7";
    let with = testbed(name, &["with", "--", "sh", "-c", script]).output().unwrap();
    assert_eq!(String::from_utf8(with.stdout).unwrap(), path);
    assert_eq!(with.status.code(), Some(7));
    assert!(
        Cluster::that_is_up(name).is_ok(),
        "`with` took down a cluster that it had not brought up"
    );
    assert_eq!(read(&mut testbed(name, &["exec", "n3", "--", "hostname"])), "n3\n");
}

fn victims_fault() -> Fault {
    RouteMissing { family: Family::V6, node: "n1".into(), to: "n2".into() }.into()
}

/// The life of a process that is killed while its fault is injected.
pub(crate) fn hold_a_fault(cluster: &str) -> ! {
    let name: Name = cluster.parse().unwrap();
    let cluster = Cluster::that_is_up(&name).unwrap();
    let _held = fault::injected(&cluster, &victims_fault()).unwrap();
    println!("held");
    loop {
        thread::park();
    }
}

fn the_next_up_undoes_what_was_left(workload: &Workload<'_>) {
    let name = &workload.cluster.record().spec.name;
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .env(VICTIM, name.as_str())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(victim.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    read(&mut testbed(name, &["up"]));
    assert_eq!(fault::active(workload.cluster).unwrap().len(), 1, "a live owner's fault stays");
    victim.kill().unwrap();
    victim.wait().unwrap();
    expect(workload, Some(&victims_fault()));
    read(&mut testbed(name, &["up"]));
    assert!(fault::active(workload.cluster).unwrap().is_empty());
    expect_health(workload);
}

/// An archive as `docker save` writes it, of an image under a name that no registry has.
fn a_loaded_image_is_pulled(workload: &Workload<'_>) {
    const IMAGE: &str = "example.test/team/loaded:1";
    let tar = |files: &[(&str, &[u8])]| {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o755);
            header.set_size(content.len().try_into().unwrap());
            archive.append_data(&mut header, path, *content).unwrap();
        }
        archive.into_inner().unwrap()
    };
    let mut busybox = workload.cluster.kubectl().unwrap();
    busybox.args(["exec", "box-n1", "--", "cat", "/bin/busybox"]);
    let layer = tar(&[("bin/sh", &busybox.output().unwrap().stdout)]);
    let config = json!({
        "architecture": architecture(),
        "os": "linux",
        "config": { "Cmd": ["/bin/sh", "-c", "echo started; read -r line"], "OpenStdin": true },
        "rootfs": { "type": "layers", "diff_ids": [Digest::of(&layer).to_string()] },
    })
    .to_string();
    let manifest =
        json!([{ "Config": "c.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"] }]).to_string();
    let archive = tempfile::NamedTempFile::new().unwrap();
    let files: [(&str, &[u8]); 3] = [
        ("layer.tar", &layer),
        ("c.json", config.as_bytes()),
        ("manifest.json", manifest.as_bytes()),
    ];
    std::fs::write(archive.path(), tar(&files)).unwrap();

    read(testbed(&workload.cluster.record().spec.name, &["load"]).arg(archive.path()));
    let mut object = pod("loaded", "n3", IMAGE, &[]);
    object["spec"]["containers"][0]["stdin"] = true.into();
    apply(workload.cluster, &[object]);
    let mut wait = workload.cluster.kubectl().unwrap();
    read(wait.args(["wait", "--for=condition=Ready", "pod/loaded", "--timeout=60s"]));
    assert_eq!(read(workload.cluster.kubectl().unwrap().args(["logs", "loaded"])), "started\n");
    read(workload.cluster.kubectl().unwrap().args(["delete", "pod", "loaded", "--wait=false"]));
}

/// A child that ends with its scope.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
