//! The kubelet's `--node-ip`, as the kubelet reads it.

use std::net::IpAddr;

use crate::{
    lint::{
        model::{AddressList, Asked, Model, Version},
        rules::{Area, Binary, Check, EnforcedBy, Example, Level, Rule, Versions, documents::join},
    },
    net::IpFamily,
};

const FLAG: &str = "https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/";
const GOOD: Example = Example::new(join!(node_ip = "192.168.0.12,fd00:192::12"));

fn lists(model: &Model) -> impl Iterator<Item = &AddressList> {
    model.nodes.iter().filter_map(|node| node.node_ip.as_ref())
}

fn readable(list: &AddressList) -> Vec<IpAddr> {
    list.entries.iter().filter_map(|entry| entry.ip).collect()
}

pub(crate) const PAIR: Rule = Rule {
    code: "DS202",
    name: "node-ip-pair",
    area: Area::Nodes,
    level: Level::Error,
    versions: Versions::since(20),
    summary: "node-ip has more than two addresses, or two of one family.",
    why: "The kubelet accepts one address, or one of each family, and doesn't start otherwise.",
    fix: "Keep one IPv4 and one IPv6 address, the primary family first.",
    sources: &[FLAG],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubelet,
        phase: "starting",
        text: "must contain either a single IP or a dual-stack pair of IPs",
    }],
    good: &[GOOD],
    bad: &[
        Example::new(join!(node_ip = "192.168.0.12,192.168.1.12")),
        Example::new(join!(node_ip = "192.168.0.12,fd00:192::12,fd00:193::12")),
    ],
    check: Check::Model(|model, out| {
        for list in lists(model) {
            match readable(list)[..] {
                [] | [_] => {}
                [first, second] if IpFamily::of(first) != IpFamily::of(second) => {}
                [first, _] => {
                    let family = IpFamily::of(first);
                    out.at(list.text.span, format!("both addresses of node-ip are {family}"));
                }
                ref more => {
                    let count = more.len();
                    out.at(
                        list.text.span,
                        format!("node-ip has {count} addresses; at most two are allowed"),
                    );
                }
            }
        }
    }),
};

pub(crate) const UNSPECIFIED: Rule = Rule {
    code: "DS203",
    name: "node-ip-unspecified",
    area: Area::Nodes,
    level: Level::Error,
    versions: Versions::since(20),
    summary: "One of two node-ip addresses is 0.0.0.0 or ::.",
    why: "On its own, such an address selects the family to detect. In a pair it is invalid, and \
          the kubelet doesn't start.",
    fix: "Use the node's actual addresses.",
    sources: &[FLAG],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubelet,
        phase: "starting",
        text: "dual-stack node IP cannot include '0.0.0.0' or '::'",
    }],
    good: &[GOOD],
    bad: &[Example::new(join!(node_ip = "192.168.0.12,::0"))],
    check: Check::Model(|model, out| {
        for list in lists(model).filter(|list| readable(list).len() == 2) {
            for entry in &list.entries {
                if entry.ip.is_some_and(|ip| ip.is_unspecified()) {
                    let text = entry.text.value.trim();
                    out.at(
                        entry.text.span,
                        format!("{text} is not allowed in a dual-stack node-ip"),
                    );
                }
            }
        }
    }),
};

pub(crate) const UNUSABLE: Rule = Rule {
    code: "DS204",
    name: "node-ip-unusable",
    area: Area::Nodes,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "node-ip is a loopback, link-local or multicast address.",
    why: "The kubelet starts but doesn't report the address: the node has no address at all, not \
          even of the other family, and never becomes ready.",
    fix: "Use a global, private or unique local address of the node.",
    sources: &[FLAG],
    enforced_by: &[EnforcedBy::Warns { binary: Binary::Kubelet, text: "can't be" }],
    good: &[GOOD],
    bad: &[
        Example::new(join!(node_ip = "192.168.0.12,fe80::12")),
        Example::new(join!(node_ip = "127.0.0.1")),
    ],
    check: Check::Model(|model, out| {
        for entry in lists(model).flat_map(|list| &list.entries) {
            let Some(what) = entry.ip.and_then(unusable) else { continue };
            let text = entry.text.value.trim();
            out.at(entry.text.span, format!("{text} is {what}; the kubelet doesn't report it"));
        }
    }),
};

const fn unusable(ip: IpAddr) -> Option<&'static str> {
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    if ip.is_loopback() {
        Some("a loopback address")
    } else if ip.is_multicast() {
        Some("a multicast address")
    } else if link_local {
        Some("a link-local address")
    } else {
        None
    }
}

pub(crate) const IGNORED: Rule = Rule {
    code: "DS205",
    name: "node-ip-ignored",
    area: Area::Nodes,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "An entry of node-ip is not an IP address, and the kubelet ignores it.",
    why: "The kubelet only logs a message and uses the remaining entries: the node is \
          single-stack, or gets whichever address is detected. Before 1.20 it takes one address, and \
          reads nothing from a list.",
    fix: "Use a plain IP address without host name, prefix length, brackets or zone.",
    sources: &[FLAG],
    enforced_by: &[EnforcedBy::Warns {
        binary: Binary::Kubelet,
        text: "Could not parse some node IP(s), ignoring them",
    }],
    good: &[GOOD],
    bad: &[
        Example::new(join!(node_ip = "192.168.0.12,fd00:192::12/64")),
        Example::new(
            "\
apiVersion: kubeadm.k8s.io/v1beta2
kind: JoinConfiguration
nodeRegistration:
  kubeletExtraArgs:
    node-ip: 192.168.0.12,fd00:192::12
",
        )
        .asked(Asked::kubernetes(19)),
    ],
    check: Check::Model(|model, out| {
        let version = model.version_or_current();
        if version < Version::v1(20) {
            for list in lists(model).filter(|list| list.entries.len() > 1) {
                let message =
                    format!("the kubelet of {version} takes one address, and ignores a list");
                out.at(list.text.span, message).fix("write one address, or move to 1.20 or later");
            }
        }
        for entry in lists(model).flat_map(|list| &list.entries) {
            if entry.ip.is_none() && !entry.text.value.is_empty() {
                let text = entry.text.value.trim();
                let finding = out.at(
                    entry.text.span,
                    format!("\"{text}\" is not an IP address; the kubelet ignores it"),
                );
                if let Some((address, _)) = text.split_once(['/', '%']) {
                    finding.fix(format!("use {address}")).edit(&entry.text, address);
                }
            }
        }
    }),
};
