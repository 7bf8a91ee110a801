//! Every path through a cluster, and which of them work: plain wgets in busyboxes, plain
//! connections from the machine, plain name queries.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{IpAddr, SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use testbed::spec::Family;

use crate::{
    support::{read, settles},
    workload::Workload,
};

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(2);

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// One question about a cluster, whose answer is yes in a healthy one.
#[derive(Clone, Debug)]
pub(crate) enum Probe {
    /// Has the Node an InternalIP of the family?
    InternalIp { node: String, family: Family },
    /// Gets a new pod on the node an address of the family?
    NewPod { node: String, family: Family },
    /// Does a pod of one node reach the web server of another (or the same), by its own address?
    Pod { from: String, to: String, family: Family },
    /// The same, by the ClusterIP of its Service.
    ClusterIp { from: String, to: String, family: Family },
    /// Does the machine outside reach the web server of `to` by the NodePort on `node`?
    NodePort { node: String, to: String, family: Family },
    /// Does a pod of the node get an address of the family for a Service's name?
    Dns { from: String, family: Family },
}

/// What is expected of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Works,
    Fails,
    /// Chance decides, such as which of two DNS servers is asked.
    Either,
}

impl Expect {
    /// Failure, if the condition holds.
    pub(crate) fn failure_if(condition: bool) -> Self {
        if condition { Self::Fails } else { Self::Works }
    }
}

/// Which questions are asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scope<'a> {
    /// Whether pods are made too.
    pub(crate) new_pods: bool,
    /// A node whose pods nobody can ask anything.
    pub(crate) mute: Option<&'a str>,
}

/// Waits until every probe does what is expected of it.
#[track_caller]
pub(crate) fn expect(
    workload: &Workload<'_>,
    scope: Scope<'_>,
    expected: impl Fn(&Probe) -> Expect,
) {
    let mut surprises = Vec::new();
    let settled = settles(Duration::from_secs(25), || {
        surprises = look(workload, scope)
            .into_iter()
            .filter(|(probe, works)| match expected(probe) {
                Expect::Works => !works,
                Expect::Fails => *works,
                Expect::Either => false,
            })
            .map(|(probe, works)| format!("{probe:?} {}", if works { "works" } else { "fails" }))
            .collect();
        surprises.is_empty()
    });
    assert!(settled, "against expectation:\n  {}", surprises.join("\n  "));
}

/// Waits until everything works.
#[track_caller]
pub(crate) fn expect_health(workload: &Workload<'_>) {
    expect(workload, Scope { new_pods: true, mute: None }, |_| Expect::Works);
}

/// Asks everything once.
fn look(workload: &Workload<'_>, scope: Scope<'_>) -> Vec<(Probe, bool)> {
    thread::scope(|threads| {
        let mut parts =
            vec![threads.spawn(|| internal_ips(workload)), threads.spawn(|| node_ports(workload))];
        for node in workload.pods.keys().filter(|node| Some(node.as_str()) != scope.mute) {
            parts.push(threads.spawn(|| from_box(workload, node)));
            if scope.new_pods {
                parts.push(threads.spawn(|| new_pod(workload, node)));
            }
        }
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

fn internal_ips(workload: &Workload<'_>) -> Vec<(Probe, bool)> {
    let mut answers = Vec::new();
    for node in workload.pods.keys() {
        let mut get = workload.cluster.kubectl().unwrap();
        get.args(["get", "node", node, "-o"])
            .arg("jsonpath={.status.addresses[?(@.type=='InternalIP')].address}");
        let found: Vec<Family> =
            read(&mut get).split_whitespace().map(|ip| Family::of(ip.parse().unwrap())).collect();
        for family in FAMILIES {
            let probe = Probe::InternalIp { node: node.clone(), family };
            answers.push((probe, found.contains(&family)));
        }
    }
    answers
}

fn new_pod(workload: &Workload<'_>, node: &str) -> Vec<(Probe, bool)> {
    let found: Vec<Family> = workload.new_pod_ips(node).into_iter().map(Family::of).collect();
    FAMILIES
        .map(|family| {
            let probe = Probe::NewPod { node: node.to_owned(), family };
            (probe, found.contains(&family))
        })
        .into()
}

/// All that is asked from within a node's busybox, side by side in one exec.
fn from_box(workload: &Workload<'_>, from: &str) -> Vec<(Probe, bool)> {
    let mut probes = Vec::new();
    let mut script = String::new();
    let mut ask = |probe: Probe, command: String| {
        script.push_str(&format!("( {command} ) >/dev/null 2>&1 && echo {} &\n", probes.len()));
        probes.push(probe);
    };
    let wget = |address: IpAddr| {
        format!("wget -q -O /dev/null -T {} http://{}/", PATIENCE.as_secs(), host(address))
    };
    for (to, addresses) in &workload.pods {
        for &address in addresses {
            let (from, to) = (from.to_owned(), to.clone());
            let family = Family::of(address);
            ask(Probe::Pod { from, to, family }, wget(address));
        }
    }
    for (to, addresses) in &workload.cluster_ips {
        for &address in addresses {
            let (from, to) = (from.to_owned(), to.clone());
            let family = Family::of(address);
            ask(Probe::ClusterIp { from, to, family }, wget(address));
        }
    }
    for family in FAMILIES {
        let kind = if family == Family::V4 { "a" } else { "aaaa" };
        let addresses = &workload.cluster_ips["n1"];
        let address = addresses.iter().find(|&&a| Family::of(a) == family).unwrap();
        ask(
            Probe::Dns { from: from.to_owned(), family },
            format!(
                "timeout 3 nslookup -type={kind} web-n1.default.svc.cluster.local. | grep -qF 'Address: {address}'"
            ),
        );
    }
    let text = workload.in_box(from, &format!("{script}wait"));
    let worked: BTreeSet<usize> = text.lines().map(|line| line.parse().unwrap()).collect();
    let answer = |(index, probe)| (probe, worked.contains(&index));
    probes.into_iter().enumerate().map(answer).collect()
}

fn node_ports(workload: &Workload<'_>) -> Vec<(Probe, bool)> {
    thread::scope(|scope| {
        let mut parts = Vec::new();
        for node in workload.cluster.nodes() {
            for (to, &port) in &workload.node_ports {
                for family in FAMILIES {
                    let address = SocketAddr::new(node.address(family).unwrap(), port);
                    let probe = Probe::NodePort { node: node.name.clone(), to: to.clone(), family };
                    parts.push(scope.spawn(move || (probe, answers(address))));
                }
            }
        }
        parts.into_iter().map(|part| part.join().unwrap()).collect()
    })
}

/// Whether a web server answers.
pub(crate) fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    ask().is_ok_and(|text| text.contains(" 200 "))
}

pub(crate) fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
