//! Gateways that Envoy Gateway makes.

use crate::lint::{
    model::{Gateway, Model},
    rules::{Area, Check, EnforcedBy, Example, Findings, Level, Rule, Versions},
};

/// An `EnvoyProxy` with these lines of its `spec`.
macro_rules! envoy_proxy {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyProxy\nmetadata:\n  name: edge\n",
            "spec:\n",
            $("  ", $line, "\n"),*
        )
    };
}

pub(crate) const ENVOY: Rule = Rule {
    code: "DS529",
    name: "envoy-listens-in-one-family",
    area: Area::Balancers,
    level: Level::Warning,
    versions: Versions::ALL,
    summary: "Envoy Gateway's proxies listen in one family, but their Service has both.",
    why: "ipFamily decides on which addresses Envoy listens: 0.0.0.0 unless it is IPv6 or DualStack. A Service \
          that is only patched to be dual-stack sends IPv6 clients to a port where nothing listens.",
    fix: "Set ipFamily: DualStack, which gives the Service both families, too.",
    sources: &["https://gateway.envoyproxy.io/docs/api/extension_types/#ipfamily"],
    enforced_by: &[EnforcedBy::Symptom("connections over IPv6 are refused")],
    good: &[
        Example::new(envoy_proxy!("ipFamily: DualStack")),
        Example::new(envoy_proxy!("provider:", "  type: Kubernetes")),
    ],
    bad: &[
        Example::new(envoy_proxy!(
            "provider:",
            "  type: Kubernetes",
            "  kubernetes:",
            "    envoyService:",
            "      patch:",
            "        value:",
            "          spec:",
            "            ipFamilyPolicy: PreferDualStack",
        )),
        Example::new(envoy_proxy!("ipFamily: dual")),
    ],
    check: Check::Model(|model: &Model, out| {
        model.gateways.iter().for_each(|gateway| check(gateway, out));
    }),
};

fn check(gateway: &Gateway, out: &mut Findings) {
    let family = gateway.family.as_ref();
    if let Some(text) = family.filter(|text| !is_known(&text.value)) {
        let message = format!("\"{}\" is not IPv4, IPv6 or DualStack", text.value);
        let finding = out.at(text.span, message);
        let right = match text.value.to_lowercase().as_str() {
            "ipv4" => "IPv4",
            "ipv6" => "IPv6",
            _ => "DualStack",
        };
        finding.level(Level::Error).fix(format!("write ipFamily: {right}"));
        if right != "DualStack" || matches!(&*text.value.to_lowercase(), "dual" | "dualstack") {
            finding.edit(text, right);
        }
        return;
    }
    let listens = family.map_or("IPv4", |text| text.value.as_str());
    if let Some(service) = gateway.dual_service.filter(|_| listens != "DualStack") {
        let finding = out
            .at(service, format!("the Service gets both families, but Envoy listens on {listens}"));
        if let Some(text) = family {
            finding.also(text.span, "ipFamily");
        }
    }
}

fn is_known(family: &str) -> bool {
    matches!(family, "IPv4" | "IPv6" | "DualStack") || crate::lint::model::is_template(family)
}
