//! Cilium's native routing in both families.

use crate::{
    lint::{
        model::{Cilium, Model},
        rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
        source::Spanned,
    },
    net::IpFamily,
};

const GOOD: Example = Example::new(
    "\
routingMode: native
autoDirectNodeRoutes: true
ipv4NativeRoutingCIDR: 10.244.0.0/16
ipv6NativeRoutingCIDR: fd00:10:244::/56
ipv6:
  enabled: true
ipam:
  mode: kubernetes
",
);

pub(crate) const NATIVE: Rule = Rule {
    code: "DS635",
    name: "cilium-native-routing",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "Cilium routes natively in both families, but knows the native range of one.",
    why: "Without tunnels Cilium masquerades everything that leaves a node unless it knows which range is \
          routed natively. Its agent exits if a family that is enabled and masqueraded has no such range.",
    fix: "Set ipv4NativeRoutingCIDR and ipv6NativeRoutingCIDR to the pod ranges, or switch on \
          ipMasqAgent.",
    sources: &[
        "https://docs.cilium.io/en/stable/network/concepts/routing/#native-routing",
        "https://docs.cilium.io/en/stable/network/concepts/masquerading/",
    ],
    enforced_by: &[EnforcedBy::Refused {
        by: "cilium-agent",
        how: "exits: native routing cidr must be configured",
    }],
    good: &[GOOD],
    bad: &[Example::new(
        "\
routingMode: native
autoDirectNodeRoutes: true
ipv4NativeRoutingCIDR: 10.244.0.0/16
ipv6:
  enabled: true
ipam:
  mode: kubernetes
",
    )],
    check: Check::Model(check),
};

fn check(model: &Model, out: &mut Findings) {
    // Values may be spread over several files of one chart.
    let get = |name: &str| -> Option<&Spanned<String>> {
        model.cilium.iter().find_map(|cilium: &Cilium| cilium.settings.get(name))
    };
    let is = |name: &str, word: &str| get(name).is_some_and(|text| text.value == word);
    let native = is("routing-mode", "native") || is("tunnel", "disabled");
    if !native || is("enable-ip-masq-agent", "true") {
        return;
    }
    for family in IpFamily::ALL {
        let of = |family: IpFamily, after: &str| format!("{}{after}", family.slug());
        let on = match family {
            IpFamily::V4 => !is("enable-ipv4", "false"),
            IpFamily::V6 => is("enable-ipv6", "true"),
        };
        let masquerades = !is(&format!("enable-{}", of(family, "-masquerade")), "false");
        let range = get(&of(family, "-native-routing-cidr"));
        // With neither the values may be a part of what the chart gets.
        let other = get(&of(family.other(), "-native-routing-cidr"));
        if let (true, true, None, Some(other)) = (on, masquerades, range, other) {
            let field = format!("{}NativeRoutingCIDR", family.slug());
            out.at(other.span, format!("{field} is not set, though {family} is on"))
                .fix(format!("set {field} to the {family} pod range"));
        }
    }
}
