//! Commands that show a finding by hand, with the run's own names.

use std::net::IpAddr;

use super::World;
use crate::{
    net::IpFamily,
    probe::{Probe, Target, Vantage},
};

/// What stands before commands that need the run's own pods.
const KEPT: &str = "# The run's pods are gone unless it was started with --keep; repeat it with \
                    --keep and use the names that it prints.";

/// The commands that repeat probes by hand: the first few of them, each from where it started.
pub(crate) fn repeat<'p>(
    world: World<'_>,
    probes: impl IntoIterator<Item = &'p Probe>,
) -> Vec<String> {
    let commands: Vec<String> =
        probes.into_iter().take(3).filter_map(|probe| one(world, probe)).collect();
    if commands.is_empty() {
        return Vec::new();
    }
    std::iter::once(KEPT.to_owned()).chain(commands).collect()
}

/// Runs a command in the run's pod on a node.
pub(crate) fn in_probe(world: World<'_>, node: &str, command: &str) -> Option<String> {
    let pod = world.fixture.probe_on(node)?.pod.as_deref()?;
    Some(format!("kubectl -n {} exec {pod} -- {command}", world.fixture.namespace))
}

fn one(world: World<'_>, probe: &Probe) -> Option<String> {
    let mut namespace = world.fixture.namespace.as_str();
    let seconds = probe.attempts.timeout_ms.div_ceil(1_000).max(1);
    let pod = match &probe.vantage {
        Vantage::Outside | Vantage::ApiServer => None,
        Vantage::Pod { node } => Some(world.fixture.probe_on(node)?.pod.as_deref()?),
        Vantage::Guarded { node } => {
            let pod = world.fixture.guarded.iter().find(|pod| pod.node == *node)?;
            Some(pod.pod.as_deref()?)
        }
        Vantage::HostNetwork { node } => {
            let pod = world.fixture.host_probe_on(node)?;
            namespace = world.fixture.host_namespace();
            Some(pod.pod.as_deref()?)
        }
        Vantage::DnsPod { namespace, pod, port } => {
            let Target::Dns { name, family } = &probe.target else { return None };
            let record = family.record_type();
            return Some(format!(
                "kubectl -n {namespace} port-forward pod/{pod} 5353:{port} & sleep 1; dig +tcp -p \
                 5353 @127.0.0.1 {record} {name}; kill $!"
            ));
        }
    };
    let command = match (&probe.target, pod) {
        (Target::Http { address, payload }, Some(_)) => {
            format!("wget -q -Y off -T {seconds} -O - 'http://{address}/{}'", path(*payload))
        }
        (Target::Http { address, payload }, None) => {
            format!("curl --noproxy '*' -g -m {seconds} 'http://{address}/{}'", path(*payload))
        }
        (Target::Request { address, size }, Some(_)) => format!(
            "sh -c 'wget -q -Y off -T {seconds} --header \"X-Padding: $(printf %{}s x)\" -O - \
             \"http://{address}/request\"'",
            size.saturating_sub(100)
        ),
        (Target::Request { address, size }, None) => format!(
            "curl --noproxy '*' -g -m {seconds} -H \"X-Padding: $(printf %{}s x)\" \
             'http://{address}/request'",
            size.saturating_sub(100)
        ),
        (
            Target::Tcp { address } | Target::Closed { address } | Target::Unanswered { address },
            _,
        ) => {
            format!("nc -v -z -w {seconds} {} {}", address.ip(), address.port())
        }
        (Target::Health { address, page, .. }, _) => {
            format!("wget -S -Y off -T {seconds} -O - 'http://{address}{}'", page.path())
        }
        (Target::Udp { address, size }, _) => {
            let (ip, port) = (address.ip(), address.port());
            format!("sh -c 'printf %{size}s x | nc -u -w {seconds} {ip} {port}'")
        }
        (Target::Flow { address, from }, _) => {
            let (ip, port) = (address.ip(), address.port());
            format!("sh -c 'echo x | nc -u -p {from} -w {seconds} {ip} {port}'")
        }
        (Target::Loss { address }, _) => {
            let (ip, port) = (address.ip(), address.port());
            format!(
                "sh -c 'for i in $(seq 20); do echo x | nc -u -w 1 {ip} {port} | grep -c dualstack; \
                 done'"
            )
        }
        (Target::Proxied { service, port, .. }, _) => format!(
            "kubectl get --raw '/api/v1/namespaces/{namespace}/services/http:{service}:{port}/proxy/'"
        ),
        (Target::Dns { name, family }, _) => {
            format!("nslookup -type={} {name}", family.record_type())
        }
        (Target::Pointer { address }, _) => {
            format!("nslookup -type=PTR {}", IpFamily::pointer_name(*address))
        }
        (Target::DnsServer { server, name }, _) => {
            let port = match server.port() {
                53 => String::new(),
                port => format!(" -port={port}"),
            };
            format!("nslookup -type=A{port} {name} {}", server.ip())
        }
    };
    Some(match pod {
        Some(pod) => format!("kubectl -n {namespace} exec {pod} -- {command}"),
        None => command,
    })
}

fn path(payload: u32) -> String {
    if payload == 0 { String::new() } else { format!("payload/{payload}") }
}

/// A shell command on a node, in a pod of `kubectl debug` that shares the node's network.
pub(crate) fn on_node(node: &str, command: &str) -> String {
    format!("kubectl debug node/{node} -it --image=docker.io/library/busybox -- {command}")
}

/// A shell command of the node's own, with all rights.
pub(crate) fn on_node_as_root(node: &str, command: &str) -> String {
    format!(
        "kubectl debug node/{node} -it --profile=sysadmin --image=docker.io/library/busybox -- \
         chroot /host {command}"
    )
}

/// Shows a node's packet filter rules, of all tools that may have written some: nft doesn't list what
/// iptables-legacy wrote, and not every node has all three.
pub(crate) fn rules(node: &str) -> String {
    on_node_as_root(node, "sh -c 'nft list ruleset; iptables-save; ip6tables-save'")
}

/// Shows which way a node sends packets to an address.
pub(crate) fn route(node: &str, address: IpAddr) -> String {
    on_node(node, &format!("ip {} route get {}", flag(IpFamily::of(address)), address))
}

/// The option of `ip` and `curl` that means a family.
pub(crate) const fn flag(family: IpFamily) -> &'static str {
    match family {
        IpFamily::V4 => "-4",
        IpFamily::V6 => "-6",
    }
}
