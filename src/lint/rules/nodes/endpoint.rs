//! Where nodes find the API server.

use std::net::Ipv6Addr;

use crate::lint::{
    model::Model,
    rules::{
        Area, Binary, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
        documents::cluster,
    },
};

const DOCS: &str = "https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/";
const RFC: &str = "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2";
/// kubeadm's own port of the API server.
const PORT: u16 = 6443;
/// Ports that API servers and the load balancers before them usually have. The last group of an
/// address is seldom one of them.
const USUAL_PORTS: [u16; 5] = [443, PORT, 7443, 8443, 9443];

/// A `JoinConfiguration` with this `apiServerEndpoint`.
macro_rules! join {
    ($endpoint:literal) => {
        concat!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ndiscovery:\n",
            "  bootstrapToken:\n    apiServerEndpoint: \"",
            $endpoint,
            "\"\n    token: abcdef.0123456789abcdef\n    unsafeSkipCAVerification: true\n"
        )
    };
}

/// A `ClusterConfiguration` with this `controlPlaneEndpoint`.
macro_rules! endpoint {
    ($endpoint:literal) => {
        concat!(
            cluster!(
                "podSubnet: fd00:10:244::/56,10.244.0.0/16",
                "serviceSubnet: fd00:10:96::/112,10.96.0.0/16"
            ),
            "controlPlaneEndpoint: \"",
            $endpoint,
            "\"\n"
        )
    };
}

const GOOD: [Example; 4] = [
    Example::new(endpoint!("[fd00:192::10]:6443")),
    Example::new(endpoint!("fd00:192::10")),
    Example::new(endpoint!("api.example.org:6443")),
    Example::new(join!("[fd00:192::10]:6443")),
];

pub(crate) const BRACKETS: Rule = Rule {
    code: "DS211",
    name: "endpoint-brackets",
    area: Area::Nodes,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "controlPlaneEndpoint, or where `kubeadm join` finds the API server, has an IPv6 address \
              without the brackets or the port that it needs.",
    why: "Only brackets separate an IPv6 address from a port. To join, in apiServerEndpoint or \
          as the argument of `kubeadm join`, a node always needs a port; in controlPlaneEndpoint \
          brackets need one.",
    fix: "Write [address]:port.",
    sources: &[DOCS, RFC],
    enforced_by: &[EnforcedBy::Rejects {
        binary: Binary::Kubeadm,
        phase: "reading its configuration",
        text: "address",
    }],
    good: &GOOD,
    bad: &[
        Example::new(join!("fd00:192::10:6443")),
        Example::new(join!("fd00:192::10")),
        Example::new(join!("[fd00:192::10]")),
        Example::new(endpoint!("fd00:192::10:16443")),
        Example::new(endpoint!("fd00:192:0:1:2:3:4:10:6443")),
        Example::new(endpoint!("[fd00:192::10]")),
    ],
    check: Check::Model(brackets),
};

pub(crate) const PORT_IN_ADDRESS: Rule = Rule {
    code: "DS212",
    name: "endpoint-port-in-address",
    area: Area::Nodes,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "controlPlaneEndpoint is an IPv6 address that ends like a port.",
    why: "Without brackets kubeadm takes the whole text for an address, and adds the port of the API \
          server: nodes and certificates get an address that is most likely not intended.",
    fix: "Write [address]:port.",
    sources: &[DOCS, RFC],
    enforced_by: &[EnforcedBy::Symptom("kubeadm waits for an API server at another address")],
    good: &GOOD,
    bad: &[Example::new(endpoint!("fd00:192::10:6443"))],
    check: Check::Model(port_in_address),
};

/// k3s' configuration of an agent with this `server`.
macro_rules! agent {
    ($server:literal) => {
        concat!("server: \"", $server, "\"\ntoken: K10\nnode-ip: 192.168.0.12,fd00:192::12\n")
    };
}

pub(crate) const URL: Rule = Rule {
    code: "DS213",
    name: "endpoint-url-brackets",
    area: Area::Nodes,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "The URL of an API server has an IPv6 address without brackets.",
    why: "An IPv6 address in a URL must be in square brackets. Programs built with Go 1.26 or later, such \
          as those of Kubernetes 1.36, reject a URL without them.",
    fix: "Write https://[address]:port.",
    sources: &[RFC, "https://go.dev/doc/go1.26"],
    enforced_by: &[EnforcedBy::Symptom("the node doesn't join: its server's URL can't be read")],
    good: &[
        Example::new(agent!("https://[fd00:192::10]:6443")),
        Example::new(agent!("https://[fd00:192::10]")),
        Example::new(agent!("https://api.example.org:6443")),
        Example::new(agent!("https://192.168.0.10:6443")),
    ],
    bad: &[
        Example::new(agent!("https://fd00:192::10:6443")),
        Example::new(agent!("https://fd00:192::10")),
    ],
    check: Check::Model(url_brackets),
};

fn url_brackets(model: &Model, out: &mut Findings) {
    for url in &model.server_urls {
        let Some((scheme, rest)) = url.value.split_once("://") else { continue };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let right = match (meant(host), host.parse::<Ipv6Addr>()) {
            (Some((address, port)), _) => format!("{scheme}://[{address}]:{port}{path}"),
            (None, Ok(address)) => format!("{scheme}://[{address}]{path}"),
            (None, Err(_)) => continue,
        };
        out.at(url.span, "an IPv6 address in a URL needs brackets")
            .fix(format!("write \"{right}\""));
    }
}

/// An address without brackets and the port behind it, if a text can be read so.
fn split(text: &str) -> Option<(Ipv6Addr, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| digits && *port != 0)?;
    Some((address.parse().ok()?, port))
}

/// The same where it is most likely meant so: the whole is no address, or the port is a usual one.
fn meant(text: &str) -> Option<(Ipv6Addr, u16)> {
    let whole = text.parse::<Ipv6Addr>().is_ok();
    split(text).filter(|(_, port)| !whole || USUAL_PORTS.contains(port))
}

fn brackets(model: &Model, out: &mut Findings) {
    for endpoint in &model.endpoints {
        let text = endpoint.text.value.as_str();
        let bare = text.parse::<Ipv6Addr>().ok();
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let inner = inner.and_then(|inner| inner.parse::<Ipv6Addr>().ok());
        let span = endpoint.text.span;
        // An address alone will do where no port is needed.
        if !endpoint.needs_port && bare.is_some() {
            continue;
        }
        if let Some((address, port)) = meant(text) {
            let right = format!("[{address}]:{port}");
            out.at(span, "an IPv6 address before a port needs brackets")
                .fix(format!("write \"{right}\""));
        } else if let Some(address) = bare.or(inner) {
            let message = match inner {
                Some(_) => "an address in brackets needs a port here",
                None => "an IPv6 address needs brackets and a port here",
            };
            out.at(span, message).fix(format!("write \"[{address}]:{PORT}\""));
        }
    }
}

fn port_in_address(model: &Model, out: &mut Findings) {
    for endpoint in model.endpoints.iter().filter(|endpoint| !endpoint.needs_port) {
        let text = endpoint.text.value.as_str();
        let whole = text.parse::<Ipv6Addr>().is_ok();
        if let Some((address, port)) = meant(text).filter(|_| whole) {
            let message = format!("kubeadm takes {text} for an address without a port");
            out.at(endpoint.text.span, message)
                .fix(format!("write \"[{address}]:{port}\" if {port} is the port"));
        }
    }
}
