//! k0s.

use crate::lint::{
    model::{Installation, Model, Tool},
    rules::{Area, Check, EnforcedBy, Example, Level, Rule, Versions},
};

const DOCS: &str = "https://docs.k0sproject.io/stable/dual-stack/";

/// k0s' configuration with these lines of its `spec.network`.
macro_rules! k0s {
    ($($line:literal),* $(,)?) => {
        concat!(
            "apiVersion: k0s.k0sproject.io/v1beta1\nkind: ClusterConfig\nspec:\n  network:\n",
            $("    ", $line, "\n"),*
        )
    };
}

const GOOD: Example = Example::new(k0s!(
    "provider: calico",
    "calico: {mode: bird}",
    "podCIDR: 10.244.0.0/16",
    "serviceCIDR: 10.96.0.0/12",
    "dualStack:",
    "  enabled: true",
    "  IPv6podCIDR: fd00::/108",
    "  IPv6serviceCIDR: fd01::/108"
));

fn installs(model: &Model) -> impl Iterator<Item = &Installation> {
    model.installs.iter().filter(|install| install.tool == Tool::K0s)
}

fn is_dual(install: &Installation) -> bool {
    install.settings.get("dualStack.enabled").is_some_and(|text| text.value == "true")
}

pub(crate) const CALICO_MODE: Rule = Rule {
    code: "DS353",
    name: "k0s-calico-mode",
    area: Area::Installers,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "k0s' Calico is not in bird mode in a dual-stack cluster.",
    why: "k0s sets Calico up for IPv6 in bird mode only. In another mode (vxlan is the default) \
          Pods reach only Pods on their own node over IPv6.",
    fix: "Set spec.network.calico.mode to bird.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Symptom("Pods of different nodes don't reach each other by IPv6")],
    good: &[GOOD],
    bad: &[Example::new(k0s!(
        "provider: calico",
        "calico: {mode: vxlan}",
        "podCIDR: 10.244.0.0/16",
        "serviceCIDR: 10.96.0.0/12",
        "dualStack:",
        "  enabled: true",
        "  IPv6podCIDR: fd00::/108",
        "  IPv6serviceCIDR: fd01::/108"
    ))],
    check: Check::Model(|model, out| {
        for install in installs(model).filter(|install| is_dual(install)) {
            let Some(provider) = install.settings.get("provider") else { continue };
            if provider.value != "calico" {
                continue;
            }
            match install.settings.get("calico.mode") {
                Some(mode) if mode.value == "bird" => {}
                Some(mode) => {
                    out.at(mode.span, format!("mode {} carries no IPv6 in k0s", mode.value));
                }
                None => {
                    out.at(
                        provider.span,
                        "calico.mode is not set, and vxlan carries no IPv6 in k0s",
                    );
                }
            }
        }
    }),
};

pub(crate) const DUAL_STACK: Rule = Rule {
    code: "DS354",
    name: "k0s-dual-stack",
    area: Area::Installers,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "k0s' dualStack is on without its IPv6 ranges, or has ranges and is off.",
    why: "k0s uses IPv6podCIDR and IPv6serviceCIDR only if dualStack.enabled is true, and rejects \
          a configuration that lacks them then.",
    fix: "Set dualStack.enabled to true, and both ranges.",
    sources: &[DOCS],
    enforced_by: &[EnforcedBy::Refused {
        by: "k0s",
        how: "rejects it, or the cluster is single-stack",
    }],
    good: &[GOOD],
    bad: &[
        Example::new(k0s!(
            "podCIDR: 10.244.0.0/16",
            "serviceCIDR: 10.96.0.0/12",
            "dualStack:",
            "  IPv6podCIDR: fd00::/108",
            "  IPv6serviceCIDR: fd01::/108"
        )),
        Example::new(k0s!(
            "podCIDR: 10.244.0.0/16",
            "serviceCIDR: 10.96.0.0/12",
            "dualStack: {enabled: true, IPv6podCIDR: \"fd00::/108\"}"
        ))
        .also(&["DS115"]),
    ],
    check: Check::Model(|model, out| {
        for install in installs(model) {
            let enabled = install.settings.get("dualStack.enabled");
            for field in ["IPv6podCIDR", "IPv6serviceCIDR"] {
                let range = install.settings.get(&format!("dualStack.{field}"));
                match (range.filter(|range| !range.value.is_empty()), is_dual(install)) {
                    (Some(range), false) => {
                        let message =
                            format!("{field} has no effect: dualStack.enabled is not true");
                        let finding = out.at(range.span, message);
                        if let Some(enabled) = enabled {
                            finding.level(Level::Note).also(enabled.span, "off");
                        }
                    }
                    (None, true) => {
                        let span = enabled.map_or(install.at, |enabled| enabled.span);
                        out.at(span, format!("dualStack is on, but {field} is not set"));
                    }
                    _ => {}
                }
            }
        }
    }),
};
