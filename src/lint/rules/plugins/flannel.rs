//! flannel's `net-conf.json` against the cluster.

use crate::{
    lint::{
        model::{Flannel, Model, RangeEntry, is_template, read_ranges},
        rules::{
            Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions,
            documents::{cluster, documents},
        },
    },
    net::IpFamily,
};

const DOCS: &str =
    "https://github.com/flannel-io/flannel/blob/master/Documentation/configuration.md";

const CONFIG: &str = "https://github.com/flannel-io/flannel/blob/master/pkg/subnet/config.go";

/// flannel's ConfigMap with these lines of its `net-conf.json`.
macro_rules! net_conf {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kube-flannel-cfg\ndata:\n",
            "  net-conf.json: |\n    {\n",
            $("      ", $line, "\n",)*
            "    }\n"
        )
    };
}

/// The cluster of the examples and a `net-conf.json` beside it.
macro_rules! dual {
    ($($line:literal),* $(,)?) => {
        documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            net_conf!($($line),*)
        )
    };
}

const GOOD: Example = Example::new(dual!(
    "\"Network\": \"10.244.0.0/16\",",
    "\"EnableIPv6\": true,",
    "\"IPv6Network\": \"fd00:10:244::/56\",",
    "\"Backend\": {\"Type\": \"vxlan\"}"
));

fn is(flannel: &Flannel, name: &str, word: &str) -> bool {
    flannel.settings.get(name).is_some_and(|text| text.value.eq_ignore_ascii_case(word))
}

pub(crate) const NOT_JSON: Rule = Rule {
    code: "DS621",
    name: "flannel-not-json",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "flannel's net-conf.json is not JSON, or a field of it has a value of another type.",
    why: "flannel reads it with a JSON parser and exits on anything else, on every node. EnableIPv4 \
          and EnableIPv6 are true or false without quotes, Network holds one IPv4 range, and \
          IPv6Network one IPv6 range.",
    fix: "Write JSON: names and texts in double quotes, no comma before a closing bracket.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Refused {
        by: "flannel",
        how: "exits at its start, and nodes stay NotReady",
    }],
    good: &[GOOD],
    bad: &[
        Example::new(net_conf!("\"Network\": \"10.244.0.0/16\",")),
        Example::new(net_conf!(
            "\"Network\": \"10.244.0.0/16\",",
            "\"EnableIPv6\": \"true\",",
            "\"IPv6Network\": \"fd00:10:244::/56\",",
            "\"Backend\": {\"Type\": \"vxlan\"}"
        )),
        Example::new(net_conf!("\"Network\": \"10.244.0.0/16,fd00:10:244::/56\"")),
    ],
    check: Check::Model(|model, out| {
        for flannel in &model.flannel {
            if let Some(broken) = &flannel.broken {
                out.at(broken.span, format!("net-conf.json is not JSON: {}", broken.value));
            } else {
                types(flannel, out);
            }
        }
    }),
};

/// Values that flannel's reader takes for another type, and stops at.
fn types(flannel: &Flannel, out: &mut Findings) {
    for (name, field) in [("enableipv4", "EnableIPv4"), ("enableipv6", "EnableIPv6")] {
        let text = flannel.settings.get(name).filter(|_| flannel.texts.iter().any(|t| t == name));
        if let Some(text) = text.filter(|text| !is_template(&text.value)) {
            out.at(text.span, format!("{field} is a text, and must be true or false"))
                .fix("remove the quotes");
        }
    }
    for (name, field, family) in
        [("network", "Network", IpFamily::V4), ("ipv6network", "IPv6Network", IpFamily::V6)]
    {
        let Some(text) = flannel.settings.get(name) else { continue };
        if text.value.is_empty() || is_template(&text.value) {
            continue;
        }
        match RangeEntry::new(text.clone()).family() {
            Some(own) if own == family => {}
            Some(own) => {
                out.at(text.span, format!("{field} takes an {family} range; this one is {own}"));
            }
            None => {
                out.at(text.span, format!("{field} takes one {family} range"));
            }
        }
    }
}

pub(crate) const IPV6_OFF: Rule = Rule {
    code: "DS622",
    name: "flannel-ipv6-off",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "The Pods have IPv6, but flannel's IPv6 is off or has no range.",
    why: "flannel gives Pods IPv6 only if EnableIPv6 is true (its default is false) and IPv6Network \
          is set. The manifest that flannel ships has neither.",
    fix: "Set \"EnableIPv6\": true and \"IPv6Network\" to the IPv6 pod range.",
    sources: &[
        DOCS,
        "https://github.com/flannel-io/flannel/issues/1629",
        "https://github.com/flannel-io/flannel/issues/2225",
    ],
    enforced_by: &[EnforcedBy::Symptom("Pods have no IPv6 address")],
    good: &[GOOD],
    bad: &[
        Example::new(dual!("\"Network\": \"10.244.0.0/16\"")),
        Example::new(dual!(
            "\"Network\": \"10.244.0.0/16\",",
            "\"IPv6Network\": \"fd00:10:244::/56\""
        )),
    ],
    check: Check::Model(ipv6_off),
};

fn ipv6_off(model: &Model, out: &mut Findings) {
    let wanted = model.pod_families().contains(&IpFamily::V6)
        && !model.flannel.iter().any(|flannel| is(flannel, "enableipv6", "true"));
    for flannel in model.flannel.iter().filter(|flannel| flannel.broken.is_none()) {
        let on = is(flannel, "enableipv6", "true");
        let range = flannel.settings.get("ipv6network");
        let finding = match (on, range) {
            (true, None) => {
                let finding = out.at(flannel.at, "EnableIPv6 is true, but IPv6Network is not set");
                finding.fix("set \"IPv6Network\" to the IPv6 pod range");
                continue;
            }
            (true, Some(_)) => continue,
            (false, Some(range)) => {
                let message = "IPv6Network has no effect without \"EnableIPv6\": true";
                let finding = out.at(range.span, message);
                if let (None, Some(at)) = (flannel.settings.get("enableipv6"), &flannel.enable) {
                    finding.edits.push(at.clone());
                }
                finding.fix("add \"EnableIPv6\": true")
            }
            (false, None) if wanted => {
                out.at(flannel.at, "flannel gives Pods no IPv6: EnableIPv6 is not true")
            }
            (false, None) => continue,
        };
        if let Some(set) = flannel.settings.get("enableipv6") {
            finding.also(set.span, "off");
        }
        if let Some(pods) = model.pods().filter(|_| wanted) {
            finding.also(pods.text.span, "pod range");
        }
    }
}

pub(crate) const NETWORK: Rule = Rule {
    code: "DS623",
    name: "flannel-network-differs",
    area: Area::Plugins,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "flannel's Network or IPv6Network is not the cluster's pod range.",
    why: "flannel masquerades what leaves its network. Pods get addresses from the cluster's pod \
          range; those outside flannel's network are not routed and not masqueraded as they should.",
    fix: "Write the cluster's pod range of that family.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("Pods of different nodes don't reach each other")],
    good: &[GOOD],
    bad: &[Example::new(dual!(
        "\"Network\": \"10.244.0.0/16\",",
        "\"EnableIPv6\": true,",
        "\"IPv6Network\": \"fd00:10:245::/56\",",
        "\"Backend\": {\"Type\": \"vxlan\"}"
    ))],
    check: Check::Model(|model, out| {
        let pods = read_ranges(model.pods());
        for flannel in &model.flannel {
            for name in ["network", "ipv6network"] {
                // Settings that differ are alternatives, of which this cluster's is not known.
                let all = model.flannel.iter().filter_map(|flannel| flannel.settings.get(name));
                let mut all: Vec<&str> = all.map(|text| text.value.as_str()).collect();
                all.sort_unstable();
                all.dedup();
                if all.len() > 1 {
                    continue;
                }
                // A range of a family that is off is not used.
                let off = match name {
                    "network" => is(flannel, "enableipv4", "false"),
                    _ => !is(flannel, "enableipv6", "true"),
                };
                if off {
                    continue;
                }
                let Some(text) = flannel.settings.get(name) else { continue };
                let Some(range) = RangeEntry::new(text.clone()).range else { continue };
                let family = IpFamily::of_range(&range);
                let mut own = pods.iter().filter(|(_, _, pods)| IpFamily::of_range(pods) == family);
                let Some((_, entry, pods)) = own.next() else { continue };
                if pods.trunc() != range.trunc() && !range.contains(pods) {
                    out.at(text.span, format!("flannel's network {range} is not the pod range"))
                        .also(entry.text.span, "pod range");
                }
            }
        }
    }),
};

pub(crate) const BACKEND: Rule = Rule {
    code: "DS624",
    name: "flannel-backend-ipv6",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "flannel's IPv6 is on with a backend that carries IPv4 only.",
    why: "Of flannel's backends vxlan, host-gw and wireguard carry IPv6. With another, such as udp, \
          ipip or ipsec, IPv6 traffic between nodes is lost. If none is set, flannel uses udp.",
    fix: "Use the vxlan backend, or host-gw or wireguard.",
    sources: &[
        DOCS,
        CONFIG,
        "https://github.com/flannel-io/flannel/blob/master/Documentation/backends.md",
    ],
    enforced_by: &[EnforcedBy::Symptom("Pods of different nodes don't reach each other by IPv6")],
    good: &[GOOD],
    bad: &[
        Example::new(net_conf!(
            "\"Network\": \"10.244.0.0/16\",",
            "\"EnableIPv6\": true,",
            "\"IPv6Network\": \"fd00:10:244::/56\",",
            "\"Backend\": {\"Type\": \"udp\"}"
        )),
        Example::new(net_conf!(
            "\"Network\": \"10.244.0.0/16\",",
            "\"EnableIPv6\": true,",
            "\"IPv6Network\": \"fd00:10:244::/56\""
        )),
    ],
    check: Check::Model(|model, out| {
        let whole = model.flannel.iter().filter(|flannel| flannel.broken.is_none());
        for flannel in whole.filter(|flannel| is(flannel, "enableipv6", "true")) {
            let Some(backend) = flannel.settings.get("backend.type") else {
                let on = flannel.settings.get("enableipv6").map_or(flannel.at, |text| text.span);
                out.at(on, "without a Backend flannel takes udp, which carries IPv4 only")
                    .fix("add \"Backend\": {\"Type\": \"vxlan\"}");
                continue;
            };
            if ["udp", "ipip", "ipsec"].contains(&&*backend.value.to_lowercase()) {
                out.at(backend.span, format!("the {} backend carries IPv4 only", backend.value));
            }
        }
    }),
};

pub(crate) const IPV4_RANGE: Rule = Rule {
    code: "DS625",
    name: "flannel-ipv4-range",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "flannel's IPv4 is on without a range.",
    why: "EnableIPv4 is true unless it is set to false, and then flannel wants Network: without it the \
          agents fail (\"please define a correct Network parameter in the flannel config\").",
    fix: "Set \"EnableIPv4\": false, or \"Network\" to the IPv4 pod range.",
    sources: &[DOCS, CONFIG, "https://github.com/siderolabs/talos/issues/6427"],
    enforced_by: &[EnforcedBy::Symptom("nodes get no network")],
    good: &[
        GOOD,
        Example::new(net_conf!(
            "\"EnableIPv4\": false,",
            "\"EnableIPv6\": true,",
            "\"IPv6Network\": \"fd00:10:244::/56\",",
            "\"Backend\": {\"Type\": \"vxlan\"}"
        )),
    ],
    bad: &[Example::new(net_conf!(
        "\"EnableIPv6\": true,",
        "\"IPv6Network\": \"fd00:10:244::/56\",",
        "\"Backend\": {\"Type\": \"vxlan\"}"
    ))],
    check: Check::Model(|model, out| {
        for flannel in model.flannel.iter().filter(|flannel| flannel.broken.is_none()) {
            let off = is(flannel, "enableipv4", "false");
            let Some(range) = flannel.settings.get("ipv6network") else { continue };
            if !off && flannel.settings.get("network").is_none() {
                out.at(range.span, "IPv4 is on by default, and \"Network\" is not set")
                    .fix("add \"EnableIPv4\": false, or \"Network\" if Pods should have IPv4");
            }
        }
    }),
};
