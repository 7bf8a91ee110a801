//! Other names in place of the real ones.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

use crate::{facts::Facts, record::Record};

/// Names that every cluster has, or that are words of Kubernetes.
const STANDARD: [&str; 24] = [
    "calico-apiserver",
    "calico-system",
    "cilium",
    "cluster.local",
    "coredns",
    "default",
    "dns",
    "docker-desktop",
    "flannel",
    "kube-dns",
    "kube-flannel",
    "kube-node-lease",
    "kube-proxy",
    "kube-public",
    "kube-system",
    "kubernetes",
    "localhost",
    "metallb-system",
    "metrics-server",
    "minikube",
    "none",
    "nginx",
    "busybox",
    "tigera-operator",
];

/// Top-level domains by which a word is taken for the name of a host, besides those of countries.
const TOP_LEVEL: [&str; 18] = [
    "cloud", "com", "corp", "dev", "example", "home", "info", "int", "internal", "intra",
    "intranet", "invalid", "io", "lan", "local", "net", "org", "test",
];

/// Ends of names of files, which look like countries' domains.
const FILES: [&str; 9] = ["go", "gz", "ko", "md", "py", "rs", "sh", "so", "id"];

/// Domains of Kubernetes and of who makes parts of it.
const PUBLIC: [&str; 18] = [
    "antrea.io",
    "cattle.io",
    "cilium.io",
    "cluster.local",
    "coreos.com",
    "docker.io",
    "gcr.io",
    "ghcr.io",
    "github.com",
    "k3s.io",
    "k8s.io",
    "kubernetes.io",
    "metallb.io",
    "pkg.dev",
    "projectcalico.org",
    "quay.io",
    "tigera.io",
    "openshift.io",
];

/// The names to be replaced, and what by.
#[derive(Debug, Default)]
pub(super) struct Names {
    chosen: HashMap<String, String>,
    /// By their first word, the longest first.
    by_word: HashMap<String, Vec<String>>,
    counts: HashMap<&'static str, usize>,
}

impl Names {
    /// The names that a record holds.
    pub(super) fn of(record: &Record) -> Self {
        let mut names = Self::default();
        names.nodes(record);
        names.clusters(record);
        names.of_others(&record.facts);
        names
    }

    fn nodes(&mut self, record: &Record) {
        let facts = record.facts.nodes.known();
        let known = facts.into_iter().flatten().map(|node| node.name.as_str());
        let fixture = record.fixture.iter().flat_map(|fixture| &fixture.nodes);
        let all: BTreeSet<&str> = known.chain(fixture.map(|node| node.name.as_str())).collect();
        // So that they are in the same order as before.
        let width = all.len().to_string().len();
        for (number, name) in all.iter().enumerate() {
            self.take(name, format!("node-r{:0width$}", number + 1));
        }
        for node in facts.into_iter().flatten() {
            let Some(chosen) = self.chosen.get(&node.name).cloned() else { continue };
            let hosts = node.addresses.iter().filter(|it| it.address.parse::<IpAddr>().is_err());
            let all = hosts.map(|it| it.address.as_str()).chain([node.name.as_str()]);
            let all: Vec<String> = all.map(str::to_owned).collect();
            for name in &all {
                self.take(name, chosen.clone());
                if let Some((short, _)) = name.split_once('.').filter(|(short, _)| short.len() > 2)
                {
                    self.take(short, chosen.clone());
                }
            }
        }
    }

    fn clusters(&mut self, record: &Record) {
        let server = &record.facts.server;
        for context in [&server.context, &record.started.server.context].into_iter().flatten() {
            self.number(context, "context");
        }
        self.host_of(&server.url);
        self.host_of(&record.started.server.url);
        let dns = record.facts.cluster_dns.known();
        if let Some(domain) = dns.and_then(|dns| dns.domain.as_deref()) {
            self.number(domain, "domain");
        }
        let balanced = record.fixture.iter().filter_map(|it| it.load_balancing.asked());
        balanced.flat_map(|it| &it.hostnames).for_each(|name| self.number(name, "host"));
        let ours = format!("dualstack-{}", record.started.run);
        if record.started.namespace != ours {
            self.number(&record.started.namespace, "namespace");
        }
    }

    /// What the record names of others' Services and pods.
    fn of_others(&mut self, facts: &Facts) {
        for target in &facts.targets {
            self.number(&target.name.namespace, "namespace");
            self.number(&target.name.name, "service");
            let service = target.service.known();
            if let Some(name) = service.and_then(|service| service.external_name.as_deref()) {
                self.number(name, "host");
            }
            for endpoint in target.endpoints.known().into_iter().flatten() {
                if let Some(pod) = &endpoint.pod {
                    self.number(pod, "pod");
                }
            }
        }
        let services = facts.services.known().into_iter();
        let services = services.flat_map(|it| [&it.half_dual, &it.without_families]);
        let unreserved = facts.unreserved.known().into_iter().flat_map(|it| it.values());
        for sample in services.chain(unreserved) {
            sample.first.iter().for_each(|name| self.full_name(name, "service"));
        }
        let pods = facts.pods.known().into_iter().flat_map(|pods| pods.single_stack.values());
        for sample in pods {
            sample.first.iter().for_each(|name| self.full_name(name, "pod"));
        }
    }

    /// `NAMESPACE/NAME`, perhaps behind `ADDRESS of `.
    fn full_name(&mut self, name: &str, kind: &'static str) {
        let name = name.rsplit(' ').next().unwrap_or(name);
        let Some((namespace, name)) = name.split_once('/') else { return };
        if !STANDARD.contains(&namespace) {
            self.number(namespace, "namespace");
            self.number(name, kind);
        }
    }

    fn host_of(&mut self, url: &str) {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        if host.contains(|c: char| c.is_ascii_alphabetic()) && !rest.starts_with('[') {
            self.number(host, "host");
        }
    }

    /// Takes the names of hosts in a text that somebody else wrote.
    pub(super) fn hosts_in(&mut self, text: &str) {
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        for word in text.split(|c| !name(c)) {
            let word = word.trim_matches(|c| matches!(c, '.' | '-'));
            // Of a name within a domain that is replaced, the rest stays.
            let dots = word.match_indices('.').filter_map(|(dot, _)| word.get(dot + 1..));
            let within = dots.into_iter().any(|domain| self.chosen.contains_key(domain));
            if is_host(word) && !within {
                self.number(word, "host");
            }
        }
    }

    /// Takes a name, and numbers it among those of its kind.
    pub(super) fn number(&mut self, name: &str, kind: &'static str) {
        if self.chosen.contains_key(name) {
            return;
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let chosen = format!("{kind}-r{count}");
        self.take(name, chosen);
    }

    fn take(&mut self, name: &str, chosen: String) {
        let is_address = name.parse::<IpAddr>().is_ok();
        if is_address
            || name == chosen
            || STANDARD.contains(&name)
            || self.chosen.contains_key(name)
        {
            return;
        }
        let Some(word) = first_word(name) else { return };
        let names = self.by_word.entry(word.to_owned()).or_default();
        names.push(name.to_owned());
        names.sort_by_key(|name| Reverse(name.len()));
        self.chosen.insert(name.to_owned(), chosen);
    }

    /// The text with every name replaced that stands there as a word, or as words.
    pub(super) fn replace(&self, text: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut rest = text;
        let mut in_word = false;
        while let Some(next) = rest.chars().next() {
            let found = (!in_word).then(|| self.name_at(rest)).flatten();
            if let Some((name, chosen)) = found {
                replaced.push_str(chosen);
                rest = rest.get(name.len()..).unwrap_or_default();
                in_word = true;
            } else {
                replaced.push(next);
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
                in_word = is_word(next);
            }
        }
        replaced
    }

    /// The name with which a text begins.
    fn name_at(&self, text: &str) -> Option<(&str, &str)> {
        let names = self.by_word.get(first_word(text)?)?;
        let name = names.iter().find(|name| {
            let rest = text.strip_prefix(name.as_str());
            rest.is_some_and(|rest| !rest.chars().next().is_some_and(is_word))
        })?;
        Some((name, self.chosen.get(name)?))
    }

    /// The names that stand in a text.
    pub(super) fn within(&self, text: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut in_word = false;
        for (place, character) in text.char_indices() {
            if !in_word && let Some((name, _)) = text.get(place..).and_then(|it| self.name_at(it)) {
                found.insert(name);
            }
            in_word = is_word(character);
        }
        found
    }
}

const fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric()
}

/// The word with which a text begins; a name may begin with another character as well.
fn first_word(text: &str) -> Option<&str> {
    let length = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
    text.get(..length).filter(|word| !word.is_empty())
}

fn is_host(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let Some(last) = parts.last().filter(|_| parts.len() > 1) else { return false };
    let country = last.len() == 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    (country && !FILES.contains(last) || TOP_LEVEL.contains(last))
        && parts.iter().all(|part| !part.is_empty())
        && !PUBLIC.iter().any(|public| {
            word.strip_suffix(public).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Names {
        let mut names = Names::default();
        all.iter().for_each(|name| names.number(name, "name"));
        names
    }

    #[test]
    fn a_name_is_replaced_where_it_stands_as_a_word() {
        let names = names(&["n1", "n10", "worker.corp.example", "worker"]);
        let replaced = |text: &str| names.replace(text);
        assert_eq!(replaced("n1 -> n10"), "name-r1 -> name-r2");
        assert_eq!(replaced("kube-proxy-n1_4c1, n100"), "kube-proxy-name-r1_4c1, n100");
        assert_eq!(replaced("worker.corp.example and worker.x"), "name-r3 and name-r4.x");
        assert_eq!(replaced("an1"), "an1");
        assert_eq!(names.within("see n1; not n100"), ["n1"].into());
    }

    #[test]
    fn names_of_hosts_are_told_from_other_words_with_dots() {
        for host in ["api.corp.example", "registry.internal", "x.amazonaws.com", "db.acme.de"] {
            assert!(is_host(host), "{host}");
        }
        for other in [
            "registry.k8s.io",
            "kubernetes.io",
            "net.ipv6.conf.all.forwarding",
            "run.json",
            "probe.sh",
            "v1.36.3",
            "svc.cluster.local",
            "docker.io",
        ] {
            assert!(!is_host(other), "{other}");
        }
    }
}
