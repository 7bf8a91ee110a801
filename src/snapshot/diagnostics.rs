//! What the API server and the components' own logs tell of a node.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is told of a node and of the network's pods on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeDiagnostics {
    /// The node.
    pub node: String,
    /// The pods there that its network needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<NetworkPod>,
    /// What happened of late to the node and to those pods, warnings first; not much of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// Lines of those pods' logs, since the run began, that complain of something known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complaints: Vec<Complaint>,
    /// What could not be read, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

impl NodeDiagnostics {
    /// The permissions that are missing to tell all, each as a sentence fragment.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.unread.iter().map(String::as_str).filter(|it| it.starts_with(MISSING))
    }
}

/// How a missing permission begins among what is unread.
pub const MISSING: &str = "missing permission: ";

/// What a pod is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// kube-proxy.
    KubeProxy,
    /// The pod network's agent.
    PodNetwork,
    /// The cluster's DNS.
    Dns,
}

impl Component {
    /// The component of a pod with these labels.
    pub fn of<'l>(label: impl Fn(&str) -> Option<&'l str>) -> Option<Self> {
        const NETWORKS: [&str; 12] = [
            "antrea",
            "aws-node",
            "calico-node",
            "canal",
            "cilium",
            "flannel",
            "kindnet",
            "kube-ovn-cni",
            "kube-router",
            "ovnkube-node",
            "weave-net",
            "kube-flannel",
        ];
        let names = ["k8s-app", "app", "name", "app.kubernetes.io/name"];
        names.into_iter().filter_map(label).find_map(|name| match name {
            "kube-proxy" => Some(Self::KubeProxy),
            "kube-dns" | "coredns" => Some(Self::Dns),
            name if NETWORKS.contains(&name) => Some(Self::PodNetwork),
            _ => None,
        })
    }
}

/// A pod that a node's network needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkPod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it is there for.
    pub component: Component,
    /// Whether it is Ready.
    pub ready: bool,
    /// How often its containers were started again.
    pub restarts: u32,
    /// When it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// Whether a container of it runs; of init containers none counts.
    #[serde(default = "running")]
    pub running: bool,
    /// What a container waits for (`CrashLoopBackOff`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
    /// How a container ended last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}

impl NetworkPod {
    /// Whether nothing of it runs: it ends each time it is started, or doesn't start.
    pub const fn is_down(&self) -> bool {
        !self.ready && !self.running
    }
}

/// An older record doesn't say that a pod is down.
const fn running() -> bool {
    true
}

/// What happened to something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `Node n2`, or `Pod kube-system/kube-proxy-x`.
    pub about: String,
    /// Whether it is a warning.
    pub warning: bool,
    /// Its reason, in one word.
    pub reason: String,
    /// Its message.
    pub message: String,
}

/// A line of a log that complains of something known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// The pod.
    pub pod: String,
    /// Of what.
    pub trouble: Trouble,
    /// How many such lines there are.
    pub count: usize,
    /// The last of them.
    pub line: String,
    /// The lines before and behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub around: Vec<String>,
}

/// What components are known to complain of where dual-stack fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// kube-proxy can't write its rules (kubernetes/kubernetes#136786, #140951, #133694).
    RulesNotWritten,
    /// kube-proxy can't serve a health check, whose port is taken (kubernetes/kubernetes#122899,
    /// #126960).
    PortTaken,
    /// A kernel setting is missing or can't be changed (kubernetes/kops#17915).
    SettingRefused,
    /// No address is left, or the range is missing, for new pods.
    NoAddressLeft,
    /// Two hosts have one address (RFC 4862).
    AddressDuplicate,
    /// DNS gets no answer from the servers that it forwards to, or from the API server.
    DnsUpstream,
    /// It doesn't reach the API server, so it doesn't learn of changes.
    ApiServerUnreachable,
}

/// What a component writes where it has some trouble: words that stand in one line, all of them.
const PATTERNS: [(Component, &[&str], Trouble); 20] = {
    use Component::{Dns, KubeProxy, PodNetwork};
    use Trouble::{
        AddressDuplicate, ApiServerUnreachable, DnsUpstream, NoAddressLeft, PortTaken,
        RulesNotWritten, SettingRefused,
    };
    [
        (KubeProxy, &["Failed to execute iptables-restore"], RulesNotWritten),
        (KubeProxy, &["nftables sync failed"], RulesNotWritten),
        (KubeProxy, &["Failed to list nftables elements"], RulesNotWritten),
        (KubeProxy, &["Sync failed"], RulesNotWritten),
        (KubeProxy, &["Failed to ensure chain"], RulesNotWritten),
        (KubeProxy, &["ip6tables", "does not exist"], RulesNotWritten),
        (KubeProxy, &["bind: address already in use"], PortTaken),
        (KubeProxy, &["can't set sysctl"], SettingRefused),
        (KubeProxy, &["nf_conntrack_max", "no such file"], SettingRefused),
        (KubeProxy, &["Failed to watch", "dial tcp"], ApiServerUnreachable),
        (KubeProxy, &["failed to list", "dial tcp"], ApiServerUnreachable),
        (PodNetwork, &["failed to allocate for range"], NoAddressLeft),
        (PodNetwork, &["no IP addresses available"], NoAddressLeft),
        (PodNetwork, &["failed to assign an IP address"], NoAddressLeft),
        (PodNetwork, &["IPv6 duplicate address"], AddressDuplicate),
        (PodNetwork, &["Failed to watch", "dial tcp"], ApiServerUnreachable),
        (Dns, &["plugin/errors", "i/o timeout"], DnsUpstream),
        (Dns, &["plugin/errors", "no route to host"], DnsUpstream),
        (Dns, &["plugin/errors", "network is unreachable"], DnsUpstream),
        (Dns, &["plugin/kubernetes", "dial tcp"], ApiServerUnreachable),
    ]
};

/// How many lines before and behind a complaint are kept.
const AROUND: usize = 2;

/// No more of a line is kept, in characters.
const LINE: usize = 400;

/// What the lines of a component's log complain of, each trouble once, with its last line.
pub fn complaints(component: Component, pod: &str, lines: &[&str]) -> Vec<Complaint> {
    let mut found: Vec<Complaint> = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let of = |(by, words, _): &&(Component, &[&str], Trouble)| {
            *by == component && words.iter().all(|word| line.contains(word))
        };
        let Some((_, _, trouble)) = PATTERNS.iter().find(of) else { continue };
        let from = place.saturating_sub(AROUND);
        let others = lines.iter().enumerate().skip(from).take(place - from + AROUND + 1);
        let around = others.filter(|(at, _)| *at != place).map(|(_, line)| cut(line)).collect();
        match found.iter_mut().find(|known| known.trouble == *trouble) {
            Some(known) => {
                known.count += 1;
                (known.line, known.around) = (cut(line), around);
            }
            None => found.push(Complaint {
                pod: pod.to_owned(),
                trouble: *trouble,
                count: 1,
                line: cut(line),
                around,
            }),
        }
    }
    found
}

fn cut(line: &str) -> String {
    line.trim().chars().take(LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_told_once_with_its_last_line_and_those_around_it() {
        let lines = [
            "I1126 10:00:00 started",
            "E1126 10:00:01 proxier.go:1404] \"Failed to execute iptables-restore\" err=\"exit \
             status 1\" ipFamily=\"IPv6\"",
            "I1126 10:00:02 \"Sync failed\" ipFamily=\"IPv6\" retryingTime=\"30s\"",
            "I1126 10:00:03 something else",
            "I1126 10:00:04 again",
            "I1126 10:00:05 far away",
        ];
        let found = complaints(Component::KubeProxy, "kube-proxy-x", &lines);
        let [complaint] = found.as_slice() else { panic!("{found:#?}") };
        assert_eq!((complaint.trouble, complaint.count), (Trouble::RulesNotWritten, 2));
        assert!(complaint.line.contains("Sync failed"));
        assert_eq!(complaint.around.len(), 4);
        assert!(!complaint.around.concat().contains("far away"));
    }

    #[test]
    fn a_line_counts_only_where_that_component_wrote_it() {
        let timeout =
            "[ERROR] plugin/errors: 2 a.example. A: read udp 10.244.1.5:4->9.9.9.9:53: i/o timeout";
        assert_eq!(
            complaints(Component::Dns, "coredns-a", &[timeout])[0].trouble,
            Trouble::DnsUpstream
        );
        assert_eq!(complaints(Component::KubeProxy, "kube-proxy-x", &[timeout]), []);
        assert_eq!(
            complaints(Component::Dns, "coredns-a", &["[INFO] plugin/ready: Still waiting"]),
            []
        );
        let long = "Failed to watch dial tcp ".repeat(100);
        assert!(complaints(Component::KubeProxy, "x", &[&long])[0].line.len() <= LINE);
    }

    #[test]
    fn a_pods_component_is_told_by_its_labels() {
        let of = |key: &'static str, value: &'static str| {
            Component::of(move |label| (label == key).then_some(value))
        };
        assert_eq!(of("k8s-app", "kube-proxy"), Some(Component::KubeProxy));
        assert_eq!(of("k8s-app", "cilium"), Some(Component::PodNetwork));
        assert_eq!(of("app", "flannel"), Some(Component::PodNetwork));
        assert_eq!(of("k8s-app", "kube-dns"), Some(Component::Dns));
        assert_eq!(of("app", "web"), None);
    }
}
