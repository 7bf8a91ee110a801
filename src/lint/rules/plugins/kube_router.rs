//! kube-router's flags against the cluster.

use crate::{
    lint::rules::{
        Area, Check, EnforcedBy, Example, Level, Rule, Versions,
        documents::{cluster, documents},
    },
    net::IpFamily,
};

/// kube-router's DaemonSet with these flags.
macro_rules! kube_router {
    ($($flag:literal),* $(,)?) => {
        documents!(
            cluster!(
                "podSubnet: 10.244.0.0/16,fd00:10:244::/56",
                "serviceSubnet: 10.96.0.0/16,fd00:10:96::/112"
            ),
            concat!(
                "apiVersion: apps/v1\nkind: DaemonSet\nmetadata:\n  name: kube-router\nspec:\n",
                "  template:\n    spec:\n      containers:\n        - name: kube-router\n",
                "          args:\n",
                $("            - ", $flag, "\n"),*
            )
        )
    };
}

pub(crate) const FAMILY: Rule = Rule {
    code: "DS641",
    name: "kube-router-family",
    area: Area::Plugins,
    level: Level::Error,
    versions: Versions::ALL,
    summary: "kube-router is not configured to handle a family that the Pods have.",
    why: "kube-router handles IPv4 unless --enable-ipv4 is false, and IPv6 only with --enable-ipv6.",
    fix: "Set --enable-ipv4=true and --enable-ipv6=true.",
    sources: &["https://github.com/cloudnativelabs/kube-router/blob/master/docs/ipv6.md"],
    enforced_by: &[EnforcedBy::Symptom("Pods have no routes, Services or policies in that family")],
    good: &[Example::new(kube_router!("--run-router=true", "--enable-ipv6=true"))],
    bad: &[Example::new(kube_router!("--run-router=true"))],
    check: Check::Model(|model, out| {
        for router in &model.kube_routers {
            for family in model.pod_families() {
                let (flag, default) = match family {
                    IpFamily::V4 => ("enable-ipv4", true),
                    IpFamily::V6 => ("enable-ipv6", false),
                };
                let set = router.args.get(flag);
                if set.map_or(default, |text| text.value == "true") {
                    continue;
                }
                let span = set.map_or(router.at, |text| text.span);
                out.at(span, format!("kube-router doesn't handle {family}, but the Pods have it"))
                    .fix(format!("add --{flag}=true"));
            }
        }
    }),
};
